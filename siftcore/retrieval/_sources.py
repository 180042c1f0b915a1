"""Where an index reads the features of its images from: memory, or an HDF5 file."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from siftcore.errors import InputError
from siftcore.io.atomic import atomic_write
from siftcore.io.hdf5 import count_features, read_features, write_features
from siftcore.types import Features

__all__ = ["FeatureSource", "FileSource", "MemorySource", "Part"]


class FeatureSource(Protocol):
    """Features by the names of images."""

    def counts(self) -> dict[str, int]:
        """Number of features of every image."""

    def read(self, name: str) -> Features:
        """The features of one image."""

    def write(self, path: Path) -> None:
        """All of them to a file in hloc's layout."""


@dataclass(frozen=True)
class MemorySource:
    """Features that the caller holds."""

    features: Mapping[str, Features]

    def counts(self) -> dict[str, int]:
        """Number of features of every image."""
        return {name: len(found) for name, found in self.features.items()}

    def read(self, name: str) -> Features:
        """The features of one image."""
        return self.features[name]

    def write(self, path: Path) -> None:
        """All of them, sorted by name, so that the same collection gives the same bytes."""
        write_features(path, dict(sorted(self.features.items())))


@dataclass(frozen=True)
class FileSource:
    """Features in a file of `siftcore.io.hdf5.write_features`, read when they are asked for."""

    path: Path

    def counts(self) -> dict[str, int]:
        """Number of features of every image."""
        return count_features(self.path)

    def read(self, name: str) -> Features:
        """The features of one image."""
        return read_features(self.path, name)

    def write(self, path: Path) -> None:
        """The file again under another name: a hard link where that is possible, else a copy.

        siftcore replaces files and never changes them in place, so a link stays what it was.
        """
        if not self.path.is_file():
            raise InputError(f"the feature file {str(self.path)!r} is gone; build the index anew")
        try:
            os.link(os.path.realpath(self.path), path)
        except OSError:
            with atomic_write(path) as temporary:
                shutil.copyfile(self.path, temporary)


@dataclass(frozen=True, eq=False)
class Part:
    """Images that came into an index together.

    Attributes
    ----------
    source : FeatureSource
        Has them, and perhaps others.
    counts : mapping of str to int
        Their numbers of descriptors, sorted by name: in the order of the structure's rows.
    """

    source: FeatureSource
    counts: Mapping[str, int]
