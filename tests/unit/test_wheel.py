"""The source distribution, and its wheel that does the main job away from the source."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SMOKE = """
import sys
from importlib.metadata import entry_points, version
from pathlib import Path

import numpy as np

import dognets
import siftcore

away = Path(sys.argv[1]).resolve()
assert away in Path(siftcore.__file__).resolve().parents, siftcore.__file__
assert away in Path(dognets.__file__).resolve().parents, dognets.__file__
assert version("siftcore") == siftcore.__version__

y, x = np.mgrid[:90, :120]
image = np.zeros(x.shape)
for i in range(12):
    cx, cy = 12 + 9.5 * i, 15 + (37 * i) % 60
    image += np.exp(-((x - cx) ** 2 / 18 + (y - cy) ** 2 / 10)) / 2
found = siftcore.match(image, np.roll(image, 5, axis=1))
assert len(found.matches) > 5, len(found.matches)
moved = np.median(found.xy_b - found.xy_a, axis=0)
assert np.abs(moved - [5, 0]).max() < 0.1, moved
assert "method3-x2" in siftcore.list_providers()
assert "siftcore" in {entry.name for entry in entry_points(group="console_scripts")}
if siftcore.provider_info("method3-x2").available:
    assert len(siftcore.extract(image, provider="method3-x2-tiny")) > 5
print("well")
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone without what git ignores, as far as it matters for packages."""
    if not (ROOT / "pyproject.toml").is_file():
        pytest.skip("the tests do not lie beside the source")
    source = tmp_path_factory.mktemp("source") / "siftcore"
    left_out = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for package in ("siftcore", "dognets"):
        shutil.copytree(ROOT / package, source / package, ignore=left_out)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in ("bench/store.py", "docs/conf.py", "tests/unit/test_x.py", "runs/x/last.pt"):
        (source / name).parent.mkdir(parents=True)
        (source / name).write_text("")
    return source


def build_wheel(of: Path, out: Path) -> Path:
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    command += ["--no-build-isolation", "--wheel-dir", str(out), str(of)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(source, tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def sdist(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("sdist")
    program = "import sys; from setuptools.build_meta import build_sdist; build_sdist(sys.argv[1])"
    command = [sys.executable, "-c", program, str(out)]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (built,) = out.glob("*.tar.gz")
    return built


def test_what_is_in_it(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for name in (
        "siftcore/py.typed",
        "siftcore/demo_page/sample_images/README.md",
        "siftcore/demo_page/sample_images/camera_b.jpg",
        "dognets/py.typed",
        "dognets/LICENSES.md",
        "dognets/weights/manifest.json",
        "dognets/weights/method3-x2.safetensors",
    ):
        assert name in names
    packages = {path.parent for path in ROOT.glob("siftcore/**/*.py")}
    for package in packages:
        folder = package.relative_to(ROOT).as_posix()
        assert any(name.startswith(f"{folder}/") for name in names), folder
    foreign = {name.split("/")[0] for name in names} - {"siftcore", "dognets"}
    assert all(name.endswith(".dist-info") for name in foreign), foreign


def test_what_is_in_the_source_distribution(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        files = [member.name for member in archive.getmembers() if member.isfile()]
    roots, names = zip(*(name.split("/", 1) for name in files), strict=True)
    assert set(roots) == {sdist.name.removesuffix(".tar.gz")}
    expected = {"LICENSE", "README.md", "pyproject.toml", "dognets/weights/manifest.json"}
    assert expected <= set(names)
    own = ("siftcore/", "dognets/", "siftcore.egg-info/")
    alone = {name for name in names if not name.startswith(own)}
    assert alone == {"LICENSE", "README.md", "pyproject.toml", "PKG-INFO", "setup.cfg"}
    assert not [name for name in names if name.endswith((".pyc", ".nbc", ".nbi", ".pt"))]


@pytest.fixture(scope="module")
def wheel_of_sdist(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(sdist, tmp_path_factory.mktemp("again"))


def test_the_source_distribution_makes_the_same_wheel(wheel: Path, wheel_of_sdist: Path) -> None:
    """All files, byte for byte; what pip is told of them in RECORD too."""
    with zipfile.ZipFile(wheel) as one, zipfile.ZipFile(wheel_of_sdist) as other:
        assert sorted(one.namelist()) == sorted(other.namelist())
        assert [name for name in one.namelist() if one.read(name) != other.read(name)] == []


def test_it_does_the_main_job(wheel_of_sdist: Path, tmp_path: Path) -> None:
    away = tmp_path / "away"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    subprocess.run([*command, "--target", str(away), str(wheel_of_sdist)], check=True)
    # -S leaves out the editable installation; what siftcore needs is reached by its path.
    libraries = [sysconfig.get_paths()[name] for name in ("purelib", "platlib")]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(away), *dict.fromkeys(libraries)]),
        "NUMBA_CACHE_DIR": str(tmp_path / "cache"),
        # All kernels are compiled anew there, and what is tested is that they are in the wheel.
        "NUMBA_OPT": "0",
    }
    done = subprocess.run(
        [sys.executable, "-S", "-c", SMOKE, str(away)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "well", done.stderr
