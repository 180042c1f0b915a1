"""The wheel alone, installed away from the source, does the main job."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
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
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not (ROOT / "pyproject.toml").is_file():
        pytest.skip("the tests do not lie beside the source")
    source = tmp_path_factory.mktemp("source") / "siftcore"
    left_out = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for package in ("siftcore", "dognets"):
        shutil.copytree(ROOT / package, source / package, ignore=left_out)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    command += ["--no-build-isolation", "--wheel-dir", str(out), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (built,) = out.glob("*.whl")
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


def test_it_does_the_main_job(wheel: Path, tmp_path: Path) -> None:
    away = tmp_path / "away"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    subprocess.run([*command, "--target", str(away), str(wheel)], check=True)
    # -S leaves out the editable installation; what siftcore needs is reached by its path.
    libraries = [sysconfig.get_paths()[name] for name in ("purelib", "platlib")]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(away), *dict.fromkeys(libraries)]),
        "NUMBA_CACHE_DIR": str(tmp_path / "cache"),
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
