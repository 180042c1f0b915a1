"""The classical scale space of a large image, in strips of rows.

Octaves are made side by side instead of one after the other: each holds only the rows that it still
needs, gives its keypoints a strip at a time, and passes every second row of the level with twice
the base sigma on to the next. Around the rows whose keypoints a strip gives lie as many as those
depend on, so the result is that of one piece, bit for bit.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from siftcore.kernels.blur import gaussian_blur, gaussian_taps
from siftcore.kernels.descriptor import REACH
from siftcore.kernels.doubling import double_linearly
from siftcore.kernels.orientation import WINDOW_REACH
from siftcore.kernels.refine import MAX_OFFSET
from siftcore.params import SiftParams
from siftcore.scalespace.gaussian import added_blur, fill_levels, next_octave_source
from siftcore.scalespace.geometry import Grid, count_octaves, ladder_sigmas
from siftcore.scalespace.protocol import Octave, Strip
from siftcore.scalespace.stacks import KEPT_BYTES

__all__ = ["Window", "faster_in_strips", "octaves_in_strips", "strip_rows", "windows"]

# Levels of a strip, so that those of all octaves and their surroundings are memory that can be used
# again (`siftcore.scalespace.stacks`); more where the surroundings would be most of a strip.
STRIP_BYTES = 96 * 2**20
MOST_STRIP_BYTES = 256 * 2**20
ENOUGH_ROWS = 256
SMALLEST_STRIP = 64

Rows = NDArray[np.float32]


class Window(NamedTuple):
    """Some rows of an image.

    Attributes
    ----------
    rows : ndarray, (n, W) float32
    first_row : int
        Row of the image that is the first of `rows`.
    start, stop : int
        Rows of the image that the window is for, `stop` excluded; the others surround them.
    """

    rows: Rows
    first_row: int
    start: int
    stop: int


def windows(blocks: Iterable[Rows], height: int, core: int, halo: int) -> Iterator[Window]:
    """Cut an image that comes in blocks of rows into windows of `core` rows and their surroundings.

    Parameters
    ----------
    blocks : iterable of (n, W) float32
        All rows in order.
    height : int
        How many there are.
    core, halo : int
        Rows a window is for, and rows on either side of them where the image has them.

    Yields
    ------
    Window
    """
    cutter = _Cutter(height, core, halo)
    for block in blocks:
        yield from cutter.feed(block)


class _Cutter:
    def __init__(self, height: int, core: int, halo: int) -> None:
        self.height, self.core, self.halo = height, core, halo
        self.start = 0
        self.first_row = 0
        self.blocks: list[Rows] = []

    def feed(self, block: Rows) -> Iterator[Window]:
        self.blocks.append(block)
        while self.start < self.height:
            stop = min(self.start + self.core, self.height)
            last = min(stop + self.halo, self.height)
            if self.first_row + sum(map(len, self.blocks)) < last:
                return
            if len(self.blocks) > 1:
                self.blocks = [np.concatenate(self.blocks)]
            (rows,) = self.blocks
            first = max(0, self.start - self.halo)
            low = first - self.first_row
            yield Window(rows[low : last - self.first_row], first, self.start, stop)
            self.start = stop
            kept = max(0, stop - self.halo)
            # A copy, or the rows before it would stay in memory.
            self.blocks = [rows[kept - self.first_row :].copy()]
            self.first_row = kept


class _OctaveInStrips:
    """One octave and, through it, all coarser ones."""

    def __init__(
        self,
        shape: tuple[int, int],
        grid: Grid,
        added: float,
        n_octaves: int,
        params: SiftParams,
        core: int,
    ) -> None:
        self.ladder = ladder_sigmas(params)
        self.grid, self.added = grid, added
        self.height = shape[0]
        self.source = next_octave_source(self.ladder)
        self.cutter = _Cutter(shape[0], core, _halo(self.ladder, added, params))
        self.coarser: _OctaveInStrips | None = None
        if n_octaves > 1:
            half = (shape[0] + 1) // 2, (shape[1] + 1) // 2
            rest = grid.decimated(), 0.0, n_octaves - 1, params, core
            self.coarser = _OctaveInStrips(half, *rest)

    def feed(self, block: Rows) -> Iterator[Octave]:
        for window in self.cutter.feed(block):
            strip = Strip(window.first_row, self.height, window.start, window.stop)
            source = np.ascontiguousarray(window.rows)
            stack = fill_levels(source, self.added, self.ladder)
            del window, source
            grid = self.grid
            yield Octave(stack, self.ladder * grid.delta, grid.delta, grid.origin, strip)
            if self.coarser is None:
                continue
            below, added = self.source
            level = stack[below]
            if added > 0.0:
                level = gaussian_blur(level, added)
            start = strip.start + strip.start % 2
            rows = level[start - strip.first_row : strip.stop - strip.first_row : 2, ::2]
            passed = np.ascontiguousarray(rows)
            del stack, level, rows
            yield from self.coarser.feed(passed)


def _radius(sigma: float) -> int:
    return len(gaussian_taps(sigma)) - 1 if sigma > 0.0 else 0


def _halo(ladder: NDArray[np.float64], added: float, params: SiftParams) -> int:
    """Rows on either side of a strip that its keypoints, or the next octave, depend on."""
    steps = [added, *(added_blur(b, a) for a, b in pairwise(ladder))]
    # Rows of the source that a row of each level depends on, on either side.
    depth = np.cumsum([_radius(step) for step in steps])
    fits = int(depth[-1]) + params.max_refinements + 1
    # Keypoints lie on the levels between the first and the last two.
    level = len(ladder) - 3
    sigma = float(ladder[level] * (ladder[level + 1] / ladder[level]) ** MAX_OFFSET)
    square = math.sqrt(2.0) * REACH * params.descriptor_cell * sigma
    around = max(square, WINDOW_REACH * params.orientation_window * sigma)
    below, extra = next_octave_source(ladder)
    passed_on = int(depth[below]) + _radius(extra)
    return max(fits, int(depth[level]) + math.ceil(around) + 2, passed_on)


def _row_bytes(width: int, params: SiftParams) -> int:
    """Of all levels of the finest octave."""
    finest = 2 * width if params.first_octave < 0 else width >> params.first_octave
    return 4 * len(ladder_sigmas(params)) * max(1, finest)


def strip_rows(width: int, params: SiftParams) -> int:
    """Rows of a strip.

    Parameters
    ----------
    width : int
        Of the image, in samples of the grid that octaves are counted from.
    params : SiftParams
    """
    row = _row_bytes(width, params)
    wanted = max(STRIP_BYTES // row, ENOUGH_ROWS)
    return max(SMALLEST_STRIP, min(wanted, MOST_STRIP_BYTES // row))


def faster_in_strips(shape: tuple[int, int], params: SiftParams) -> bool:
    """Whether an image that fits into memory is better worked on in strips.

    Its octaves would else take memory fresh from the system, which has to clear it first.

    Parameters
    ----------
    shape : (int, int)
        Height and width, in samples of the grid that octaves are counted from.
    params : SiftParams
    """
    height, width = shape
    rows = 2 * height if params.first_octave < 0 else height >> params.first_octave
    in_one_piece = _row_bytes(width, params) * rows
    return in_one_piece > KEPT_BYTES and strip_rows(width, params) > SMALLEST_STRIP


def octaves_in_strips(
    blocks: Iterable[Rows],
    shape: tuple[int, int],
    grid: Grid,
    blur: float,
    params: SiftParams,
    core: int,
) -> Iterator[Octave]:
    """Octaves of an image that comes in blocks of rows, from the one of ``params.first_octave``.

    Parameters
    ----------
    blocks : iterable of (n, W) float32
        All rows of the image in order, on `grid`.
    shape : (int, int)
        Height and width of the image.
    grid : Grid
    blur : float
        Blur that the image has already, in its own samples.
    params : SiftParams
    core : int
        Rows of an octave whose keypoints one strip gives.

    Yields
    ------
    Octave
        Strips, those of an octave from top to bottom, octaves by turns.
    """
    ladder = ladder_sigmas(params)
    if params.first_octave < 0:
        n = count_octaves(2 * min(shape), params)
        blocks = _doubled(blocks, shape[0], core)
        shape = 2 * shape[0], 2 * shape[1]
        grid, blur = Grid(grid.delta / 2.0, grid.origin), 2.0 * blur
    else:
        n = count_octaves(min(shape) >> params.first_octave, params)
    if not n:
        return
    for _ in range(params.first_octave):
        blocks = _reduced(blocks, shape[0], added_blur(2.0 * ladder[0], blur), core)
        shape = (shape[0] + 1) // 2, (shape[1] + 1) // 2
        grid, blur = grid.decimated(), float(ladder[0])
    finest = _OctaveInStrips(shape, grid, added_blur(ladder[0], blur), n, params, core)
    for block in blocks:
        yield from finest.feed(block)


def _doubled(blocks: Iterable[Rows], height: int, core: int) -> Iterator[Rows]:
    for window in windows(blocks, height, core, 1):
        first = 2 * (window.start - window.first_row)
        n = 2 * (window.stop - window.start)
        yield double_linearly(np.ascontiguousarray(window.rows))[first : first + n]


def _reduced(blocks: Iterable[Rows], height: int, sigma: float, core: int) -> Iterator[Rows]:
    for window in windows(blocks, height, core, _radius(sigma)):
        level = gaussian_blur(np.ascontiguousarray(window.rows), sigma)
        start = window.start + window.start % 2
        yield np.ascontiguousarray(
            level[start - window.first_row : window.stop - window.first_row : 2, ::2]
        )
