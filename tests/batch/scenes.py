"""Many small real images, and what a file of features holds."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import skimage.data
from numpy.typing import NDArray
from PIL import Image

__all__ = ["assert_same_content", "contents", "without_progress", "write_photographs"]


def write_photographs(folder: Path, count: int, size: tuple[int, int] = (160, 120)) -> Path:
    """Crops of photographs at random places, some rotated; named so that order matters."""
    rng = np.random.default_rng(7)
    sources = [Image.fromarray(a) for a in (skimage.data.camera(), skimage.data.coffee())]
    for i in range(count):
        source = sources[i % 2]
        x, y = (
            int(rng.integers(0, side - part)) for side, part in zip(source.size, size, strict=True)
        )
        crop = source.crop((x, y, x + size[0], y + size[1])).rotate(90 * int(rng.integers(4)))
        path = folder / f"{i % 3}" / f"{(i * 37) % 1000:03}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        crop.save(path, quality=90)
    return folder


def without_progress(stderr: str) -> str:
    """What a batch says, less the lines that it adds once a minute on a slow machine."""
    return re.sub(r"^\d+/\d+ images, .* left\n", "", stderr, flags=re.MULTILINE)


def contents(path: Path) -> dict[str, tuple[NDArray[Any], dict[str, Any]]]:
    """Every dataset and group by name, with its attributes."""
    found: dict[str, tuple[NDArray[Any], dict[str, Any]]] = {}

    def note(name: str, item: Any) -> None:
        values = item[()] if isinstance(item, h5py.Dataset) else np.zeros(0)
        found[name] = (values, dict(item.attrs))

    with h5py.File(path, "r") as file:
        file.visititems(note)
    return found


def assert_same_content(one: Path, other: Path) -> None:
    first, second = contents(one), contents(other)
    assert first.keys() == second.keys()
    for name, (values, attributes) in first.items():
        np.testing.assert_array_equal(values, second[name][0], err_msg=name)
        assert values.dtype == second[name][0].dtype
        assert attributes == second[name][1], name
