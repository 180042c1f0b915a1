"""Ratio-test matching of descriptors (Lowe 2004, section 7.1)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from siftcore.errors import InputError, InputTypeError
from siftcore.types import Features, Matches
from siftcore.validation import check_flag, check_number

__all__ = ["match_descriptors", "match_features"]

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
        Search through FAISS (extra ``faiss``); a few in a hundred of the nearest are missed. It
        is for sets of more than 100,000; with AVX-512 VNNI the exact search is faster there too.
        Otherwise the search is exact.

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
    for name, features in (("features_a", features_a), ("features_b", features_b)):
        if not isinstance(features, Features):
            raise InputTypeError(
                f"{name} must be Features, as siftcore.extract returns; "
                f"got {type(features).__name__}"
            )
    a = _checked("features_a.descriptors", features_a.descriptors)
    b = _checked("features_b.descriptors", features_b.descriptors)
    return _matched(a, b, ratio, mutual, approximate)


def match_descriptors(
    descriptors_a: ArrayLike,
    descriptors_b: ArrayLike,
    ratio: float | None = 0.8,
    mutual: bool = True,
    approximate: bool = False,
) -> Matches:
    """`match_features` for descriptors of any program, by their Euclidean distances.

    Parameters
    ----------
    descriptors_a, descriptors_b : array_like, (N, D) and (M, D)
        float32, or anything that float32 holds: uint8 as COLMAP's databases and OpenCV's files have
        it, float16 as hloc's. Distances are in the units of the descriptors.
    ratio, mutual, approximate
        As for `match_features`.

    Returns
    -------
    Matches
        In the order of `descriptors_a`.

    Raises
    ------
    InputTypeError
        Not real numbers.
    InputError
        Not two-dimensional, of different lengths, or with NaN, infinity or absolute values beyond a
        thousand million.
    MissingDependencyError
        For `approximate` without FAISS.

    Examples
    --------
    >>> import numpy as np
    >>> import siftcore
    >>> a = np.array([[0, 0, 255], [255, 0, 0]], np.uint8)
    >>> siftcore.match_descriptors(a, a[::-1]).indices.tolist()
    [[0, 1], [1, 0]]
    """
    a = _checked("descriptors_a", descriptors_a)
    b = _checked("descriptors_b", descriptors_b)
    if a.shape[1] != b.shape[1] and len(a) and len(b):
        raise InputError(
            f"descriptors of both images must be of one length; got {a.shape[1]} and {b.shape[1]}"
        )
    return _matched(a, b, ratio, mutual, approximate)


def _matched(
    a: NDArray[np.float32],
    b: NDArray[np.float32],
    ratio: float | None,
    mutual: bool,
    approximate: bool,
) -> Matches:
    from siftcore.kernels.nearest import nearest_two

    ratio = 1.0 if ratio is None else check_number("ratio", ratio, 0.0, 1.0, above=True)
    check_flag("mutual", mutual)
    check_flag("approximate", approximate)
    if len(a) == 0 or len(b) == 0:
        nothing = np.zeros(0, np.float32)
        return Matches(np.zeros((0, 2), np.int32), nothing, nothing)
    if approximate:
        from siftcore.approximate import nearest_two_approximately as nearest_two
    nearest = nearest_two(a, b)
    best, second = nearest.distance[:, 0], nearest.distance[:, 1]
    # Two descriptors equal to the query are no evidence for either: their ratio is 1, not 0 / 0.
    ratios = np.where(second > 0.0, best / np.where(second > 0.0, second, 1.0), 1.0)
    keep = ratios < ratio if ratio < 1.0 else np.ones(len(ratios), np.bool_)
    if mutual:
        keep &= nearest.back[nearest.indices[:, 0]] == np.arange(len(best))
    rows = np.flatnonzero(keep)
    indices = np.stack([rows, nearest.indices[rows, 0]], axis=1).astype(np.int32)
    return Matches(indices, best[rows].astype(np.float32), ratios[rows].astype(np.float32))


def _checked(name: str, descriptors: ArrayLike) -> NDArray[np.float32]:
    array = np.asarray(descriptors)
    if array.dtype.kind not in "buif":
        raise InputTypeError(f"{name} must be real numbers; got dtype {array.dtype}")
    if array.ndim != 2:
        raise InputError(f"{name} must be of shape (N, D), one row a keypoint; got {array.shape}")
    if array.shape[1] == 0 and len(array):
        raise InputError(f"{name} has {len(array)} rows of no numbers; nothing can be compared")
    # What float32 cannot hold becomes an infinity, which is refused.
    with np.errstate(over="ignore"):
        rows = np.ascontiguousarray(array, np.float32)
    low, high = float(rows.min(initial=0.0)), float(rows.max(initial=0.0))
    # A NaN anywhere makes both NaN.
    if not (low >= -_LARGEST and high <= _LARGEST):
        raise InputError(
            f"{name} must be finite and within {_LARGEST:g} of 0; "
            f"got values from {low:g} to {high:g}; compute them again"
        )
    return rows
