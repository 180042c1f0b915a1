"""Which kernels there are, and that none is compiled twice."""

from __future__ import annotations

import json
import subprocess
import sys

from typer.testing import CliRunner

from siftcore.cli import app

# A new kernel or radius costs seconds at every first start: think before one is added here.
KERNELS = [
    "_bytes._round",
    "_distances._rank",
    "_nearest_bytes._search",
    "_nearest_floats._search",
    "_tiles._pack",
    *(f"blur._blur_radius_{radius}" for radius in (10, 13, 4, 5, 6, 7, 8)),
    "descriptor._describe",
    "doubling._double",
    "extrema._find",
    "orientation._orient",
    "refine._refine",
    "reordering._reorder",
]


def test_no_kernel_and_no_signature_slips_in():
    code = "import json; from siftcore.warming import warm_up; print(json.dumps(warm_up()))"
    found = json.loads(subprocess.check_output([sys.executable, "-c", code]))
    assert list(found) == KERNELS
    assert {len(signatures) for signatures in found.values()} == {1}


def test_the_command_says_how_many():
    result = CliRunner().invoke(app, ["warmup"])
    assert result.exit_code == 0
    # Other tests of this process may have used other blurs.
    assert int(result.output.split()[0]) >= len(KERNELS)
    assert "kernels ready in" in result.output
