"""Benchmarks of super-resolving providers: their measures, on scenes with a known answer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from skimage import data

from bench.cost import run as run_cost
from bench.preservation import recalled
from bench.preservation import run as run_preservation
from bench.psnr import dog_psnr, paper_gains
from bench.psnr import run as run_psnr
from siftcore import InputError, PixelSR
from siftcore.scalespace import registry
from siftcore.scalespace.superres import upscale_bicubic


def write_scene(folder: Path, homography: NDArray[np.float64]) -> Path:
    """Six times the same image; only `homography` may be false."""
    scene = folder / "scene"
    scene.mkdir(parents=True)
    image = Image.fromarray(data.camera()[100:260, 160:352])
    for k in range(1, 7):
        image.save(scene / f"img{k}.png")
        if k > 1:
            np.savetxt(scene / f"H1to{k}p", homography)
    return folder


def rows_of(folder: Path) -> dict[str, list[float]]:
    report = run_preservation(folder, ["dog", "bicubic-x2"], 2, 150)
    return {row[0]: row[1:] for row in report.tables[0].rows}


def test_preservation_of_the_same_image(tmp_path: Path) -> None:
    rows = rows_of(write_scene(tmp_path, np.eye(3)))
    recall, false, correct, precision = rows["high resolution"]
    assert (recall, false, precision) == (1.0, 0.0, 1.0)
    assert correct > 100
    # Enlarging brings back what the reduced image as it is does not have.
    assert rows["dog"][0] < rows["bicubic-x2"][0] < 1.0
    assert rows["dog"][2] < rows["bicubic-x2"][2] < correct


def test_a_false_homography_is_noticed(tmp_path: Path) -> None:
    shifted = np.array([[1.0, 0, 12], [0, 1, 0], [0, 0, 1]])
    recall, _, correct, precision = rows_of(write_scene(tmp_path, shifted))["high resolution"]
    assert recall == 1.0
    assert correct <= 2
    assert precision < 0.05


def test_recall_asks_for_place_and_scale() -> None:
    wanted = np.array([[10.0, 10.0], [50.0, 20.0], [90.0, 30.0]])
    found = np.array([[11.0, 11.0], [50.0, 21.6], [90.0, 30.0]])
    sigma = np.array([2.0, 2.0, 2.0])
    hit = recalled(wanted, sigma, found, np.array([2.4, 2.0, 2.5]))
    assert hit.tolist() == [True, False, False]
    assert not recalled(wanted, sigma, np.empty((0, 2)), np.empty(0)).any()
    assert len(recalled(np.empty((0, 2)), np.empty(0), wanted, sigma)) == 0


def test_a_folder_without_scenes_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="H1to2p"):
        run_preservation(tmp_path, ["dog"], 2, 100)


def test_cost_measures_every_provider() -> None:
    report = run_cost(["dog", "bicubic-x2"], 64, 48, 1)
    assert [row[0] for row in report.tables[0].rows] == ["dog", "bicubic-x2"]
    for _, parameters, multiply_adds, space, features, keypoints in report.tables[0].rows:
        assert parameters is None
        assert multiply_adds is None
        assert space > 0
        assert features > 0
        assert keypoints > 0


def test_psnr_of_a_known_error() -> None:
    rng = np.random.default_rng(0)
    true = rng.normal(0, 0.02, (4, 60, 60)).astype(np.float32)
    true[:, 20, 20], true[:, 20, 21] = 0.1, -0.1
    error = np.float32(0.002)
    by_truth, by_own = dog_psnr(true + error, true)
    # A constant error: the peak is 0.2, and scaling each to its own range takes it away.
    np.testing.assert_allclose(by_truth, 20 * np.log10(0.2 / 0.002), atol=1e-3)
    assert (by_own > 100).all()
    _, stretched = dog_psnr(1.5 * true, true)
    assert (stretched > 100).all()


def test_psnr_of_providers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.fromarray(data.astronaut()[:121, 100:261]).save(tmp_path / "a.png")
    shifted = PixelSR(lambda image: np.roll(upscale_bicubic(image, 2), 1, axis=1))
    monkeypatch.setitem(registry._registered, "shifted-x2", lambda: shifted)
    gains, by_truth, by_own = run_psnr(tmp_path, ["shifted-x2"], 2).tables
    assert max(next(row[1:] for row in gains.rows if row[0] == "shifted-x2")) < -1
    assert [row[0] for row in by_truth.rows] == ["bicubic-x2", "shifted-x2"]
    assert all(20 < value < 70 for table in (by_truth, by_own) for value in table.rows[0][1:])
    with pytest.raises(InputError, match="no image"):
        run_psnr(tmp_path / "nothing", ["bicubic-x2"], 2)
    with pytest.raises(InputError, match="levels of"):
        run_psnr(tmp_path, ["bicubic-x4"], 2)


def test_gains_that_the_paper_reports() -> None:
    assert paper_gains(2)["method2"] == [3.1, 2.85, 3.25, 2.83]
    assert paper_gains(4)["method1"] == [2.03, 1.68, 1.8, 1.97]
