"""``siftcore extract --shard``: the parts together are what one run over all images gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from siftcore.cli import app

h5py = pytest.importorskip("h5py")


@pytest.fixture
def images(tmp_path: Path, camera: np.ndarray) -> list[str]:
    paths = [tmp_path / f"{name}.png" for name in ("d", "a", "c", "b", "e")]
    for i, path in enumerate(paths):
        Image.fromarray(camera[90 + 20 * i : 190 + 20 * i, 60:220]).save(path)
    return [str(path) for path in paths]


def keypoints(path: Path) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    with h5py.File(path, "r") as file:
        file.visititems(
            lambda name, item: (
                found.update({name: item[()]}) if name.endswith("keypoints") else None
            )
        )
    return found


def extract(images: list[str], output: Path, *options: str) -> int:
    return CliRunner().invoke(app, ["extract", *images, "-o", str(output), *options]).exit_code


def test_the_parts_are_the_whole(images: list[str], tmp_path: Path) -> None:
    assert extract(images, tmp_path / "all.h5") == 0
    whole = keypoints(tmp_path / "all.h5")
    parts: dict[str, np.ndarray] = {}
    for i in (1, 2):
        part = tmp_path / f"{i}.h5"
        assert extract(images, part, "--shard", f"{i}/2") == 0
        assert not parts.keys() & keypoints(part).keys()
        parts |= keypoints(part)
    assert len(whole) == 5
    assert parts.keys() == whole.keys()
    for name, xy in whole.items():
        np.testing.assert_array_equal(parts[name], xy)


def test_more_parts_than_images(images: list[str], tmp_path: Path) -> None:
    assert extract(images, tmp_path / "none.h5", "--shard", "6/7") == 0
    assert keypoints(tmp_path / "none.h5") == {}


@pytest.mark.parametrize("shard", ["0/2", "3/2", "1", "a/b"])
def test_no_such_part(shard: str, images: list[str], tmp_path: Path) -> None:
    assert extract(images, tmp_path / "x.h5", "--shard", shard) == 2
    assert not (tmp_path / "x.h5").exists()
