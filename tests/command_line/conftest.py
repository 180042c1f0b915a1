"""Two images in a folder of their own."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from tests.command_line.running import SHIFT


@pytest.fixture(scope="module")
def scene():
    """Blobs of several sizes at random places, (120, 160 + SHIFT) uint8."""
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:120, : 160 + SHIFT]
    image = np.full(x.shape, 0.4)
    for _ in range(90):
        sigma = rng.uniform(1.5, 5)
        cx, cy = rng.uniform(0, x.shape[1]), rng.uniform(0, 120)
        squeeze = rng.uniform(0.6, 1.6)
        distance = ((x - cx) * squeeze) ** 2 + (y - cy) ** 2
        image += rng.uniform(-0.4, 0.4) * np.exp(-distance / (2 * sigma**2))
    return np.rint(image.clip(0, 1) * 255).astype(np.uint8)


@pytest.fixture
def folder(tmp_path, monkeypatch, scene):
    """The current folder, with a.png and b.png, which is a.png moved left by SHIFT."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(scene[:, :160]).save("a.png")
    Image.fromarray(scene[:, SHIFT:]).save("b.png")
    return tmp_path
