"""Gradients of a keypoint's window: the inner loops of orientations and descriptors.

The rows of a window are some 30 samples long, too short for vector instructions. So they are laid
one behind the other in a batch, which is then worked on in one loop. No call into libm and no
branch in it, so that it compiles to vector instructions.

A batch is one array of five streams, because a loop over one array needs no test for overlaps.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types

from siftcore.kernels._jit import FASTMATH
from siftcore.kernels._vectors import (
    FLAGS,
    constant,
    data_of,
    everywhere,
    fetch,
    index,
    instruction,
    load,
    store,
)

__all__ = [
    "BATCH_SIZE", "CAPACITY", "DX", "DY", "MAX_ANGLE_ERROR", "MAX_FALL", "MAX_FALL_ERROR", "PART",
    "U", "V", "direction", "falling", "fetch_window", "gather_run",
    "write_gradients",
]  # fmt: skip

# Samples of a batch: it stays in the first cache, and a longer window takes several.
CAPACITY = 1024
# Runs are written in whole vectors; what is too much is overwritten by the next run.
LANES = 16
# Where the streams begin: differences, positions in the caller's units, and room for a result.
DX, DY, U, V, PART = (stream * (CAPACITY + LANES) for stream in range(5))
BATCH_SIZE = 5 * (CAPACITY + LANES)

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

# The same for exp(-t) on [0, MAX_FALL], relative.
_E0 = np.float32(0.99999994)
_E1 = np.float32(-0.99999785)
_E2 = np.float32(0.4999749)
_E3 = np.float32(-0.1665516)
_E4 = np.float32(0.04139978)
_E5 = np.float32(-0.007986616)
_E6 = np.float32(0.0011284241)
_E7 = np.float32(-8.75808e-05)
MAX_FALL = 1.6
_MOST = np.float32(MAX_FALL)
MAX_FALL_ERROR = 1e-6

_HALF_PI = np.float32(np.pi / 2)
_PI = np.float32(np.pi)
_TWO_PI = np.float32(2 * np.pi)
_ZERO = np.float32(0.0)
# Keeps 0 / 0 out of flat regions, where the angle does not matter.
_TINY = np.float32(1e-30)


@instruction
def write_gradients(  # type: ignore[no-untyped-def]
    typing_context, samples, here, up, down, u, u_step, v, v_step, batch, at
):
    """Central differences and positions of `LANES` neighbours in a row, into the batch.

    A loop over so few samples would spend most of its time on its beginning and end.
    """
    signature = types.void(samples, here, up, down, u, u_step, v, v_step, batch, at)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _, here, up, down, u, u_step, v, v_step, _, at = arguments
        source, target = data_of(context, builder, signature, arguments, 0, 8)

        def difference(after: Any, before: Any) -> Any:
            values = (load(builder, source, place, LANES) for place in (after, before))
            return builder.fsub(*values, flags=FLAGS)

        def along(start: Any, step: Any) -> Any:
            ramp = constant([float(i) for i in range(LANES)])
            steps = builder.fmul(ramp, everywhere(builder, step, LANES), flags=FLAGS)
            return builder.fadd(everywhere(builder, start, LANES), steps, flags=FLAGS)

        horizontal = difference(builder.add(here, index(1)), builder.add(here, index(-1)))
        streams = (
            (DX, horizontal), (DY, difference(down, up)), (U, along(u, u_step)),
            (V, along(v, v_step)),
        )  # fmt: skip
        for stream, values in streams:
            store(builder, values, target, builder.add(at, index(stream)))
        return context.get_dummy_value()

    return signature, generate


@njit(nogil=True, error_model="numpy", fastmath=FASTMATH)
def fetch_window(samples, shape, x, y, reach, first_row):  # type: ignore[no-untyped-def]
    """Ask for the samples within `reach` of a keypoint, so that they are near when it is its turn.

    Windows lie apart, so the processor does not foresee them; waiting for them from the third cache
    took a quarter of the time of descriptors.
    """
    level, height, width = shape
    y_start = max(0, int(y - reach) - first_row)
    y_stop = min(height, int(y + reach) + 2 - first_row)
    x_start = max(0, int(x - reach))
    x_stop = min(width, int(x + reach) + 2)
    for row in range(y_start, y_stop):
        here = (level * height + row) * width
        for place in range(here + x_start, here + x_stop + LANES, LANES):
            fetch(samples, place)


@njit(nogil=True, error_model="numpy", fastmath=FASTMATH)
def gather_run(samples, shape, row, x_start, n, at, u, u_step, v, v_step, batch):  # type: ignore[no-untyped-def]
    """Central differences of `n` samples of a row, into the batch from place `at` on.

    Past the border the edge sample is repeated, as the blur's mirror has it.

    Parameters
    ----------
    samples : ndarray, (levels * H * W,) float32
        All levels.
    shape : (int, int, int)
        Number of the level, H and W.
    row, x_start : int
        Row and first column of the run, which lies inside the level.
    n, at : int
        ``at + n`` is at most `CAPACITY`.
    u, u_step, v, v_step : float32
        Position of the first sample in the caller's units, and how it changes from one to the next.
    batch : ndarray, (BATCH_SIZE,) float32
        Written.
    """
    level, height, width = shape
    here = (level * height + row) * width + x_start
    up = here - width if row > 0 else here
    down = here + width if row < height - 1 else here
    whole = (n + LANES - 1) & -LANES
    if x_start > 0 and x_start + n < width and down + whole < samples.shape[0]:
        for i in range(0, whole, LANES):
            steps = np.float32(np.int32(i))
            write_gradients(
                samples, here + i, up + i, down + i,
                u + steps * u_step, u_step, v + steps * v_step, v_step, batch, at + i,
            )  # fmt: skip
    else:
        for i in range(n):
            x = x_start + i
            right_step = 1 if x < width - 1 else 0
            left_step = 1 if x > 0 else 0
            batch[at + DX + i] = samples[here + i + right_step] - samples[here + i - left_step]
            batch[at + DY + i] = samples[down + i] - samples[up + i]
            batch[at + U + i] = u + np.float32(np.int32(i)) * u_step
            batch[at + V + i] = v + np.float32(np.int32(i)) * v_step


@njit(nogil=True, error_model="numpy", fastmath=FASTMATH)
def direction(dx, dy):  # type: ignore[no-untyped-def]
    """Angle of a gradient in [0, 2 pi], y down, within `MAX_ANGLE_ERROR`."""
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
    return _TWO_PI - a if dy < _ZERO else a


@njit(nogil=True, error_model="numpy", fastmath=FASTMATH)
def falling(t):  # type: ignore[no-untyped-def]
    """``exp(-t)`` for t >= 0, relatively within `MAX_FALL_ERROR`; constant from `MAX_FALL` on."""
    t = t if t < _MOST else _MOST
    e = _E6 + t * _E7
    e = _E5 + t * e
    e = _E4 + t * e
    e = _E3 + t * e
    e = _E2 + t * e
    e = _E1 + t * e
    return _E0 + t * e
