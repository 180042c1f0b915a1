"""Features as kornia's local affine frames, and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from siftcore.coordinates import from_kornia_lafs, to_kornia_lafs
from siftcore.errors import InputError
from siftcore.io._torch import import_torch
from siftcore.io.foreign import foreign_features
from siftcore.types import Features

__all__ = ["from_kornia", "to_kornia"]


def to_kornia(features: Features, mr_size: float = 6.0, device: Any = None) -> tuple[Any, Any, Any]:
    """Frames (1, N, 2, 3), responses (1, N) and descriptors (1, N, 128), float32 tensors.

    Descriptors keep siftcore's order; `siftcore.descriptor_layouts.kornia_floats` gives that of
    ``kornia.feature.SIFTDescriptor``, where the two are compared.

    Parameters
    ----------
    features : Features
    mr_size : float, default 6.0
        Scale of a frame over sigma; 6 is the default of kornia's detectors.
    device : torch.device or str, optional

    Raises
    ------
    MissingDependencyError
        Without torch.
    """
    torch = import_torch("tensors for kornia")
    lafs = to_kornia_lafs(features.xy, features.sigma, features.angle, mr_size)
    arrays = (lafs, features.response, features.descriptors)
    lafs, response, descriptors = (torch.tensor(a[None], device=device) for a in arrays)
    return lafs, response, descriptors


def from_kornia(
    lafs: Any, responses: Any, descriptors: Any, image_size: tuple[int, int], mr_size: float = 6.0
) -> Features:
    """Features of one image's frames; padding (frames of zeros) and affine shape are dropped.

    `octave` and `level`, which a frame does not hold, are 0. Descriptors keep their order;
    `siftcore.descriptor_layouts.unit_from_kornia` brings kornia's own into siftcore's.

    Parameters
    ----------
    lafs, responses, descriptors : tensor
        (1, N, 2, 3), (1, N) and (1, N, 128).
    image_size : (int, int)
        Width and height.
    mr_size : float, default 6.0

    Raises
    ------
    InputError
        For other shapes, values that are not finite, or frames without an area.
    """
    frames, response, described = (
        np.asarray(a.detach().cpu() if hasattr(a, "detach") else a, np.float32)
        for a in (lafs, responses, descriptors)
    )
    n = frames.shape[1] if frames.ndim == 4 else -1
    got = (frames.shape, response.shape, described.shape)
    if got != ((1, n, 2, 3), (1, n), (1, n, 128)):
        raise InputError(
            "expected lafs (1, N, 2, 3), responses (1, N) and descriptors (1, N, 128), one image; "
            f"got {got[0]}, {got[1]}, {got[2]}; slice a batch and keep its first axis"
        )
    filled = frames[0].any(axis=(1, 2))
    xy, sigma, angle = from_kornia_lafs(frames[0][filled], mr_size)
    return foreign_features(
        "frames of kornia",
        xy=xy,
        sigma=sigma,
        angle=angle,
        descriptors=described[0][filled],
        image_size=image_size,
        provider="kornia",
        response=response[0][filled],
    )
