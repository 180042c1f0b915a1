"""A small collection of real photographs."""

from __future__ import annotations

import numpy as np
import pytest
import skimage.data
from PIL import Image

import siftcore

NAMES = ("astronaut", "brick", "camera", "chelsea", "coffee", "gravel", "rocket", "coins")


def grey(name):
    """A photograph of scikit-image in 8 bits."""
    return np.rint(255.0 * siftcore.load_image(getattr(skimage.data, name)())).astype(np.uint8)


def reduced(image, factor):
    size = (image.shape[1] // factor, image.shape[0] // factor)
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))


def ranking(candidates):
    """What two equal answers have in common."""
    return [(each.name, each.score, each.votes, each.inliers) for each in candidates]


@pytest.fixture(scope="session")
def photographs():
    return {f"db/{name}.png": grey(name) for name in NAMES}


@pytest.fixture(scope="session")
def collection(photographs):
    """Features by name; one image of nothing is among them."""
    found = {name: siftcore.extract(image).top(500) for name, image in photographs.items()}
    found["db/blank.png"] = siftcore.Features.empty((40, 30), "dog")
    return found


@pytest.fixture(scope="session")
def index(collection):
    pytest.importorskip("faiss", reason="retrieval needs FAISS")
    from siftcore.retrieval import ImageIndex

    return ImageIndex.build(collection)
