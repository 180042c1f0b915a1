"""Exceptions of this package; all are `siftcore.SiftError` too."""

from __future__ import annotations

from siftcore.errors import SiftError

__all__ = ["CheckpointError", "DataError", "DeviceError", "WeightsError"]


class DataError(SiftError, ValueError):
    """Training or evaluation images are missing or unusable."""


class WeightsError(SiftError, ValueError):
    """A weight file or its manifest is missing, damaged or does not fit."""


class CheckpointError(SiftError, ValueError):
    """A training run cannot be continued from what is on the disk."""


class DeviceError(SiftError, ValueError):
    """The device asked for is not there."""
