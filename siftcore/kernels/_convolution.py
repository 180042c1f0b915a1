"""Symmetric sums over rows and columns of samples, written out for each kernel radius.

The compiler does neither as needed: a loop over taps stores and reloads its partial sums, sums
written out over rows that lie anywhere want more address registers than there are, and neighbours
in a row are loaded once for each tap, mostly across cache lines.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from numba import types

from siftcore.kernels._vectors import (
    FLAGS,
    data_of,
    everywhere,
    index,
    instruction,
    load,
    shifted,
    store,
)

__all__ = ["sum_along_row", "sums_over_rows"]

Generate = Callable[..., Any]


def _taps(builder: Any, taps: Any, radius: int, lanes: int) -> list[Any]:
    places = [builder.gep(taps, [index(k)]) for k in range(radius + 1)]
    return [everywhere(builder, builder.load(place), lanes) for place in places]


def _weighted_sum(builder: Any, samples: Sequence[Any], taps: Sequence[Any]) -> Any:
    """Symmetric taps folded, innermost first."""
    radius = len(samples) // 2
    total = builder.fmul(taps[0], samples[radius], flags=FLAGS)
    for k in range(1, radius + 1):
        both = builder.fadd(samples[radius - k], samples[radius + k], flags=FLAGS)
        total = builder.fadd(total, builder.fmul(taps[k], both, flags=FLAGS), flags=FLAGS)
    return total


def sums_over_rows(radius: int, stride: int, rows: int, lanes: int) -> Generate:
    """Function ``(samples, places, x, taps, lines, to)`` for kernels: `lanes` columns, `rows` rows.

    Parameters
    ----------
    radius : int
        Of the kernel.
    stride : int
        From a row to the next in `lines`.
    rows : int
        Results; neighbours share what they load.
    lanes : int
        Floats of a vector.

    Returns
    -------
    callable
        ``samples[places[i] + x]`` is the first column of the i-th row that counts. The first of
        them lies `radius` above the first result, which goes to ``lines[to]``. `taps` as from
        `gaussian_taps`.
    """

    @instruction
    def column_sums(typing_context, samples, places, x, taps, lines, to):  # type: ignore[no-untyped-def]
        signature = types.void(samples, places, x, taps, lines, to)

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            _, _, x, _, _, to = arguments
            source, starts, weights, target = data_of(
                context, builder, signature, arguments, 0, 1, 3, 4
            )
            factors = _taps(builder, weights, radius, lanes)
            loaded = []
            for i in range(2 * radius + rows):
                start = builder.load(builder.gep(starts, [index(i)]))
                loaded.append(load(builder, source, builder.add(start, x), lanes))
            for j in range(rows):
                total = _weighted_sum(builder, loaded[j : j + 2 * radius + 1], factors)
                store(builder, total, target, builder.add(to, index(j * stride)))
            return context.get_dummy_value()

        return signature, generate

    return column_sums


def sum_along_row(radius: int, lanes: int, *, shift: bool) -> Generate:
    """Function ``(line, at, taps, out, to)`` for kernels: `lanes` neighbours in one row.

    Parameters
    ----------
    radius, lanes : int
        As for `sums_over_rows`.
    shift : bool
        Load every sample once and shift it into place, instead of once for each tap.

    Returns
    -------
    callable
        ``line[at]`` lies `radius` samples before the first result, which goes to ``out[to]``.
    """

    @instruction
    def row_sum(typing_context, line, at, taps, out, to):  # type: ignore[no-untyped-def]
        signature = types.void(line, at, taps, out, to)

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            _, at, _, _, to = arguments
            source, weights, target = data_of(context, builder, signature, arguments, 0, 2, 3)
            factors = _taps(builder, weights, radius, lanes)
            step = lanes if shift else 1
            n = 2 * radius // lanes + 2 if shift else 2 * radius + 1
            loaded = [
                load(builder, source, builder.add(at, index(i * step)), lanes) for i in range(n)
            ]
            samples = loaded
            if shift:
                places = [divmod(k, lanes) for k in range(2 * radius + 1)]
                samples = [
                    shifted(builder, loaded[i], loaded[i + 1], by) if by else loaded[i]
                    for i, by in places
                ]
            store(builder, _weighted_sum(builder, samples, factors), target, to)
            return context.get_dummy_value()

        return signature, generate

    return row_sum
