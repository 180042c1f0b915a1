"""The folder of an index: a manifest, the structure of FAISS, and the features.

=================== ==============================================================================
``manifest.json``   names the other files: see `siftcore.retrieval.manifest`
``structure.faiss`` what ``faiss.write_index`` wrote
``features.h5``     features in hloc's layout, for the verification
=================== ==============================================================================

Later files have numbers: ``structure-2.faiss``, ``features-2.h5``. They are written beside those
that are in use, and count from the moment in which the manifest is replaced, which is one step of
the file system. A process that is killed before leaves the index as it was, and files that the
next one deletes.

There is no pickle in it. The checksum is compared before FAISS sees the file, whose reader promises
nothing about damaged bytes.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from siftcore.errors import InputError, OutputError, ParameterError
from siftcore.io.atomic import atomic_write, check_writable
from siftcore.io.locking import only_writer
from siftcore.io.temporaries import delete_unfinished, temporary_beside
from siftcore.retrieval._faiss import DIMENSION, import_faiss, write_structure
from siftcore.retrieval._sources import FileSource, Part
from siftcore.retrieval.index import ImageIndex
from siftcore.retrieval.manifest import (
    FEATURES,
    MANIFEST,
    STRUCTURE,
    check_file,
    damaged,
    is_index,
    named_files,
    numbered,
    part_of,
    read_manifest,
    stored_files,
    write_manifest,
)
from siftcore.retrieval.settings import IndexSettings

__all__ = ["check_index_writable", "extend_index", "load_index", "save_index"]


def check_index_writable(folder: Path) -> None:
    """Fail now if an index could not be saved there later.

    Raises
    ------
    OutputError
        When something else than an index is there, or the folder above is missing or not writable.
    """
    with _folder_for(folder) as made:
        check_writable(made / MANIFEST)


def save_index(index: ImageIndex, folder: Path) -> None:
    """As `ImageIndex.save`."""
    with _folder_for(folder) as made:
        _write(index, made)


@contextlib.contextmanager
def extend_index(folder: Path) -> Iterator[ImageIndex]:
    """The index of a folder, to add images to; it is saved there when the block ends well.

    No other process adds to it meanwhile. Queries may read it: they get the old one or the new.

    Parameters
    ----------
    folder : path

    Yields
    ------
    ImageIndex

    Raises
    ------
    InputError
        When there is no index, or it is damaged or of another version.
    OutputError
        When another process adds to it, or it cannot be written.
    MissingDependencyError
        Without FAISS.
    """
    read_manifest(folder)
    with _folder_for(folder) as made:
        index = load_index(folder)
        before = index.parts
        yield index
        if index.parts != before:
            _write(index, made)
        else:
            _remove_unnamed(made)


def load_index(folder: Path) -> ImageIndex:
    """As `ImageIndex.load`."""
    import_faiss()
    while True:
        document = read_manifest(folder)
        try:
            return _load(folder, document)
        except InputError:
            # Files of an index that was replaced while they were read may be gone.
            if read_manifest(folder) == document:
                raise


def _load(folder: Path, document: dict[str, Any]) -> ImageIndex:
    faiss = import_faiss()
    try:
        files = document["files"]
        parts = []
        for name, counts in map(part_of, document["parts"]):
            parts.append(Part(FileSource(check_file(folder, name, files)), counts))
        providers = tuple(str(name) for name in document["providers"])
        settings = IndexSettings(**document["settings"])
        path = check_file(folder, document["structure"], files)
    except (KeyError, TypeError, AttributeError, ValueError, ParameterError) as error:
        if isinstance(error, InputError) and not isinstance(error, ParameterError):
            raise
        raise damaged(folder, f"{MANIFEST} lacks or misstates {error}") from error
    try:
        structure = faiss.read_index(os.fspath(path))
    except (RuntimeError, MemoryError) as error:
        raise damaged(folder, f"FAISS cannot read {path.name}") from error
    index = ImageIndex(tuple(parts), providers, settings, structure)
    found = (int(structure.d), int(structure.ntotal))
    if found != (DIMENSION, index.n_descriptors):
        raise damaged(
            folder,
            f"{path.name} has {found[1]} descriptors of length {found[0]}, but {MANIFEST} counts "
            f"{index.n_descriptors} of length {DIMENSION}",
        )
    if len(set(index.names)) != len(index):
        raise damaged(folder, f"{MANIFEST} names an image twice")
    return index


def _write(index: ImageIndex, folder: Path) -> None:
    """Write what is not there yet, then the manifest, then delete what that does not name."""
    kept = named_files(folder)
    number = 1 + max(stored_files(folder).values(), default=0)
    structure = numbered(STRUCTURE, number)
    parts = []
    try:
        with atomic_write(folder / structure) as temporary:
            write_structure(index.structure, temporary)
        for part in index.parts:
            name = _name_in(folder, part)
            if name not in kept:
                name = numbered(FEATURES, number)
                part.source.write(folder / name)
                number += 1
            parts.append((name, part))
        write_manifest(folder, structure, parts, index.providers, index.settings)
    finally:
        _remove_unnamed(folder)


def _name_in(folder: Path, part: Part) -> str:
    """The name of a part's features if they lie in that folder, else nothing."""
    path = part.source.path if isinstance(part.source, FileSource) else Path()
    real = Path(os.path.realpath(path))
    return real.name if real.parent == folder else ""


def _remove_unnamed(folder: Path) -> None:
    named = named_files(folder)
    for name in stored_files(folder):
        if name not in named:
            with contextlib.suppress(OSError):
                (folder / name).unlink()
    delete_unfinished(folder)


@contextlib.contextmanager
def _folder_for(folder: Path) -> Iterator[Path]:
    """The folder to write an index into: the one that is there, or a new one that takes its name.

    Nothing gets the name if there is no manifest in it at the end.
    """
    shown = os.fspath(folder)
    target = Path(os.path.realpath(folder))
    exists = target.exists()
    if exists and not (target.is_dir() and (is_index(target) or not any(target.iterdir()))):
        raise OutputError(
            f"cannot write an index to {shown!r}: something else is there; choose another name"
        )
    try:
        if exists and is_index(target):
            with only_writer(target):
                yield target
            return
        with temporary_beside(target, folder=True) as made:
            yield made
            if (made / MANIFEST).exists():
                if exists:
                    target.rmdir()
                made.rename(target)
    except OSError as error:
        reason = error.strerror or str(error)
        if error.errno == errno.ENOENT and not target.parent.exists():
            reason = f"the folder {str(target.parent)!r} does not exist; make it first"
        raise OutputError(f"cannot write an index to {shown!r}: {reason}") from error
