"""Separable Gaussian blur with mirrored borders, generated for each kernel radius.

Source: Otero & Delbracio 2014, section 2.1; kernel radius ``ceil(4 sigma)``, normalised, the
edge sample repeated in the mirror (d c b a | a b c d | d c b a).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import float32, int64, njit
from numpy.typing import NDArray

from siftcore.kernels._jit import array, kernel, scratch
from siftcore.kernels._threads import for_ranges

__all__ = ["gaussian_blur", "gaussian_taps"]

# Rows computed together share their loads; four was the fastest of one, two and four.
ROWS = 4
CHUNK = 16 * ROWS
# Beyond this radius the written-out sums spill registers and take long to compile.
MAX_GENERATED_RADIUS = 16


def gaussian_taps(sigma: float) -> NDArray[np.float32]:
    """Half of a normalised Gaussian kernel: the centre first, then ``ceil(4 sigma)`` more taps."""
    radius = max(1, math.ceil(4.0 * sigma))
    weights = np.exp(-0.5 * (np.arange(radius + 1) / sigma) ** 2)
    weights /= weights[0] + 2.0 * weights[1:].sum()
    return weights.astype(np.float32)


@njit(inline="always")
def _mirror(i: int, n: int) -> int:
    while i < 0 or i >= n:
        i = -1 - i if i < 0 else 2 * n - 1 - i
    return i


def _weighted_sum(samples: list[str]) -> str:
    """The expression of one output: symmetric taps folded, innermost first."""
    radius = len(samples) // 2
    folded = (
        f"t{k} * ({samples[radius - k]} + {samples[radius + k]})" for k in range(1, radius + 1)
    )
    return " + ".join([f"t0 * {samples[radius]}", *folded])


def _source(radius: int) -> str:
    """Code of the kernel for one radius.

    Both passes are fused through `ROWS` row buffers that stay in cache. The sums are written out,
    because a loop over taps inside the loop over columns stores and reloads the partial sums.
    """
    width = 2 * radius + 1
    window = range(2 * radius + ROWS)
    rows = range(ROWS)
    return "\n".join(
        [
            f"def _blur_radius_{radius}(source, taps, y_start, y_stop, out):",
            "    height, width = source.shape",
            f"    padded = np.empty(({ROWS}, width + {2 * radius}), np.float32)",
            *(f"    t{k} = taps[{k}]" for k in range(radius + 1)),
            f"    for y in range(y_start, y_stop, {ROWS}):",
            *(f"        s{i} = source[_mirror(y + {i - radius}, height)]" for i in window),
            *(f"        p{j} = padded[{j}, {radius} : {radius} + width]" for j in rows),
            "        for x in range(width):",
            *(f"            v{i} = s{i}[x]" for i in window),
            *(
                f"            p{j}[x] = {_weighted_sum([f'v{j + k}' for k in range(width)])}"
                for j in rows
            ),
            f"        for j in range(min({ROWS}, y_stop - y)):",
            "            line = padded[j]",
            f"            for i in range({radius}):",
            f"                line[{radius - 1} - i] = line[{radius} + _mirror(-1 - i, width)]",
            f"                line[{radius} + width + i] = "
            f"line[{radius} + _mirror(width + i, width)]",
            "            target = out[y + j]",
            *(f"            h{k} = line[{k} : {k} + width]" for k in range(width)),
            "            for x in range(width):",
            f"                target[x] = {_weighted_sum([f'h{k}[x]' for k in range(width)])}",
        ]
    )


_SIGNATURE = (array(float32, 2), array(float32, 1), int64, int64, scratch(float32, 2))


# By radius; 0 is the one for any radius.
_compiled: dict[int, Callable[..., None]] = {}


def _kernel_of(radius: int) -> Callable[..., None]:
    known = radius if radius <= MAX_GENERATED_RADIUS else 0
    if known not in _compiled:
        _compiled[known] = _generated(radius) if known else _any_radius()
    return _compiled[known]


def _generated(radius: int) -> Callable[..., None]:
    namespace: dict[str, Any] = {"__name__": __name__, "np": np, "_mirror": _mirror}
    # Compiled under this file's name, so that Numba's disk cache has a file to check against.
    exec(compile(_source(radius), __file__, "exec"), namespace)
    function: Callable[..., None] = kernel(*_SIGNATURE)(namespace[f"_blur_radius_{radius}"])
    return function


def _any_radius() -> Callable[..., None]:
    @kernel(*_SIGNATURE)
    def _blur_any_radius(source, taps, y_start, y_stop, out):  # type: ignore[no-untyped-def]
        height, width = source.shape
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
    if sigma <= 0.0:
        np.copyto(out, image)
        return out
    taps = gaussian_taps(sigma)
    blur = _kernel_of(len(taps) - 1)

    def task(start: int, stop: int) -> None:
        blur(image, taps, start, stop, out)

    for_ranges(task, image.shape[0], CHUNK, image.size)
    return out
