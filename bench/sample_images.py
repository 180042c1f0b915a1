"""The sample images of ``siftcore demo``, made again from scikit-image's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage import data
from skimage.transform import ProjectiveTransform, warp

from siftcore.io.atomic import atomic_write

__all__ = ["CAMERA_A_TO_B", "write"]

# A view from the side and turned; what it shows of the 512 x 512 pixels has no empty corners.
CAMERA_A_TO_B = np.array(
    [[0.98, -0.17, -5.0], [0.13, 0.98, -85.0], [-0.0001, 0.00016, 1.0]], np.float64
)
_B_SIDE = 400
_SEED = 7


def _second_view(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Seen through `CAMERA_A_TO_B`, darker and a little noisy, as a second photograph would be."""
    inverse = ProjectiveTransform(np.linalg.inv(CAMERA_A_TO_B))
    seen = warp(image, inverse, output_shape=(_B_SIDE, _B_SIDE), order=3, mode="edge")
    noise = np.random.default_rng(_SEED).normal(0.0, 0.012, seen.shape)
    return np.rint(255 * (0.85 * seen + 0.02 + noise).clip(0, 1)).astype(np.uint8)


def write(folder: Path) -> list[Path]:
    """Write them to `folder`; the paths written."""
    camera = data.camera()
    images = {
        "camera_a.jpg": camera,
        "camera_b.jpg": _second_view(camera),
        "coffee.jpg": data.coffee(),
        "cat.jpg": data.chelsea(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, image in images.items():
        with atomic_write(folder / name) as temporary:
            Image.fromarray(image).save(temporary, format="JPEG", quality=90, optimize=True)
    return [folder / name for name in images]
