"""Text files of numbers: read whole, checked, with messages that name the file."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from siftcore.errors import InputError
from siftcore.io.atomic import atomic_write

__all__ = ["NumberFile", "shortest", "write_lines"]

# Beyond positions, scales and descriptors; the square is far from overflowing.
_LARGEST = 1e9


class NumberFile:
    """The numbers of a text file, taken from the front.

    Parameters
    ----------
    path : str or path-like
    kind : str
        What the file should be, for messages.

    Raises
    ------
    InputError
        When it cannot be read, or holds anything but numbers, or one beyond a thousand million.
    """

    def __init__(self, path: str | os.PathLike[str], kind: str) -> None:
        self._where = f"{os.fspath(path)!r} as {kind}"
        try:
            words = Path(path).read_text(encoding="ascii").split()
            self._numbers = np.array(words, np.float64)
        except FileNotFoundError as error:
            raise InputError(f"cannot read {self._where}: no such file") from error
        except (OSError, ValueError) as error:
            raise InputError(f"cannot read {self._where}: {error}") from error
        if not (np.abs(self._numbers) <= _LARGEST).all():
            raise self.refuse(f"it holds NaN, infinity, or a number beyond {_LARGEST:g}")

    def header(self) -> tuple[float, float]:
        """The first two numbers."""
        if len(self._numbers) < 2:
            raise self.refuse("it has no header of two numbers")
        first, second = (float(number) for number in self._numbers[:2])
        return first, second

    def table(self, rows: float, columns: int) -> NDArray[np.float64]:
        """What follows the header: `rows` keypoints, as the header counts them, and no more."""
        if rows < 0 or rows != int(rows):
            raise self.refuse(f"{rows:g} is not a number of keypoints")
        body = self._numbers[2:]
        if len(body) != rows * columns:
            raise self.refuse(
                f"{rows:g} keypoints of {columns} numbers each were expected, {len(body)} numbers "
                "came; the file is truncated or of another kind"
            )
        return body.reshape(int(rows), columns)

    def keypoints(self, dimension: int) -> NDArray[np.float64]:
        """Rows of four numbers and a descriptor, under the header ``N dimension``."""
        count, found = self.header()
        if found != dimension:
            raise self.refuse(f"the header must be N {dimension}; got {count:g} {found:g}")
        return self.table(count, 4 + dimension)

    def refuse(self, reason: str) -> InputError:
        """An error about this file."""
        return InputError(f"cannot read {self._where}: {reason}")


def shortest(value: float | np.floating) -> str:
    """The fewest digits that give back the same float32."""
    return np.format_float_positional(np.float32(value), trim="-", unique=True)


def write_lines(path: str | os.PathLike[str], lines: Iterable[str]) -> None:
    """Write a text file, whole or not at all."""
    with (
        atomic_write(path) as temporary,
        open(temporary, "w", encoding="ascii", newline="\n") as file,
    ):
        file.writelines(f"{line}\n" for line in lines)
