"""Gradients of one row run in polar form: the inner loop of orientations and descriptors.

No call into libm and no branch, so that it compiles to vector instructions.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from siftcore.kernels._jit import FASTMATH

__all__ = ["MAX_ANGLE_ERROR", "polar_gradients"]

# Odd minimax polynomial for atan on [0, 1] (Lawson-weighted least squares).
_A0 = np.float32(0.999996126)
_A1 = np.float32(-0.333173692)
_A2 = np.float32(0.198078156)
_A3 = np.float32(-0.132333413)
_A4 = np.float32(0.0796236545)
_A5 = np.float32(-0.0336042084)
_A6 = np.float32(0.0068117897)
# Radians, rounding to float32 included.
MAX_ANGLE_ERROR = 1e-6

_HALF_PI = np.float32(np.pi / 2)
_PI = np.float32(np.pi)
_TWO_PI = np.float32(2 * np.pi)
_ZERO = np.float32(0.0)
# Keeps 0 / 0 out of flat regions, where the angle does not matter.
_TINY = np.float32(1e-30)


@njit(nogil=True, error_model="numpy", fastmath=FASTMATH)
def polar_gradients(level, y, x_start, weights, padded, magnitude, angle):  # type: ignore[no-untyped-def]
    """Gradient size times weight, and direction, of the samples x_start .. of row y.

    Past the border the edge sample is repeated, as the blur's mirror has it.

    Parameters
    ----------
    level : ndarray, (H, W) float32
        One Gaussian level.
    y, x_start : int
        Row and first column of the run, which lies inside the level.
    weights : ndarray, (n,) float32
        One a sample of the run.
    padded : ndarray, (W + 2,) float32
        Scratch.
    magnitude, angle : ndarray, (n,) float32 or longer
        Written: twice the central-difference gradient's size times the weight; its direction in
        [0, 2 pi], y down.
    """
    n = weights.shape[0]
    height, width = level.shape
    row = level[y]
    up = level[max(y - 1, 0), x_start : x_start + n]
    down = level[min(y + 1, height - 1), x_start : x_start + n]
    if x_start > 0 and x_start + n < width:
        left = row[x_start - 1 : x_start - 1 + n]
        right = row[x_start + 1 : x_start + 1 + n]
    else:
        for i in range(n + 2):
            padded[i] = row[min(max(x_start - 1 + i, 0), width - 1)]
        left = padded[0:n]
        right = padded[2 : n + 2]
    for i in range(n):
        dx = right[i] - left[i]
        dy = down[i] - up[i]
        size_x = abs(dx)
        size_y = abs(dy)
        large = size_x if size_x > size_y else size_y
        small = size_y if size_x > size_y else size_x
        t = small / (large + _TINY)
        s = t * t
        a = _A5 + s * _A6
        a = _A4 + s * a
        a = _A3 + s * a
        a = _A2 + s * a
        a = _A1 + s * a
        a = t * (_A0 + s * a)
        a = _HALF_PI - a if size_y > size_x else a
        a = _PI - a if dx < _ZERO else a
        angle[i] = _TWO_PI - a if dy < _ZERO else a
        magnitude[i] = np.sqrt(dx * dx + dy * dy) * weights[i]
