"""Classical octaves: blur, decimate, repeat; and the provider `dog` that doubles the image first.

Source: Lowe 2004, section 3; Otero & Delbracio 2014, section 2.2.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from siftcore.errors import ParameterError
from siftcore.kernels._threads import for_ranges
from siftcore.kernels.blur import gaussian_blur, gaussian_blurs
from siftcore.kernels.doubling import double_linearly
from siftcore.params import ScaleSpaceParams
from siftcore.scalespace.geometry import Grid, count_octaves, ladder_sigmas
from siftcore.scalespace.protocol import Octave, ScaleSpace, check_build_image
from siftcore.scalespace.stacks import empty_stack

if TYPE_CHECKING:
    from siftcore.params import SiftParams
    from siftcore.rows import ImageRows

__all__ = [
    "DogProvider",
    "added_blur",
    "check_blur",
    "classical_octaves",
    "fill_levels",
    "next_octave_source",
    "octaves_from",
    "octaves_of_image",
]

# Two sigmas that differ by less are the same blur.
_SAME_SIGMA = 1e-6
# Decimated at a time.
_ROWS = 64


def added_blur(target: float, present: float) -> float:
    """Sigma that takes a blur of `present` to `target`."""
    return math.sqrt(max(target * target - present * present, 0.0))


def _decimated(level: NDArray[np.float32]) -> NDArray[np.float32]:
    """Every second sample, from the first to the last.

    The reference program drops the last sample of odd sizes. That loses a strip along the right
    and lower borders, and makes an image turned by 90 degrees give other keypoints there;
    ``python -m bench conformance`` measures both this and the agreement with the reference. Even
    sizes are the same either way.
    """
    height, width = level.shape
    out = empty_stack(((height + 1) // 2, (width + 1) // 2))

    def task(start: int, stop: int) -> None:
        np.copyto(out[start:stop], level[2 * start : 2 * stop : 2, ::2])

    for_ranges(task, len(out), _ROWS, level.size)
    return out


def fill_levels(
    source: NDArray[np.float32], added: float, ladder: NDArray[np.float64]
) -> NDArray[np.float32]:
    """All levels of an octave, the first from `source` by a blur of `added` samples."""
    stack = empty_stack((len(ladder), *source.shape))
    steps = (added_blur(coarse, fine) for fine, coarse in itertools.pairwise(ladder))
    gaussian_blurs(source, [added, *steps], stack)
    return stack


def _fill_octave(
    source: NDArray[np.float32], added: float, ladder: NDArray[np.float64], grid: Grid
) -> Octave:
    """An octave whose first level is `source`, blurred by `added` samples."""
    stack = fill_levels(source, added, ladder)
    return Octave(stack, ladder * grid.delta, grid.delta, grid.origin)


def next_octave_source(ladder: NDArray[np.float64]) -> tuple[int, float]:
    """Which level becomes the first of the next octave, and by what it is blurred before.

    The level with twice the base sigma, as it is. Where the ladder has no such level, the nearest
    below it, blurred up to it.
    """
    target = 2.0 * ladder[0]
    below = int(np.flatnonzero(ladder <= target * (1.0 + _SAME_SIGMA))[-1])
    same = ladder[below] >= target * (1.0 - _SAME_SIGMA)
    return below, 0.0 if same else added_blur(target, ladder[below])


def _next_first_level(
    gaussians: NDArray[np.float32], ladder: NDArray[np.float64]
) -> NDArray[np.float32]:
    below, added = next_octave_source(ladder)
    level = gaussians[below]
    return _decimated(gaussian_blur(level, added) if added > 0.0 else level)


def classical_octaves(
    image: NDArray[np.float32],
    grid: Grid,
    blur: float,
    ladder: NDArray[np.float64],
    n_octaves: int,
) -> Iterator[Octave]:
    """Octaves of an image, finest first.

    Parameters
    ----------
    image : ndarray, (H, W) float32
        Samples on `grid`.
    grid : Grid
    blur : float
        Blur that the image has already, in its own samples; at most ``ladder[0]``.
    ladder : ndarray, (levels,) float64
        Blur of an octave's levels, in samples of the octave.
    n_octaves : int
        At least 1.

    Yields
    ------
    Octave
    """
    finest = [_fill_octave(image, added_blur(ladder[0], blur), ladder, grid)]
    # This frame must keep neither the image nor the finest octave alive.
    del image
    yield from octaves_from(finest.pop(), ladder, n_octaves)


def octaves_from(octave: Octave, ladder: NDArray[np.float64], n_octaves: int) -> Iterator[Octave]:
    """`octave` and those that follow from it, each half as dense as the one before.

    Parameters
    ----------
    octave : Octave
        Any octave whose levels have the blurs of `ladder`, learned ones too. A caller that keeps
        no reference to it lets it be freed before the next one is made.
    ladder : ndarray, (levels,) float64
        In samples of the octave.
    n_octaves : int
        At least 1; counts `octave`.

    Yields
    ------
    Octave
    """
    yield octave
    for _ in range(n_octaves - 1):
        first_level = _next_first_level(octave.gaussians, ladder)
        grid = Grid(octave.delta, octave.origin).decimated()
        del octave
        octave = _fill_octave(first_level, 0.0, ladder, grid)
        del first_level
        yield octave


def octaves_of_image(
    image: NDArray[np.float32], grid: Grid, blur: float, params: ScaleSpaceParams
) -> Iterator[Octave]:
    """Octaves of an image, from the one that ``params.first_octave`` names.

    Parameters
    ----------
    image : ndarray, (H, W) float32
        Samples on `grid`; freed once it is not needed, if the caller keeps no reference.
    grid : Grid
    blur : float
        Blur that the image has already, in its own samples.
    params : ScaleSpaceParams
        ``first_octave`` counts from `grid`: -1 doubles the image, 1 skips its own octave.

    Yields
    ------
    Octave
        None where the image is too small.
    """
    ladder = ladder_sigmas(params)
    short_side = min(image.shape)
    if params.first_octave < 0:
        n = count_octaves(2 * short_side, params)
        if n:
            height, width = image.shape
            doubled = [double_linearly(image, out=empty_stack((2 * height, 2 * width)))]
            del image
            finer = Grid(grid.delta / 2.0, grid.origin)
            yield from classical_octaves(doubled.pop(), finer, 2.0 * blur, ladder, n)
        return
    n = count_octaves(short_side >> params.first_octave, params)
    if not n:
        return
    for _ in range(params.first_octave):
        image = _decimated(gaussian_blur(image, added_blur(2.0 * ladder[0], blur)))
        blur = ladder[0]
        grid = grid.decimated()
    rest = [image]
    del image
    yield from classical_octaves(rest.pop(), grid, blur, ladder, n)


def check_blur(name: str, blur: float, params: ScaleSpaceParams) -> None:
    """Raise `ParameterError` when the image has more blur than the first level is to have.

    Parameters
    ----------
    name : str
        Of the parameter that says `blur`, in the image's samples.
    blur : float
    params : ScaleSpaceParams
    """
    first = ladder_sigmas(params)[0]
    most = first / 2.0 if params.first_octave < 0 else first
    if blur > most:
        raise ParameterError(
            name,
            blur,
            f"at most {most:g} pixels, the blur of the first level; raise sigma0 or first_octave",
        )


class DogProvider:
    """The classical scale space: the image doubled by linear interpolation, blurred, decimated.

    Examples
    --------
    >>> import numpy as np
    >>> space = DogProvider().build(np.zeros((48, 64), np.float32), ScaleSpaceParams())
    >>> [octave.gaussians.shape for octave in space]
    [(6, 96, 128), (6, 48, 64), (6, 24, 32), (6, 12, 16)]
    """

    name = "dog"
    in_strips = True

    def build(self, image: NDArray[np.float32], params: ScaleSpaceParams) -> ScaleSpace:
        """The classical scale space of `image`; see `ScaleSpaceProvider`.

        Raises
        ------
        ParameterError
            When ``sigma0`` asks for less blur than the image is assumed to have.
        """
        image = check_build_image(image)
        height, width = image.shape
        check_blur("input_blur", params.input_blur, params)

        def make_octaves() -> Iterator[Octave]:
            return octaves_of_image(image, Grid(1.0, 0.0), params.input_blur, params)

        return ScaleSpace(make_octaves, (width, height), self.name)

    def build_in_strips(self, rows: ImageRows, params: SiftParams, core: int) -> ScaleSpace:
        """The same of an image that comes in rows; see `StripProvider`."""
        from siftcore.scalespace.strips import octaves_in_strips

        height, width = rows.shape
        check_blur("input_blur", params.input_blur, params)

        def make_octaves() -> Iterator[Octave]:
            blocks = rows.blocks(core)
            grid = Grid(1.0, 0.0)
            return octaves_in_strips(blocks, rows.shape, grid, params.input_blur, params, core)

        return ScaleSpace(make_octaves, (width, height), self.name)
