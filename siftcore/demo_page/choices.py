"""Which providers the page offers, and why it lacks the others."""

from __future__ import annotations

from typing import NamedTuple

import siftcore

__all__ = ["Choices", "provider_choices"]

# What most people want to see, in the order of `docs/providers.md`; the rest are for comparisons.
_MAIN = (
    "dog", "bicubic-x2", "bicubic-x4", "method3-x2", "method3-x4", "method3-x2-real",
    "method3-x4-real",
)  # fmt: skip


class Choices(NamedTuple):
    """Names of providers.

    Attributes
    ----------
    main, further : list of str
        Those that can be made here.
    chosen : list of str
        Of `main`, what is ticked at first.
    lacking : dict of str to str
        The others, and what they need.
    """

    main: list[str]
    further: list[str]
    chosen: list[str]
    lacking: dict[str, str]


def provider_choices() -> Choices:
    """What can be chosen on this machine, without making any provider."""
    infos = {name: siftcore.provider_info(name) for name in siftcore.list_providers()}
    available = [name for name, info in infos.items() if info.available]
    main = [name for name in _MAIN if name in available]
    lacking = {
        name: str(info.missing or info.absent) for name, info in infos.items() if not info.available
    }
    second = "method3-x2" if "method3-x2" in main else "bicubic-x2"
    further = [name for name in available if name not in main]
    return Choices(main, further, ["dog", second], lacking)
