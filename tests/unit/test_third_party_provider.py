"""The package of docs/writing-a-provider.md: built from the page, installed, and run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("scipy", reason="the example needs scipy")

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "writing-a-provider.md"
MATCH = """
import numpy as np
import siftcore

info = siftcore.provider_info("dct-x2")
assert info.available, info
assert info.summary.startswith("Band-limited enlargement"), info
y, x = np.mgrid[:90, :120]
image = np.zeros(x.shape)
for i in range(12):
    cx, cy = 12 + 9.5 * i, 15 + (37 * i) % 60
    image += np.exp(-((x - cx) ** 2 / 18 + (y - cy) ** 2 / 10)) / 2
found = siftcore.match(image, np.roll(image, 5, axis=1), provider="dct-x2")
assert found.features_a.provider == "dct-x2"
assert len(found.matches) > 5, len(found.matches)
moved = np.median(found.xy_b - found.xy_a, axis=0)
assert np.abs(moved - [5, 0]).max() < 0.1, moved
print("well")
"""


def block(language: str) -> str:
    """The page's first block of that language."""
    fence = rf"^```{language}\n(.*?)^```$"
    return re.search(fence, PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)[1]


def run(*arguments: str, packages: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(packages), str(ROOT)])}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def install(module: str, place: Path) -> Path:
    """The page's package with `module` as its code, in a folder of its own."""
    source, packages = place / "dct-sift", place / "packages"
    source.mkdir(parents=True)
    (source / "dct_sift.py").write_text(module, encoding="utf-8")
    (source / "pyproject.toml").write_text(block("toml"), encoding="utf-8")
    options = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
    done = run(
        *["-m", "pip", "install", *options, "--target", str(packages), str(source)],
        packages=packages,
    )
    assert done.returncode == 0, done.stderr
    return packages


def contract(packages: Path, which: str = "dct-x2") -> subprocess.CompletedProcess[str]:
    options = ["-q", "-p", "no:cacheprovider", "-k", which]
    return run("-m", "pytest", *options, "tests/contract", packages=packages)


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install(block("python"), tmp_path_factory.mktemp("honest"))


def test_it_is_found_by_name(packages: Path) -> None:
    done = run("-c", MATCH, packages=packages)
    assert done.stdout.strip() == "well", done.stderr


def test_it_keeps_the_contract(packages: Path) -> None:
    done = contract(packages)
    assert done.returncode == 0, done.stdout
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed
    assert int(passed[1]) >= 10, done.stdout


def test_the_suite_notices_a_wrong_grid(tmp_path: Path) -> None:
    module = block("python").replace("Grid.area_upsampling(2)", "Grid.linear_doubling()")
    assert module != block("python")
    done = contract(install(module, tmp_path), "dct-x2 and truthful")
    assert done.returncode == 1, done.stdout
    assert "1 failed" in done.stdout


def test_it_is_as_short_as_the_page_says() -> None:
    lines = [line for line in block("python").split("class ")[1].splitlines() if line.strip()]
    assert len(lines) <= 30
