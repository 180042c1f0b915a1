"""Benchmarks of super-resolving providers: their measures, on scenes with a known answer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from skimage import data

from bench.preservation import recalled
from bench.preservation import run as run_preservation
from siftcore import InputError


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
