"""Positions, scales and angles in the conventions of other programs, and back."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["from_kornia_lafs", "to_kornia_lafs"]


def to_kornia_lafs(
    xy: NDArray[np.float32],
    sigma: NDArray[np.float32],
    angle: NDArray[np.float32],
    mr_size: float = 6.0,
) -> NDArray[np.float32]:
    """Local affine frames (N, 2, 3) float32 of scale ``mr_size * sigma``.

    kornia's orientation, ``atan2(A[0, 1], A[0, 0])`` in degrees, has the opposite sign to `angle`.
    """
    cos, sin = np.cos(angle, dtype=np.float64), np.sin(angle, dtype=np.float64)
    scale = mr_size * sigma.astype(np.float64)
    lafs = np.empty((len(xy), 2, 3), np.float32)
    lafs[:, 0, 0] = lafs[:, 1, 1] = scale * cos
    lafs[:, 0, 1], lafs[:, 1, 0] = -scale * sin, scale * sin
    lafs[:, :, 2] = xy
    return lafs


def from_kornia_lafs(
    lafs: NDArray[np.float32], mr_size: float = 6.0
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Position, sigma and angle in [0, 2 pi) of (N, 2, 3) frames; an affine shape is dropped."""
    a = lafs[:, :, :2].astype(np.float64)
    sigma = np.sqrt(np.abs(a[:, 0, 0] * a[:, 1, 1] - a[:, 0, 1] * a[:, 1, 0])) / mr_size
    angle = np.mod(-np.arctan2(a[:, 0, 1], a[:, 0, 0]), 2 * np.pi).astype(np.float32)
    # Rounding to float32 may reach 2 pi itself.
    angle[angle >= np.float32(2 * np.pi)] = 0.0
    return lafs[:, :, 2].astype(np.float32), sigma.astype(np.float32), angle
