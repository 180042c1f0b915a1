"""Separable Gaussian blur with mirrored borders, generated for each kernel radius.

Source: Otero & Delbracio 2014, section 2.1; kernel radius ``ceil(4 sigma)``, normalised, the
edge sample repeated in the mirror (d c b a | a b c d | d c b a).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numba import float32, int64, njit
from numpy.typing import NDArray

from siftcore.kernels._convolution import sum_along_row, sums_over_rows
from siftcore.kernels._jit import array, kernel, scratch
from siftcore.kernels._threads import for_ranges, for_stages
from siftcore.kernels._vectors import fetch, has_long_vectors

__all__ = ["gaussian_blur", "gaussian_blurs", "gaussian_taps"]

CHUNK = 64
# Columns worked on together: their sums stay in the first cache.
TILE = 512
# Kernels read whole vectors.
_NARROW = 16
# Beyond this radius the written-out sums want too many registers.
MAX_GENERATED_RADIUS = 16


def _radius(sigma: float) -> int:
    return max(1, math.ceil(4.0 * sigma))


def gaussian_taps(sigma: float) -> NDArray[np.float32]:
    """Half of a normalised Gaussian kernel: the centre first, then ``ceil(4 sigma)`` more taps."""
    radius = _radius(sigma)
    weights = np.exp(-0.5 * (np.arange(radius + 1) / sigma) ** 2)
    weights /= weights[0] + 2.0 * weights[1:].sum()
    return weights.astype(np.float32)


# Every octave asks for the same few.
_known_taps = lru_cache(maxsize=64)(gaussian_taps)


@njit(inline="always")
def _mirror(i: int, n: int) -> int:
    while i < 0 or i >= n:
        i = -1 - i if i < 0 else 2 * n - 1 - i
    return i


# Sums over rows go into lines, which are mirrored at the borders; sums along those to the output.
# Mirroring the lines is mirroring the samples. The last vector over rows ends with the row, and may
# begin before the others. The next rows are asked for meanwhile.
_SOURCE = """
def _blur_radius_{radius}(source, taps, y_start, y_stop, out):
    height, width = out.shape
    samples = source.reshape(-1)
    results = out.reshape(-1)
    places = np.empty({rows} + {span}, np.int64)
    lines = np.empty({rows} * {stride}, np.float32)
    last = np.empty({lanes}, np.float32)
    for y in range(y_start, y_stop, {rows}):
        for i in range({rows} + {span}):
            places[i] = _mirror(y - {radius} + i, height) * source.shape[1]
        ahead = (y + {radius} + {rows}) * source.shape[1]
        for x_start in range(0, width, {tile}):
            x_stop = min(x_start + {tile}, width)
            # Of the row, without what lies outside of it.
            first, end = max(x_start - {radius}, 0), min(x_stop + {radius}, width)
            shift = {lanes} + {radius} - x_start
            for x in range(first, end, {lanes}):
                x = max(min(x, end - {lanes}), 0)
                for j in range({rows}):
                    fetch(samples, ahead + j * source.shape[1] + x)
                sums_over_rows(samples, places, x, taps, lines, shift + x)
            for j in range(min({rows}, y_stop - y)):
                line = lines[j * {stride} : (j + 1) * {stride}]
                for x in range(x_start - {radius}, 0):
                    line[shift + x] = line[shift + _mirror(x, width)]
                for x in range(width, x_stop + {radius}):
                    line[shift + x] = line[shift + _mirror(x, width)]
                to = (y + j) * width + x_start
                n = x_stop - x_start
                whole = n // {lanes} * {lanes}
                begin = j * {stride} + {lanes}
                for x in range(0, whole, {lanes}):
                    sum_along_row(lines, begin + x, taps, results, to + x)
                if whole < n:
                    sum_along_row(lines, begin + whole, taps, last, 0)
                    for x in range(n - whole):
                        results[to + whole + x] = last[x]
"""


_SIGNATURE = (array(float32, 2), array(float32, 1), int64, int64, scratch(float32, 2))


# By radius; 0 is the one for any radius.
_compiled: dict[int, Callable[..., None]] = {}


def _kernel_of(radius: int) -> Callable[..., None]:
    known = radius if radius <= MAX_GENERATED_RADIUS else 0
    if known not in _compiled:
        _compiled[known] = _generated(radius) if known else _any_radius()
    return _compiled[known]


def _generated(radius: int) -> Callable[..., None]:
    """The kernel of one radius: both passes fused, the sums written out."""
    long = has_long_vectors()
    # Rows computed together share their loads; the numbers were the fastest of those tried.
    lanes, rows = (16, 8) if long else (8, 4)
    # A vector more on either side.
    stride = (TILE + 2 * radius) // lanes * lanes + 3 * lanes
    namespace: dict[str, Any] = {
        "__name__": __name__,
        "np": np,
        "fetch": fetch,
        "_mirror": _mirror,
        "sums_over_rows": sums_over_rows(radius, stride, rows, lanes),
        "sum_along_row": sum_along_row(radius, lanes, shift=long),
    }
    code = _SOURCE.format(
        radius=radius,
        span=2 * radius,
        rows=rows,
        lanes=lanes,
        tile=TILE,
        stride=stride,
    )
    # Compiled under this file's name, so that Numba's disk cache has a file to check against.
    exec(compile(code, __file__, "exec"), namespace)
    function: Callable[..., None] = kernel(*_SIGNATURE)(namespace[f"_blur_radius_{radius}"])
    return function


def _any_radius() -> Callable[..., None]:
    @kernel(*_SIGNATURE)
    def _blur_any_radius(source, taps, y_start, y_stop, out):  # type: ignore[no-untyped-def]
        height, width = out.shape
        radius = taps.shape[0] - 1
        padded = np.empty(width + 2 * radius, np.float32)
        for y in range(y_start, y_stop):
            middle = padded[radius : radius + width]
            row = source[y]
            for x in range(width):
                middle[x] = taps[0] * row[x]
            for k in range(1, radius + 1):
                above = source[_mirror(y - k, height)]
                below = source[_mirror(y + k, height)]
                for x in range(width):
                    middle[x] += taps[k] * (above[x] + below[x])
            for i in range(radius):
                padded[radius - 1 - i] = middle[_mirror(-1 - i, width)]
                padded[radius + width + i] = middle[_mirror(width + i, width)]
            target = out[y]
            for x in range(width):
                target[x] = taps[0] * middle[x]
            for k in range(1, radius + 1):
                left = padded[radius - k : radius - k + width]
                right = padded[radius + k : radius + k + width]
                for x in range(width):
                    target[x] += taps[k] * (left[x] + right[x])

    blur: Callable[..., None] = _blur_any_radius
    return blur


def gaussian_blur(
    image: NDArray[np.float32], sigma: float, out: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """Convolve with a Gaussian.

    Parameters
    ----------
    image : ndarray, (H, W) float32, C-contiguous
    sigma : float
        Standard deviation, in samples of `image`. 0 copies.
    out : ndarray, (H, W) float32, C-contiguous, optional
        Where to write; must not overlap `image`.

    Returns
    -------
    ndarray, (H, W) float32
        `out`.
    """
    if out is None:
        out = np.empty_like(image)
    for_ranges(_rows_blurred(image, sigma, out), image.shape[0], CHUNK, image.size)
    return out


def gaussian_blurs(
    image: NDArray[np.float32], sigmas: Sequence[float], out: NDArray[np.float32]
) -> None:
    """Blurs one after the other, each of the result before; as `gaussian_blur` would give them.

    Parameters
    ----------
    image : ndarray, (H, W) float32, C-contiguous
    sigmas : sequence of float, (N,)
        Standard deviations, in samples of `image`. 0 copies.
    out : ndarray, (N, H, W) float32, C-contiguous
        Where to write; must not overlap `image`.
    """
    sources = [image, *out[:-1]]
    stages = [_rows_blurred(*blur) for blur in zip(sources, sigmas, out, strict=True)]
    reach = max(_radius(sigma) for sigma in sigmas)
    for_stages(stages, image.shape[0], CHUNK, reach, image.size)


def _rows_blurred(
    image: NDArray[np.float32], sigma: float, out: NDArray[np.float32]
) -> Callable[[int, int], None]:
    """Function that blurs rows [start, stop)."""
    if sigma <= 0.0:
        return lambda start, stop: np.copyto(out[start:stop], image[start:stop])
    taps = _known_taps(sigma)
    blur = _kernel_of(len(taps) - 1)
    if image.shape[1] >= _NARROW:
        return lambda start, stop: blur(image, taps, start, stop, out)

    def narrow(start: int, stop: int) -> None:
        """The rows that are needed, mirrored, with room for a vector beside them."""
        radius = len(taps) - 1
        height, width = image.shape
        rows = np.arange(start - radius, stop + radius) % (2 * height)
        wide = np.zeros((len(rows), _NARROW), np.float32)
        wide[:, :width] = image[np.minimum(rows, 2 * height - 1 - rows)]
        blurred = np.empty((len(rows), width), np.float32)
        blur(wide, taps, radius, len(rows) - radius, blurred)
        out[start:stop] = blurred[radius : len(rows) - radius]

    return narrow
