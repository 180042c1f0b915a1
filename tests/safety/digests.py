"""Results as short strings, so that processes and threads can compare them bit by bit."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Any

import numpy as np
import skimage.data

import siftcore

__all__ = ["digest", "extracted", "images", "matched"]

_FIELDS = ("xy", "sigma", "angle", "response", "octave", "level", "descriptors")


def digest(features: siftcore.Features) -> str:
    """SHA-256 of all arrays."""
    sha = hashlib.sha256()
    for name in _FIELDS:
        sha.update(getattr(features, name).tobytes())
    return sha.hexdigest()


@lru_cache(maxsize=1)
def images() -> list[np.ndarray]:
    """Real, of many sizes, so that memory kept for one is used for another.

    Read once: what reads them holds locks of imports, which a fork in that moment would keep.
    """
    camera, coffee = skimage.data.camera(), skimage.data.coffee()
    return [
        camera[100:280, 60:300],
        camera[200:290, 100:220],
        coffee[50:150, 100:250],
        np.ascontiguousarray(camera[::-2, ::4]),
        camera[:40, :300],
        np.zeros((50, 60), np.uint8),
        camera[300:303, 200:203],
    ]


def extracted(image: np.ndarray, provider: Any = "dog") -> str:
    """Of one image."""
    return digest(siftcore.extract(image, provider))


def matched(a: np.ndarray, b: np.ndarray, provider: Any = "dog") -> str:
    """Of two images, with their geometry."""
    found = siftcore.match(a, b, provider, geometry="homography")
    sha = hashlib.sha256((digest(found.features_a) + digest(found.features_b)).encode())
    model = np.zeros(0) if found.model is None else found.model
    for array in (found.matches.indices, found.matches.distance, model):
        sha.update(array.tobytes())
    return sha.hexdigest()
