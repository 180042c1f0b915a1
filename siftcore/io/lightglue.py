"""Features as the input of LightGlue's SIFT model, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from siftcore.errors import InputError
from siftcore.io._torch import import_torch
from siftcore.io.foreign import foreign_features
from siftcore.types import Features

__all__ = ["from_lightglue", "to_lightglue", "to_lightglue_arrays"]

_TAILS = {"keypoints": (2,), "scales": (), "oris": (), "descriptors": (128,)}


def to_lightglue_arrays(
    features: Features, descriptor: Literal["sift", "rootsift"] = "sift"
) -> dict[str, NDArray[Any]]:
    """As `to_lightglue`, of NumPy arrays."""
    described = features.descriptors
    if descriptor == "sift":
        total = np.maximum(np.abs(described).sum(axis=1, keepdims=True), 1e-6)
        described = np.sqrt(np.maximum(described / total, 1e-6))
    elif descriptor != "rootsift":
        raise InputError(f"descriptor must be 'sift' or 'rootsift'; got {descriptor!r}")
    norm = np.maximum(np.linalg.norm(described, axis=1, keepdims=True), 1e-6)
    return {
        "keypoints": features.xy[None],
        "scales": features.sigma[None],
        "oris": features.angle[None],
        "descriptors": (described / norm).astype(np.float32)[None],
        "keypoint_scores": features.response[None],
        "image_size": np.array([features.image_size], np.float32),
    }


def to_lightglue(
    features: Features, device: Any = None, descriptor: Literal["sift", "rootsift"] = "sift"
) -> dict[str, Any]:
    """One image's dict of float32 tensors with a batch axis of 1.

    `scales` is sigma, not OpenCV's diameter, as the weights were trained on COLMAP's SIFT.

    Parameters
    ----------
    features : Features
    device : torch.device or str, optional
    descriptor : {"sift", "rootsift"}, default "sift"
        What `features` holds, as in `DescriptorParams`; "sift" is turned into RootSIFT here.

    Raises
    ------
    MissingDependencyError
        Without torch.
    """
    torch = import_torch("tensors for LightGlue")
    arrays = to_lightglue_arrays(features, descriptor)
    return {key: torch.tensor(array, device=device) for key, array in arrays.items()}


def from_lightglue(data: Mapping[str, Any]) -> Features:
    """Features of a dict of `to_lightglue`; descriptors stay RootSIFT, octave and level are 0.

    Raises
    ------
    InputError
        When an entry is absent, has another shape or a value that is not finite, or a scale is
        not positive.
    """
    arrays = {
        key: np.asarray(value.detach().cpu() if hasattr(value, "detach") else value)
        for key, value in data.items()
    }
    absent = {*_TAILS, "image_size"} - arrays.keys()
    if absent:
        raise InputError(f"LightGlue data lacks {', '.join(sorted(absent))}; add them")
    n = arrays["keypoints"].shape[1] if arrays["keypoints"].ndim == 3 else -1
    scores = arrays.get("keypoint_scores", np.zeros((1, max(n, 0)), np.float32))
    wrong = [key for key, tail in _TAILS.items() if arrays[key].shape != (1, n, *tail)]
    if wrong or scores.shape != (1, n) or arrays["image_size"].size != 2:
        raise InputError(
            f"LightGlue data must be of one image, with shapes (1, N, ...); "
            f"{wrong or 'scores or image_size'} "
            "differ; slice a batch and keep its first axis"
        )
    width, height = (int(side) for side in arrays["image_size"].ravel())
    return foreign_features(
        "LightGlue data",
        xy=arrays["keypoints"][0],
        sigma=arrays["scales"][0],
        angle=arrays["oris"][0],
        descriptors=arrays["descriptors"][0],
        image_size=(width, height),
        provider="lightglue",
        response=scores[0],
    )
