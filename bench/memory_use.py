"""Where the memory of this process is: resident, allocated, code made at run time, our caches."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import re
import sys
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from siftcore.errors import InputError
from siftcore.scalespace.stacks import forget

__all__ = ["MemoryUse", "cached_entries", "code_in", "give_back", "memory_use", "resident"]

_STATM = Path("/proc/self/statm")
_SMAPS = Path("/proc/self/smaps")
_OURS = ("siftcore", "dognets")
# Such as "7f00-7f10 r-xp 00000000 00:00 0  /usr/lib/libc.so.6"; the path is empty for memory that
# no file backs.
_REGION = re.compile(r"[0-9a-f]+-[0-9a-f]+ (\S{4}) \S+ \S+ \S+ *(.*)")


@dataclass(frozen=True, kw_only=True)
class MemoryUse:
    """One look at the memory of this process.

    Attributes
    ----------
    resident : float
        In KiB.
    allocated : float or None
        In KiB, of what C code has asked the allocator for and not freed; None without glibc 2.33.
    code : float
        In KiB, resident, of machine code that no file backs: what Numba and oneDNN compile.
    blocks : int
        Blocks that Python's own allocator has handed out, about one an object.
    cached : int
        Entries of all containers and `functools` caches of siftcore's and dognets' modules.
    """

    resident: float
    allocated: float | None
    code: float
    blocks: int
    cached: int


class _MallInfo(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            "arena", "ordblks", "smblks", "hblks", "hblkhd",
            "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost",
        )
    ]  # fmt: skip


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError as error:
        raise InputError(f"memory in use is read from {path}, which Linux has") from error


def resident() -> float:
    """Resident memory of this process in KiB.

    Raises
    ------
    InputError
        Where the system does not tell.
    """
    return int(_text(_STATM).split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1024


def give_back() -> None:
    """Return to the system what is only kept for later: garbage, levels, free blocks."""
    gc.collect()
    forget()
    # Only glibc has it; elsewhere what its allocator keeps stays in the figure.
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _allocated() -> float | None:
    try:
        mallinfo2 = ctypes.CDLL(None).mallinfo2
    except (OSError, AttributeError):
        return None
    mallinfo2.restype = _MallInfo
    found = mallinfo2()
    return float(found.uordblks + found.hblkhd) / 1024


def code_in(lines: Iterable[str]) -> float:
    """Resident KiB of executable regions without a file.

    Parameters
    ----------
    lines : iterable of str
        Of ``/proc/PID/smaps``.
    """
    total, counts = 0.0, False
    for line in lines:
        region = _REGION.match(line)
        if region:
            counts = "x" in region[1] and not region[2].strip()
        elif counts and line.startswith("Rss:"):
            total += int(line.split()[1])
    return total


def cached_entries() -> int:
    """Entries of the containers and `functools` caches in siftcore's and dognets' modules."""
    total = 0
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] not in _OURS:
            continue
        for value in list(vars(module).values()):
            if isinstance(value, (dict, list, set, deque)):
                total += len(value)
            elif hasattr(value, "cache_info"):
                total += value.cache_info().currsize
    return total


def memory_use() -> MemoryUse:
    """Look, once all that is only kept for later is given back.

    Raises
    ------
    InputError
        Where the system does not tell.
    """
    give_back()
    return MemoryUse(
        resident=resident(),
        allocated=_allocated(),
        code=code_in(_text(_SMAPS).splitlines()),
        blocks=sys.getallocatedblocks(),
        cached=cached_entries(),
    )
