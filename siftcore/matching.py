"""Ratio-test matching of descriptors (Lowe 2004, section 7.1)."""

from __future__ import annotations

import numpy as np

from siftcore.errors import InputError, InputTypeError
from siftcore.types import Features, Matches
from siftcore.validation import check_flag, check_number

__all__ = ["match_features"]

# Squares of differences are summed in float32.
_LARGEST = 1e9


def match_features(
    features_a: Features,
    features_b: Features,
    ratio: float | None = 0.8,
    mutual: bool = True,
    approximate: bool = False,
) -> Matches:
    """Nearest neighbours that pass the ratio test, and are each other's nearest.

    Parameters
    ----------
    features_a, features_b : Features
    ratio : float or None, default 0.8
        A match's distance must be below this share of the distance to the second-nearest, in
        (0, 1]; None or 1 keeps all. With a single descriptor in `features_b` there is no second,
        and the test passes.
    mutual : bool, default True
        Keep a pair only if each is the other's nearest. Without it, several of `features_a` may
        share a match.
    approximate : bool, default False
        Search through FAISS (extra ``faiss``), which pays for sets of more than 100,000; a few in a
        hundred of the nearest are missed. Otherwise the search is exact.

    Returns
    -------
    Matches
        In the order of `features_a`. Independent of the number of threads.

    Raises
    ------
    InputTypeError
        For anything but Features.
    InputError
        For descriptors with NaN, infinity or absolute values beyond a thousand million.
    MissingDependencyError
        For `approximate` without FAISS.

    Notes
    -----
    Memory does not grow with the product of the sizes.
    """
    from siftcore.kernels.nearest import nearest_two

    for name, features in (("features_a", features_a), ("features_b", features_b)):
        if not isinstance(features, Features):
            raise InputTypeError(
                f"{name} must be Features, as siftcore.extract returns; "
                f"got {type(features).__name__}"
            )
        _check_descriptors(name, features)
    ratio = 1.0 if ratio is None else check_number("ratio", ratio, 0.0, 1.0, above=True)
    check_flag("mutual", mutual)
    check_flag("approximate", approximate)
    if len(features_a) == 0 or len(features_b) == 0:
        nothing = np.zeros(0, np.float32)
        return Matches(np.zeros((0, 2), np.int32), nothing, nothing)
    if approximate:
        from siftcore.approximate import nearest_two_approximately as nearest_two
    nearest = nearest_two(features_a.descriptors, features_b.descriptors)
    best, second = nearest.distance[:, 0], nearest.distance[:, 1]
    # Two descriptors equal to the query are no evidence for either: their ratio is 1, not 0 / 0.
    ratios = np.where(second > 0.0, best / np.where(second > 0.0, second, 1.0), 1.0)
    keep = ratios < ratio if ratio < 1.0 else np.ones(len(ratios), np.bool_)
    if mutual:
        keep &= nearest.back[nearest.indices[:, 0]] == np.arange(len(best))
    rows = np.flatnonzero(keep)
    indices = np.stack([rows, nearest.indices[rows, 0]], axis=1).astype(np.int32)
    return Matches(indices, best[rows].astype(np.float32), ratios[rows].astype(np.float32))


def _check_descriptors(name: str, features: Features) -> None:
    if len(features) == 0:
        return
    low, high = float(features.descriptors.min()), float(features.descriptors.max())
    # A NaN anywhere makes both NaN.
    if not (low >= -_LARGEST and high <= _LARGEST):
        raise InputError(
            f"the descriptors of {name} must be finite and within {_LARGEST:g} of 0; "
            f"got values from {low:g} to {high:g}; compute them again"
        )
