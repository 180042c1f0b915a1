"""The index of a collection: all its descriptors in one structure of FAISS."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from siftcore.descriptor_layouts import root_sift
from siftcore.errors import InputError, InputTypeError
from siftcore.io.image_names import ImageNames
from siftcore.retrieval._faiss import import_faiss
from siftcore.retrieval._sources import FileSource, MemorySource, Part
from siftcore.retrieval.search import NEIGHBOURS, Candidate, search
from siftcore.retrieval.settings import IndexSettings
from siftcore.types import Features

__all__ = ["ImageIndex"]


@dataclass(eq=False)
class ImageIndex:
    """Descriptors of a collection of images, to be searched by those of a query.

    Made by `build`, `from_file` or `load`, not by its constructor. The order in which the images
    are given changes nothing: they are sorted by name.

    Attributes
    ----------
    parts : tuple of Part
        The images that it was built with, and those of each addition.
    providers : tuple of str
        Scale spaces that the features came from, sorted.
    settings : IndexSettings
        With the kind that was built in place of ``"auto"``.
    structure : faiss.Index
        The descriptors, in the order of `names`.
    """

    parts: tuple[Part, ...]
    providers: tuple[str, ...]
    settings: IndexSettings
    structure: Any

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
        from siftcore.retrieval.filling import build_index

        import_faiss()
        return build_index(_held(images), settings or IndexSettings())

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
        from siftcore.retrieval.filling import build_index

        import_faiss()
        return build_index(FileSource(Path(path)), settings or IndexSettings(), advance)

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

    def add(
        self, images: Mapping[str, Features] | Iterable[tuple[str, Features]]
    ) -> tuple[str, ...]:
        """Add images to the index, which keeps its settings and what it learned.

        As FAISS's own ``add``, it trains nothing: the cells and codes of an inverted file stay
        those of the images that it was built with.

        Parameters
        ----------
        images : mapping or iterable of (str, Features)
            As for `build`. An image that is in the index already is left out when its features
            are the same.

        Returns
        -------
        tuple of str
            The images that were added, sorted.

        Raises
        ------
        InputError
            When a name is empty, absolute or given twice, or is in the index with other features.
            On this and any other error, nothing is added.
        InputTypeError
            When something is not `Features`.
        """
        from siftcore.retrieval.filling import add_images

        return add_images(self, _held(images))

    def add_file(
        self, path: str | os.PathLike[str], advance: Callable[[str], None] | None = None
    ) -> tuple[str, ...]:
        """As `add`, with the images of a feature file, one of which is in memory at a time.

        Parameters
        ----------
        path : str or path-like
            A file of ``siftcore extract``. The verification reads from it.
        advance : callable, optional
            Told the name of each image of the file that is in.

        Returns
        -------
        tuple of str
            The images that were added, sorted.

        Raises
        ------
        InputError
            When the file cannot be read, siftcore did not write it, or an image is in the index
            with other features. On this and any other error, nothing is added.
        """
        from siftcore.retrieval.filling import add_images

        return add_images(self, FileSource(Path(path)), advance)

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write a folder with the index and the features, whole or not at all.

        The features are hard links to the files of `from_file` and `add_file` where the file
        system can link, and copies otherwise, so that the folder can be moved and does not depend
        on those files.

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
        for part in self.parts:
            if name in part.counts:
                break
        else:
            raise InputError(f"the index has no image {name!r}; its {len(self)} are in names")
        found, expected = part.source.read(name), part.counts[name]
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
    def names(self) -> tuple[str, ...]:
        """The images, sorted; those of each addition stand behind the others, sorted too."""
        return tuple(name for part in self.parts for name in part.counts)

    @property
    def counts(self) -> NDArray[np.int64]:
        """Their numbers of descriptors: (len(names),)."""
        return np.array([n for part in self.parts for n in part.counts.values()], np.int64)

    @property
    def offsets(self) -> NDArray[np.int64]:
        """Row of each image's first descriptor, and the number of all: (len(names) + 1,)."""
        return np.concatenate([[0], np.cumsum(self.counts)]).astype(np.int64)

    @property
    def n_descriptors(self) -> int:
        """Descriptors of all images."""
        return int(self.counts.sum())

    def __len__(self) -> int:
        return sum(len(part.counts) for part in self.parts)

    def __repr__(self) -> str:
        return (
            f"ImageIndex({len(self)} images, {self.n_descriptors} descriptors, "
            f"{self.settings.kind!r})"
        )


def _held(images: Mapping[str, Features] | Iterable[tuple[str, Features]]) -> MemorySource:
    taken, held = ImageNames(), {}
    for name, features in images.items() if isinstance(images, Mapping) else images:
        taken.add(name)
        if not isinstance(features, Features):
            raise InputTypeError(
                f"image {name!r} must come with Features, as siftcore.extract returns; "
                f"got {type(features).__name__}"
            )
        held[name] = features
    return MemorySource(held)
