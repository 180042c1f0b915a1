"""Patches for training: which ones is a function of the seed and the step alone.

So a run continues after a kill as if nothing had happened, and several processes share a batch
without talking to each other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dognets.data.cache import ImageCache
from dognets.data.degradation import DEGRADATIONS, MARGIN

__all__ = ["PatchBatches"]


@dataclass(frozen=True)
class PatchBatches:
    """Batches of pairs of patches, one per step.

    Attributes
    ----------
    cache : ImageCache
    images : sequence of int
        Which images of the cache to draw from, each with a chance in proportion to its area.
    scale, patch : int
        Factor, and side of a low-resolution patch.
    halo : int
        Low-resolution samples around a patch on each side, which inform but are not judged.
    batch : int
        Patches per step, over all processes.
    seed : int
    degradation : {"clean", "real"}
    rank, world : int
        This process takes patches ``rank, rank + world, ...`` of each batch.
    """

    cache: ImageCache
    images: Sequence[int]
    scale: int
    patch: int
    halo: int
    batch: int
    seed: int
    degradation: str = "clean"
    rank: int = 0
    world: int = 1

    @cached_property
    def _chances(self) -> NDArray[np.float64]:
        """Of each image, (images,)."""
        areas = np.array([math.prod(self.cache.shapes[i]) for i in self.images], np.float64)
        return areas / areas.sum()

    def __getitem__(self, step: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Patches of `step`.

        Returns
        -------
        low : ndarray, (n, p, p) uint8
            p is ``patch + 2 halo``.
        high : ndarray, (n, s p, s p) uint8
            The same region of the high-resolution image. `low` is what reducing the whole image
            and cutting afterwards gives, but for the outermost two samples of the image: Pillow
            leaves out what is beyond its border, and a patch mirrors it.
        """
        rng = np.random.default_rng([self.seed, step])
        chosen = rng.choice(len(self.images), self.batch, p=self._chances)
        seeds = rng.integers(0, 2**63, self.batch)
        mine = range(self.rank, self.batch, self.world)
        pairs = [self._pair(self.images[int(chosen[k])], int(seeds[k])) for k in mine]
        low, high = zip(*pairs, strict=True)
        return np.stack(low), np.stack(high)

    def _pair(self, index: int, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        rng = np.random.default_rng(seed)
        image, s = self.cache.image(index), self.scale
        side = self.patch + 2 * self.halo
        height, width = (n // s for n in image.shape)
        top = int(rng.integers(0, height - side + 1))
        left = int(rng.integers(0, width - side + 1))
        crop = _crop(image, s * height, s * width, s * top, s * left, s * side, s * MARGIN)
        low, high = DEGRADATIONS[self.degradation](crop, s, rng)
        low = low[MARGIN:-MARGIN, MARGIN:-MARGIN]
        high = high[s * MARGIN : -s * MARGIN, s * MARGIN : -s * MARGIN]
        turns, flipped = int(rng.integers(4)), bool(rng.integers(2))
        return _turned(low, turns, flipped), _turned(high, turns, flipped)


def _crop(
    image: NDArray[np.uint8], height: int, width: int, top: int, left: int, side: int, margin: int
) -> NDArray[np.uint8]:
    """A square with a margin, mirrored where it leaves the image."""
    rows, columns = (
        _mirrored(n, start, side, margin) for n, start in ((height, top), (width, left))
    )
    return image[rows[0] : rows[1], columns[0] : columns[1]][rows[2]][:, columns[2]]


def _mirrored(size: int, start: int, side: int, margin: int) -> tuple[int, int, NDArray[np.intp]]:
    """First and last sample needed of an axis, and where in between each sample comes from."""
    wanted = np.arange(start - margin, start + side + margin)
    index = np.minimum(wanted % (2 * size), 2 * size - 1 - wanted % (2 * size))
    first = int(index.min())
    return first, int(index.max()) + 1, index - first


def _turned(patch: NDArray[np.uint8], turns: int, flipped: bool) -> NDArray[np.uint8]:
    patch = np.rot90(patch, turns)
    return np.ascontiguousarray(patch[:, ::-1] if flipped else patch)
