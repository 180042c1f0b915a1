"""The architectures, one family per file."""

from __future__ import annotations

from typing import Any

from dognets.models.base import SuperResolver

__all__ = ["ARCHITECTURES", "SuperResolver", "build_model"]

ARCHITECTURES = ("edsr", "method1", "method2", "method3", "srcnn", "srgan", "vdsr")


# Of layers and channels: a larger number comes from damage, and building it would take hours.
_LARGEST_SIZE = 4096


def build_model(architecture: str, scale: int, **options: Any) -> SuperResolver:
    """A network with fresh weights.

    Parameters
    ----------
    architecture : str
        One of `ARCHITECTURES`.
    scale : {2, 4}
    **options
        Sizes; see the class of the architecture.

    Raises
    ------
    WeightsError
        When the architecture is unknown or does not take an option.

    Examples
    --------
    >>> build_model("srcnn", 2).count_parameters()
    57281
    """
    from importlib import import_module

    from dognets.errors import WeightsError

    if architecture not in ARCHITECTURES:
        raise WeightsError(
            f"unknown architecture {architecture!r}; known: {', '.join(ARCHITECTURES)}"
        )
    if scale not in (2, 4):
        raise WeightsError(f"scale must be 2 or 4; got {scale!r}")
    module = import_module(f"dognets.models.{architecture}")
    kind: type[SuperResolver] = getattr(module, architecture.capitalize())
    try:
        for key, value in options.items():
            if isinstance(value, int) and not isinstance(value, bool) and value < 1:
                raise ValueError(f"{key} must be at least 1")
            for size in value if isinstance(value, (list, tuple)) else (value,):
                if isinstance(size, int) and size > _LARGEST_SIZE:
                    raise ValueError(f"{key} must be at most {_LARGEST_SIZE}")
        return kind(int(scale), **options)
    except (TypeError, KeyError, ValueError, AssertionError, IndexError, RuntimeError) as error:
        raise WeightsError(
            f"architecture {architecture!r} does not take the options {options}: {error}"
        ) from error
