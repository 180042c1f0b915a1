"""What extraction and matching return: frozen structs of arrays."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from siftcore.errors import InputError, InputTypeError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Features", "MatchResult", "Matches"]

_FEATURE_ARRAYS: dict[str, tuple[type, tuple[int, ...]]] = {
    "xy": (np.float32, (2,)),
    "sigma": (np.float32, ()),
    "angle": (np.float32, ()),
    "response": (np.float32, ()),
    "octave": (np.int16, ()),
    "level": (np.float32, ()),
    "descriptors": (np.float32, (128,)),
}


@dataclass(frozen=True, eq=False)
class Features:
    """Keypoints and descriptors of one image, strongest first.

    Attributes
    ----------
    xy : ndarray, (N, 2) float32
        Column and row in pixels of the input image; (0, 0) is the centre of its first pixel.
    sigma : ndarray, (N,) float32
        Gaussian sigma in input pixels (OpenCV's ``size`` is twice that).
    angle : ndarray, (N,) float32
        Radians in [0, 2 pi), atan2(dy, dx) with y down.
    response : ndarray, (N,) float32
        Absolute refined DoG, for intensities in [0, 1] and levels ``2 ** (1/3)`` apart.
    octave : ndarray, (N,) int16
        log2 of the octave's sampling step in input pixels: -1 is the doubled image.
    level : ndarray, (N,) float32
        Refined position on the octave's ladder; 0 is its first DoG level.
    descriptors : ndarray, (N, 128) float32
        (row, column, bin) order, L2 norm 1.
    image_size : (int, int)
        Width and height of the input.
    provider : str
        Name of the scale-space provider.

    Notes
    -----
    ``docs/conventions.md`` gives the conversions to the conventions of other programs.
    """

    xy: NDArray[np.float32]
    sigma: NDArray[np.float32]
    angle: NDArray[np.float32]
    response: NDArray[np.float32]
    octave: NDArray[np.int16]
    level: NDArray[np.float32]
    descriptors: NDArray[np.float32]
    image_size: tuple[int, int]
    provider: str

    def __post_init__(self) -> None:
        n = len(self.xy)
        for name, (dtype, tail) in _FEATURE_ARRAYS.items():
            array: NDArray[Any] = np.ascontiguousarray(getattr(self, name), dtype=dtype)
            if array.shape != (n, *tail):
                raise InputError(
                    f"Features.{name} must have shape {(n, *tail)} to go with xy of {n} rows; "
                    f"got {array.shape}"
                )
            object.__setattr__(self, name, array)

    def __len__(self) -> int:
        return len(self.xy)

    def __getitem__(self, index: slice | NDArray[Any] | Sequence[int]) -> Features:
        """The chosen keypoints: a slice, a boolean mask of length N, or an index array."""
        if isinstance(index, (int, np.integer)):
            raise InputTypeError(
                f"Features takes a slice, mask or index array, not the single index {index}; "
                f"write features[{index}:{index + 1}]"
            )
        chosen = index if isinstance(index, slice) else np.asarray(index)
        if isinstance(chosen, np.ndarray) and chosen.size == 0 and chosen.dtype != np.bool_:
            chosen = chosen.astype(np.intp)
        return replace(self, **{name: getattr(self, name)[chosen] for name in _FEATURE_ARRAYS})

    def top(self, n: int) -> Features:
        """The min(n, N) keypoints of largest response, strongest first."""
        order = np.argsort(-self.response, kind="stable")
        return self[order[: max(int(n), 0)]]

    @classmethod
    def empty(cls, image_size: tuple[int, int], provider: str) -> Features:
        """No keypoints: an ordinary result."""
        arrays: dict[str, NDArray[Any]] = {
            name: np.zeros((0, *tail), dtype) for name, (dtype, tail) in _FEATURE_ARRAYS.items()
        }
        return cls(**arrays, image_size=image_size, provider=provider)

    @classmethod
    def concatenate(cls, parts: Sequence[Features]) -> Features:
        """All keypoints of `parts`, which are of one image and provider, in their order."""
        arrays: dict[str, Any] = {
            name: np.concatenate([getattr(part, name) for part in parts])
            for name in _FEATURE_ARRAYS
        }
        return replace(parts[0], **arrays)

    def __repr__(self) -> str:
        width, height = self.image_size
        return (
            f"Features({len(self)} keypoints, image {width}x{height}, provider={self.provider!r})"
        )


@dataclass(frozen=True, eq=False)
class Matches:
    """Pairs of descriptors, ordered by their row in the first set.

    Attributes
    ----------
    indices : ndarray, (M, 2) int32
        Rows in the first and the second set.
    distance : ndarray, (M,) float32
        Euclidean distance of the two descriptors.
    ratio : ndarray, (M,) float32
        That distance over the distance to the second-nearest; 0 when there is no second.
    """

    indices: NDArray[np.int32]
    distance: NDArray[np.float32]
    ratio: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.indices)

    def __repr__(self) -> str:
        return f"Matches({len(self)})"


@dataclass(frozen=True, eq=False)
class MatchResult:
    """Two images' features, their matches, and the geometry that verifies them.

    Attributes
    ----------
    features_a, features_b : Features
    matches : Matches
    inliers : ndarray, (M,) bool, or None
        Which matches agree with `model`; None when no geometry was asked for.
    model : ndarray, (3, 3) float64, or None
        Homography from a to b, or fundamental matrix F with ``b^T F a = 0``; None when none was
        asked for or found.
    """

    features_a: Features
    features_b: Features
    matches: Matches
    inliers: NDArray[np.bool_] | None = None
    model: NDArray[np.float64] | None = None

    @property
    def xy_a(self) -> NDArray[np.float32]:
        """Matched points of the first image, (M, 2) float32, in its pixels."""
        return self.features_a.xy[self.matches.indices[:, 0]]

    @property
    def xy_b(self) -> NDArray[np.float32]:
        """Matched points of the second image, (M, 2) float32, in its pixels."""
        return self.features_b.xy[self.matches.indices[:, 1]]

    def __len__(self) -> int:
        return len(self.matches)

    def __repr__(self) -> str:
        checked = "" if self.inliers is None else f", {int(self.inliers.sum())} inliers"
        return (
            f"MatchResult({len(self.features_a)} and {len(self.features_b)} keypoints, "
            f"{len(self)} matches{checked})"
        )
