"""Small photographs on disk, and one thread for torch, so that every result is repeatable."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

# Helpers that import torch: the search for doctests must not load them where it is missing.
collect_ignore = ["networks.py", "runs.py", "weights.py"]
# Beside the checkout: too large for it, and under terms of their own.
SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
PLACES = {
    "boat": (0, 0),
    "house": (40, 200),
    "man": (90, 180),
    "tower": (180, 90),
    "grass": (400, 9),
}


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    try:
        import torch
    except ImportError:
        return
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def photo(camera):
    """88 wide and 72 high, in [0, 1]: real, small, divisible by 4, not square."""
    return np.ascontiguousarray(camera[100:172, 200:288], np.float32) / 255.0


@pytest.fixture(scope="session")
def photos(camera):
    """Five pieces of a photograph of 96 x 80 pixels each, by what they show."""
    return {name: camera[y : y + 80, x : x + 96] for name, (y, x) in PLACES.items()}


@pytest.fixture(scope="session")
def photo_folder(photos, tmp_path_factory):
    """Those pieces as files."""
    folder = tmp_path_factory.mktemp("photographs")
    for name, pixels in photos.items():
        Image.fromarray(pixels).save(folder / f"{name}_1.png")
    return folder


@pytest.fixture(scope="session")
def set5():
    """The five images of Set5, or a reason to skip."""
    paths = sorted((SHARED / "sr_dev" / "set5").glob("*.png"))
    if len(paths) != 5:
        pytest.skip("needs ../shared/data/sr_dev/set5, which is not part of the repository")
    return paths


@pytest.fixture
def saved(tmp_path):
    """A folder with a weight file and its manifest."""
    from tests.dognets.weights import FILE, save_small

    save_small("method3", tmp_path / FILE)
    return tmp_path
