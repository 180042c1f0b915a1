"""The index of a collection: all its descriptors in one structure of FAISS."""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from siftcore.descriptor_layouts import root_sift
from siftcore.errors import InputError, InputTypeError
from siftcore.io.hdf5 import ImageNames
from siftcore.retrieval._faiss import (
    DIMENSION,
    import_faiss,
    make_structure,
    trained_on,
    with_threads,
)
from siftcore.retrieval._sources import FeatureSource, FileSource, MemorySource
from siftcore.retrieval.search import NEIGHBOURS, Candidate, search
from siftcore.retrieval.settings import IndexSettings
from siftcore.types import Features

__all__ = ["ImageIndex"]


@dataclass(frozen=True, eq=False)
class ImageIndex:
    """Descriptors of a collection of images, to be searched by those of a query.

    Made by `build`, `from_file` or `load`, not by its constructor. The order in which the images
    are given changes nothing: they are sorted by name.

    Attributes
    ----------
    names : tuple of str
        The images, sorted.
    counts : ndarray, (len(names),) int64
        Their numbers of descriptors.
    providers : tuple of str
        Scale spaces that the features came from, sorted.
    settings : IndexSettings
        With the kind that was built in place of ``"auto"``.
    """

    names: tuple[str, ...]
    counts: NDArray[np.int64]
    providers: tuple[str, ...]
    settings: IndexSettings
    structure: Any
    source: FeatureSource

    @classmethod
    def build(
        cls,
        images: Mapping[str, Features] | Iterable[tuple[str, Features]],
        settings: IndexSettings | None = None,
    ) -> ImageIndex:
        """An index of features in memory, which it goes on to hold for the verification.

        Parameters
        ----------
        images : mapping or iterable of (str, Features)
            Names, relative and with ``/`` between folders, and features.
        settings : IndexSettings, optional

        Raises
        ------
        InputError
            When a name is empty, absolute or given twice.
        InputTypeError
            When something is not `Features`.
        MissingDependencyError
            Without FAISS.
        """
        import_faiss()
        taken, held = ImageNames(), {}
        for name, features in images.items() if isinstance(images, Mapping) else images:
            taken.add(name)
            if not isinstance(features, Features):
                raise InputTypeError(
                    f"image {name!r} must come with Features, as siftcore.extract returns; "
                    f"got {type(features).__name__}"
                )
            held[name] = features
        return _built(MemorySource(held), settings or IndexSettings(), _nobody)

    @classmethod
    def from_file(
        cls,
        path: str | os.PathLike[str],
        settings: IndexSettings | None = None,
        advance: Callable[[str], None] | None = None,
    ) -> ImageIndex:
        """An index of a feature file, one image of which is in memory at a time.

        Parameters
        ----------
        path : str or path-like
            A file of ``siftcore extract``. The verification reads from it.
        settings : IndexSettings, optional
        advance : callable, optional
            Told the name of each image that is in.

        Raises
        ------
        InputError
            When the file cannot be read, or siftcore did not write it.
        MissingDependencyError
            Without FAISS or h5py.
        """
        import_faiss()
        return _built(FileSource(Path(path)), settings or IndexSettings(), advance or _nobody)

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> ImageIndex:
        """An index that `save` wrote; it gives the same answers as the one that was saved.

        Raises
        ------
        InputError
            When there is no index, or it is damaged or of another version.
        MissingDependencyError
            Without FAISS.
        """
        from siftcore.retrieval.storage import load_index

        return load_index(Path(folder))

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write a folder with the index and the features, whole or not at all.

        The features are a hard link to the file of `from_file` where the file system can link, and
        a copy otherwise, so that the folder can be moved and does not depend on that file.

        Parameters
        ----------
        folder : str or path-like
            To make; an index that is there is replaced, anything else is not.

        Raises
        ------
        OutputError
            When it cannot be written, or something else is there.
        """
        from siftcore.retrieval.storage import save_index

        save_index(self, Path(folder))

    def query(
        self, features: Features, top: int = 10, neighbours: int = NEIGHBOURS
    ) -> list[Candidate]:
        """The images that the descriptors of a query vote for, best first.

        Parameters
        ----------
        features : Features
            Of the query; any provider.
        top : int, default 10
            At most so many.
        neighbours : int, default 10
            Nearest descriptors that each descriptor of the query votes for. More where more
            images of the collection show the same thing.

        Returns
        -------
        list of Candidate
            Images without a vote are not in it. Equal scores are in the order of the names.
        """
        return search(self, features, top, neighbours)

    def features(self, name: str) -> Features:
        """The features of one image of the collection.

        Raises
        ------
        InputError
            When there is no such image, they cannot be read, or they are not those that were
            indexed.
        """
        place = bisect_left(self.names, name)
        if self.names[place : place + 1] != (name,):
            raise InputError(f"the index has no image {name!r}; its {len(self)} are in names")
        found, expected = self.source.read(name), int(self.counts[place])
        if len(found) != expected:
            raise InputError(
                f"the features of image {name!r} are not those that were indexed: {expected} were "
                f"expected, {len(found)} came; build the index anew"
            )
        return found

    def descriptors_of(self, features: Features) -> NDArray[np.float32]:
        """What the index keeps, or is asked: RootSIFT, unless the settings say otherwise."""
        return root_sift(features.descriptors) if self.settings.root else features.descriptors

    @property
    def offsets(self) -> NDArray[np.int64]:
        """Row of each image's first descriptor, and the number of all: (len(names) + 1,)."""
        return np.concatenate([[0], np.cumsum(self.counts)]).astype(np.int64)

    @property
    def n_descriptors(self) -> int:
        """Descriptors of all images."""
        return int(self.counts.sum())

    def __len__(self) -> int:
        return len(self.names)

    def __repr__(self) -> str:
        return (
            f"ImageIndex({len(self)} images, {self.n_descriptors} descriptors, "
            f"{self.settings.kind!r})"
        )


def _nobody(name: str) -> None:
    """Told of progress where no one asked."""


def _built(
    source: FeatureSource, settings: IndexSettings, advance: Callable[[str], None]
) -> ImageIndex:
    found = source.counts()
    names = tuple(sorted(found))
    counts = np.array([found[name] for name in names], np.int64)
    total = int(counts.sum())
    kind = settings.kind_for(total)
    empty = ImageIndex(names, counts, (), settings, None, source)
    sample = _sample(empty, trained_on(kind, total))
    structure, kind = make_structure(kind, total, sample, settings.probes)
    providers = set()
    for name in names:
        features = source.read(name)
        providers.add(features.provider)
        if len(features):
            with with_threads():
                structure.add(empty.descriptors_of(features))
        advance(name)
    chosen = replace(settings, kind=kind)
    return ImageIndex(names, counts, tuple(sorted(providers)), chosen, structure, source)


def _sample(index: ImageIndex, n: int) -> NDArray[np.float32]:
    """`n` descriptors of the whole collection, without more than one image's others in memory."""
    if not n:
        return np.zeros((0, DIMENSION), np.float32)
    generator = np.random.default_rng(index.settings.seed)
    rows = np.sort(generator.choice(index.n_descriptors, n, replace=False))
    parts = []
    for name, first, end in zip(index.names, index.offsets[:-1], index.offsets[1:], strict=True):
        inside = rows[np.searchsorted(rows, first) : np.searchsorted(rows, end)] - first
        if len(inside):
            parts.append(index.descriptors_of(index.features(name)[inside]))
    return np.concatenate(parts)
