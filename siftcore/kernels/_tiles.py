"""The nearest descriptors of a range of rows: estimates of all, exact distances of a few.

An estimate is a nearness: the larger, the nearer. The nearness of blocks is computed in vector
registers, and kept is the largest of small groups of rows and of columns. A wave of columns is then
gone through once more, best group first, until no group can hold anything nearer than the exact
distances found so far. So both directions take one pass, and what is found is exact whatever the
estimates are made of, as long as their error is bounded.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import int32, int64, njit
from numpy.typing import NDArray

from siftcore.kernels._blocks import Block
from siftcore.kernels._distances import insert, squared_distance
from siftcore.kernels._jit import FASTMATH, array, kernel, scratch
from siftcore.kernels._lanes import lanes_from, largest_of, lowest_bit
from siftcore.kernels._products import nearness_block
from siftcore.kernels._threads import for_ranges

__all__ = ["PANELS", "WAVE_PANELS", "packed", "searching", "tile_function"]

# Panels of columns that all rows of a range go through before the next: what is kept of their
# products stays in the second cache.
WAVE_PANELS = 64
# Panels of columns whose nearness is summed up in one vector, so that a lane stands for eight.
PANELS = 4
# Words of the panels that a block of rows goes through before the next block does: half of a first
# cache.
_TOGETHER = 4096
# An exact distance costs as much as so many products of bytes.
_EXACT_COST = 6

tile_function = njit(nogil=True, error_model="numpy", fastmath=FASTMATH)


@kernel(array(int32, 2), int64, int64, int64, scratch(int32, 1))
def _pack(words, n_columns, start, stop, panels):  # type: ignore[no-untyped-def]
    length = words.shape[1]
    for panel in range(start, stop):
        at = panel * n_columns * length
        for column in range(n_columns):
            one = words[panel * n_columns + column]
            for k in range(length):
                panels[at + k * n_columns + column] = one[k]


def packed(words: NDArray[np.int32], block: Block) -> NDArray[np.int32]:
    """The first words of a block's columns, then their second ones, and so on, a row each."""
    panels = np.empty(words.size, np.int32)

    def task(start: int, stop: int) -> None:
        _pack(words, block.columns, start, stop, panels)

    for_ranges(task, len(words) // block.columns, 16, words.size)
    return panels


@tile_function
def _offer(row, column, squared, back, back_distance):  # type: ignore[no-untyped-def]
    if squared < back_distance[column] or (squared == back_distance[column] and row < back[column]):
        back_distance[column] = squared
        back[column] = row


def searching(block: Block, nearness_of: Any, least_of: Any) -> Any:
    """A function for kernels that searches a range of rows.

    Parameters
    ----------
    block : Block
    nearness_of : tile function
        Of a row, a column, the largest estimate of their group, and the sets: their own estimate,
        or the group's where a second look is not worth it; `never` for what only fills up.
    least_of : tile function
        Of a squared distance and the sets: everything of a smaller estimate is further away.

    Returns
    -------
    tile function
        Of the sets (a named tuple: descriptors `a` and `b`; `left`, `less`, `length`, `panels` and
        `start` as `nearness_block` takes them; `never`, below every estimate), the first row and
        the one after the last, how much an examination may cost for each descriptor and as a share
        of all pairs, and what it writes: the two nearest of rows, their squared distances, the
        nearest of columns and its. False where it gave up over the cost.
    """
    n_rows, lanes, n_columns = block.rows, block.lanes, block.columns
    group_columns, most_columns = PANELS * n_columns, WAVE_PANELS * n_columns
    largest, those_from = largest_of(lanes), lanes_from(lanes)

    @tile_function
    def settle_row(  # type: ignore[no-untyped-def]
        sets, row, column, n_groups, of_rows, at, index, distance, back, back_distance
    ):
        """Against a wave of columns; what that has cost."""
        cost = 0
        while True:
            top = largest(of_rows, at, lanes, n_groups)
            if top < least_of(distance[1], sets) or top == sets.never:
                return cost
            for group in range(n_groups):
                those = those_from(of_rows, at + group * lanes, top)
                while those != 0:
                    lane = lowest_bit(those)
                    those &= those - int32(1)
                    following = sets.never
                    start = column + group * group_columns
                    for other in range(start + lane, start + group_columns, lanes):
                        nearness = nearness_of(row, other, top, sets)
                        if nearness == top:
                            squared = squared_distance(sets.a[row], sets.b[other])
                            insert(int32(other), squared, index, distance)
                            _offer(int32(row), other, squared, back, back_distance)
                            cost += _EXACT_COST
                        elif nearness < top:
                            following = max(following, nearness)
                    of_rows[at + group * lanes + lane] = following
                    cost += group_columns // lanes

    @tile_function
    def settle_column(  # type: ignore[no-untyped-def]
        sets, column, top, first, n_blocks, of_columns, at, back, back_distance
    ):
        """Against a range of rows; what that has cost."""
        cost = 0
        while top >= least_of(back_distance[column], sets) and top != sets.never:
            next_top = sets.never
            for block in range(n_blocks):
                place = at + block * n_columns
                if of_columns[place] == top:
                    following = sets.never
                    for row in range(first + block * n_rows, first + (block + 1) * n_rows):
                        nearness = nearness_of(row, column, top, sets)
                        if nearness == top:
                            squared = squared_distance(sets.a[row], sets.b[column])
                            _offer(int32(row), column, squared, back, back_distance)
                            cost += _EXACT_COST
                        elif nearness < top:
                            following = max(following, nearness)
                    of_columns[place] = following
                    cost += n_rows
                next_top = max(next_top, of_columns[place])
            top = next_top
        return cost

    @tile_function
    def search(  # type: ignore[no-untyped-def]
        sets, first, last, for_each, share, index, distance, back, back_distance
    ):
        n_all, length = sets.start.shape[0], sets.length
        n_blocks = (last - first + n_rows - 1) // n_rows
        wave = min(most_columns, n_all)
        together = n_columns
        while together < group_columns and 2 * together * length <= _TOGETHER:
            together *= 2
        of_rows = np.empty(n_blocks * n_rows * (wave // group_columns * lanes), sets.start.dtype)
        of_columns = np.empty(n_blocks * wave, sets.start.dtype)
        nearest = np.empty(wave, sets.start.dtype)
        enough = np.empty(wave, sets.start.dtype)
        left = for_each * (last - first + n_all) + share * (last - first) * n_all
        for column in range(0, n_all, wave):
            n_here = min(wave, n_all - column)
            n_groups = n_here // group_columns
            of_rows[:] = sets.never
            for some in range(0, n_here, together):
                at = some // group_columns * lanes
                for block in range(n_blocks):
                    row = first + block * n_rows
                    for panel in range(some, some + together, n_columns):
                        nearness_block(
                            sets.left, row * length, sets.less, row, length, sets.panels,
                            (column + panel) * length, sets.start, column + panel, of_rows,
                            at + block * n_rows * n_groups * lanes, n_groups * lanes, of_columns,
                            panel * n_blocks + block * n_columns,
                        )  # fmt: skip

            for row in range(first, last):
                left -= settle_row(
                    sets, row, column, n_groups, of_rows, (row - first) * n_groups * lanes,
                    index[row], distance[row], back, back_distance,
                )  # fmt: skip
                if left < 0:
                    return False

            n_counted = min(n_here, sets.b.shape[0] - column)
            nearest[:] = sets.never
            for panel in range(0, n_here, n_columns):
                for block in range(n_blocks):
                    at = panel * n_blocks + block * n_columns
                    for k in range(n_columns):
                        nearest[panel + k] = max(nearest[panel + k], of_columns[at + k])
            for k in range(n_counted):
                enough[k] = least_of(back_distance[column + k], sets)
            for k in range(n_counted):
                if nearest[k] < enough[k]:
                    continue
                left -= settle_column(
                    sets, column + k, nearest[k], first, n_blocks, of_columns,
                    k // n_columns * n_columns * n_blocks + k % n_columns, back, back_distance,
                )  # fmt: skip
                if left < 0:
                    return False
        return True

    return search
