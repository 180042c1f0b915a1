"""PyTorch, for the formats that are tensors."""

from __future__ import annotations

import importlib
from typing import Any

from siftcore.errors import MissingDependencyError

__all__ = ["import_torch"]


def import_torch(purpose: str) -> Any:
    """The module, or `MissingDependencyError` that says what it is for."""
    try:
        return importlib.import_module("torch")
    except ImportError as error:
        raise MissingDependencyError("torch", purpose, "torch") from error
