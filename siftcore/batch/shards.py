"""Shards: the i-th of n parts of a list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from siftcore.errors import InputError

__all__ = ["parse_shard", "take_shard"]

_T = TypeVar("_T")


def parse_shard(text: str) -> tuple[int, int]:
    """Read ``"i/n"`` as (i, n), with 1 <= i <= n; raise `InputError` on anything else."""
    first, _, second = text.partition("/")
    digits = first + second
    if first and second and digits.isascii() and digits.isdigit():
        index, count = int(first), int(second)
        if 1 <= index <= count:
            return index, count
    raise InputError(f"a shard must be i/n with 1 <= i <= n, such as 1/4; got {text!r}")


def take_shard(items: Sequence[_T], index: int, count: int) -> list[_T]:
    """Give every `count`-th item from the `index`-th on (from 1), in the order of `items`."""
    return list(items[index - 1 :: count])
