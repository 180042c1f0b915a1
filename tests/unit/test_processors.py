"""The kernels ask for vectors: on lesser processors they have to give the same."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import siftcore

PROGRAM = """
import sys
import numpy as np
import siftcore
from siftcore.kernels._vectors import has_feature
assert not has_feature("avx512f")
image = np.load(sys.argv[1])
a, b = (siftcore.extract(part) for part in (image, image[:, ::-1]))
matches = siftcore.match_features(a, b[::2], ratio=0.95, mutual=False).indices
np.savez(sys.argv[2], xy=a.xy, angle=a.angle, descriptors=a.descriptors, matches=matches)
"""


# Without AVX at all; with AVX2 but without AVX-512. Numba takes the features from the host, unless
# they are given: the name alone changes nothing.
AVX2 = "+sse2,+sse3,+ssse3,+sse4.1,+sse4.2,+popcnt,+cx16,+avx,+avx2,+fma,+f16c,+bmi,+bmi2,+lzcnt"
PROCESSORS = {"generic": ""}
if platform.machine() in ("x86_64", "AMD64"):
    PROCESSORS["haswell"] = AVX2


@pytest.mark.parametrize("processor", PROCESSORS)
def test_features_and_matches_do_not_depend_on_the_processor(
    processor: str, tmp_path: Path
) -> None:
    rng = np.random.default_rng(6)
    image = np.kron(rng.random((24, 32)), np.ones((8, 8)))
    image = np.rint(255 * image).astype(np.uint8)
    np.save(tmp_path / "image.npy", image)
    changed = {"NUMBA_CPU_NAME": processor, "NUMBA_CACHE_DIR": str(tmp_path)}
    if PROCESSORS[processor]:
        changed["NUMBA_CPU_FEATURES"] = PROCESSORS[processor]
    command = [sys.executable, "-c", PROGRAM, "image.npy", "found.npz"]
    done = subprocess.run(
        command, env=os.environ | changed, cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    a, b = (siftcore.extract(part) for part in (image, image[:, ::-1]))
    assert len(a) > 300
    matches = siftcore.match_features(a, b[::2], ratio=0.95, mutual=False).indices
    with np.load(tmp_path / "found.npz") as found:
        np.testing.assert_allclose(found["xy"], a.xy, atol=1e-3)
        np.testing.assert_allclose(found["angle"], a.angle, atol=1e-3)
        np.testing.assert_allclose(found["descriptors"], a.descriptors, atol=1e-3)
        same = {tuple(row) for row in found["matches"]} & {tuple(row) for row in matches}
        assert len(same) > 0.98 * max(len(matches), len(found["matches"]), 1)
        assert len(matches) > 20
