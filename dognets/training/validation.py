"""How good a network is on images that no training sees."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dognets.data.cache import ImageCache
from dognets.evaluation import DogPsnr, measure_dog_psnr
from dognets.inference import Runner
from dognets.models import SuperResolver

__all__ = ["MOST_IMAGES", "validate"]

MOST_IMAGES = 20


def validate(
    model: SuperResolver,
    cache: ImageCache,
    held_back: Sequence[int],
    device: str = "auto",
    degradation: str = "clean",
) -> DogPsnr:
    """DoG PSNR in single precision on at most 20 of the images kept back, at even steps.

    Parameters
    ----------
    model : SuperResolver
    cache : ImageCache
    held_back : sequence of int
        Indices of images; see `ImageCache.split`.
    device : str, default "auto"
    degradation : {"clean", "real"}, default "clean"
    """
    runner = Runner(model, device, "float32")
    step = max(1, len(held_back) // MOST_IMAGES)
    images = (cache.image(i).astype(np.float32) for i in held_back[::step][:MOST_IMAGES])
    return measure_dog_psnr(runner, images, model.scale, model.predicts, model.sigmas, degradation)
