"""The benchmark of reconstruction: what it refuses; its figures are in bench/results."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("pycolmap", reason="needs pycolmap")

from bench.reconstruction import COLUMNS, run
from siftcore.errors import InputError


def test_one_image_is_refused(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((64, 64), np.uint8)).save(tmp_path / "a.png")
    with pytest.raises(InputError, match="two images"):
        run(tmp_path, 100, 0)


def test_images_without_a_model_give_a_table_of_zeros(tmp_path: Path, crop: np.ndarray) -> None:
    """Two copies of one image have no baseline: no program can reconstruct them."""
    for name in ("a.png", "b.png"):
        Image.fromarray(crop).save(tmp_path / name)
    (table,) = run(tmp_path, 200, 0).tables
    assert table.columns == list(COLUMNS)
    assert [row[0] for row in table.rows] == [
        "siftcore, siftcore",
        "siftcore, pycolmap",
        "pycolmap, pycolmap",
    ]
    for row in table.rows:
        assert row[1] == 0
        assert row[2] > 0
    assert [row[2] for row in table.rows[:2]] == [200, 200]
