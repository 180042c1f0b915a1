"""Memory for the levels of an octave, used again by the next image.

Memory fresh from the system has to be cleared page by page, which takes as long as a blur or two.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["KEPT_BYTES", "empty_stack", "forget"]

# In all; enough for the largest octave of a 1920 x 1080 image.
KEPT_BYTES = 256 * 2**20


class _Memory:
    """Compared by identity, as an array is not."""

    def __init__(self, n: int) -> None:
        self.samples = np.empty(n, np.float32)


# Changed by single calls only, so that no lock is held when a process forks.
_spare: deque[_Memory] = deque()


class _Lease:
    """What an array and all its views keep alive; gives the memory back when they are gone."""

    def __init__(self, memory: _Memory, shape: tuple[int, ...]) -> None:
        self._memory = memory
        self.__array_interface__: dict[str, Any] = {
            **memory.samples.__array_interface__,
            "shape": shape,
        }

    def __del__(self) -> None:
        # At the end of the interpreter the names of a module may be gone.
        if _give_back is not None:
            _give_back(self._memory)


def _spares() -> tuple[_Memory, ...]:
    try:
        return tuple(_spare)
    except RuntimeError:  # changed meanwhile by another thread
        return ()


def _give_back(memory: _Memory) -> None:
    if memory.samples.nbytes > KEPT_BYTES:
        return
    _spare.append(memory)
    while sum(one.samples.nbytes for one in _spares()) > KEPT_BYTES:
        _take(_spares()[:1])


def _take(candidates: tuple[_Memory, ...]) -> _Memory | None:
    for memory in candidates:
        try:
            _spare.remove(memory)
        except ValueError:  # another thread was faster
            continue
        return memory
    return None


def empty_stack(shape: tuple[int, ...]) -> NDArray[np.float32]:
    """An array of any content, where that is possible in memory that was used before.

    Parameters
    ----------
    shape : tuple of int

    Returns
    -------
    ndarray, float32, C-contiguous
        Its memory is used again when it and all its views are gone.
    """
    n = math.prod(shape)
    large_enough = [memory for memory in _spares() if memory.samples.size >= n]
    large_enough.sort(key=lambda memory: memory.samples.size)
    memory = _take(tuple(large_enough)) or _Memory(n)
    return np.asarray(_Lease(memory, shape))


def forget() -> None:
    """Give all memory that waits for the next image back to the system."""
    _spare.clear()
