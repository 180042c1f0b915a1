"""Checks of single settings, one message form for all: what was expected and what came."""

from __future__ import annotations

import math

import numpy as np

from siftcore.errors import ParameterError

__all__ = ["check_choice", "check_flag", "check_integer", "check_number"]


def check_number(
    name: str, value: object, low: float, high: float, unit: str = "", *, above: bool = False
) -> float:
    """`value` as a float in [low, high], or in (low, high] with `above`."""
    is_number = isinstance(value, (int, float, np.integer, np.floating))
    if is_number and not isinstance(value, bool):
        number = float(value)  # type: ignore[arg-type]
        if math.isfinite(number) and low <= number <= high and not (above and number == low):
            return number
    start = "above" if above else "from"
    raise ParameterError(name, value, f"a number {start} {low:g} to {high:g}{unit}")


def check_integer(name: str, value: object, low: int, high: int) -> int:
    """`value` as an int in [low, high]."""
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        number = int(value)
        if low <= number <= high:
            return number
    raise ParameterError(name, value, f"an integer from {low} to {high}")


def check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    """Raise `ParameterError` unless `value` is one of `choices`."""
    if value not in choices:
        raise ParameterError(name, value, "one of " + ", ".join(map(repr, choices)))


def check_flag(name: str, value: object) -> None:
    """Raise `ParameterError` unless `value` is True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise ParameterError(name, value, "True or False")
