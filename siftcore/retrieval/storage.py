"""The folder of an index: a manifest, the structure of FAISS, and the features.

=================== ==============================================================================
``manifest.json``   format and version, images with their numbers of descriptors, settings,
                    providers, sizes of the other files and the SHA-256 of the structure
``structure.faiss`` what ``faiss.write_index`` wrote
``features.h5``     features in hloc's layout, for the verification
=================== ==============================================================================

There is no pickle in it. The checksum is compared before FAISS sees the file, whose reader promises
nothing about damaged bytes.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from siftcore.errors import InputError, OutputError
from siftcore.io.atomic import atomic_write
from siftcore.retrieval._faiss import DIMENSION, import_faiss
from siftcore.retrieval._sources import FileSource
from siftcore.retrieval.index import ImageIndex
from siftcore.retrieval.settings import IndexSettings

__all__ = ["FEATURES", "MANIFEST", "STRUCTURE", "check_index_writable", "load_index", "save_index"]

MANIFEST, STRUCTURE, FEATURES = "manifest.json", "structure.faiss", "features.h5"
_FORMAT, _VERSION = "siftcore image index", 1
_BLOCK = 1 << 20


def check_index_writable(folder: Path) -> None:
    """Fail now if an index could not be saved there later.

    Raises
    ------
    OutputError
        When something else than an index is there, or the folder above is missing or not writable.
    """
    with _new_folder(folder):
        pass


def save_index(index: ImageIndex, folder: Path) -> None:
    """As `ImageIndex.save`."""
    faiss = import_faiss()
    with _new_folder(folder) as made:
        with atomic_write(made / STRUCTURE) as temporary:
            faiss.write_index(index.structure, os.fspath(temporary))
        index.source.write(made / FEATURES)
        document = {
            "format": _FORMAT,
            "version": _VERSION,
            "images": dict(zip(index.names, index.counts.tolist(), strict=True)),
            "providers": list(index.providers),
            "settings": asdict(index.settings),
            "files": {
                STRUCTURE: {
                    "bytes": (made / STRUCTURE).stat().st_size,
                    "sha256": _sha256(made / STRUCTURE),
                },
                FEATURES: {"bytes": (made / FEATURES).stat().st_size},
            },
        }
        with atomic_write(made / MANIFEST) as temporary:
            temporary.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        _take_place(made, Path(os.path.realpath(folder)))


def load_index(folder: Path) -> ImageIndex:
    """As `ImageIndex.load`."""
    faiss = import_faiss()
    document = _read_manifest(folder)
    try:
        counts_of = document["images"]
        names = tuple(sorted(counts_of))
        counts = np.array([_count(counts_of[name]) for name in names], np.int64)
        providers = tuple(str(name) for name in document["providers"])
        settings = IndexSettings(**document["settings"])
        files = [(name, document["files"][name]) for name in (STRUCTURE, FEATURES)]
        expected = [(name, entry["bytes"], entry.get("sha256")) for name, entry in files]
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise _damaged(folder, f"{MANIFEST} lacks or misstates {error}") from error
    for name, size, checksum in expected:
        _check_file(folder / name, size, checksum)
    try:
        structure = faiss.read_index(os.fspath(folder / STRUCTURE))
    except (RuntimeError, MemoryError) as error:
        raise _damaged(folder, f"FAISS cannot read {STRUCTURE}") from error
    found = (int(structure.d), int(structure.ntotal))
    if found != (DIMENSION, int(counts.sum())):
        raise _damaged(
            folder,
            f"{STRUCTURE} has {found[1]} descriptors of length {found[0]}, but {MANIFEST} counts "
            f"{int(counts.sum())} of length {DIMENSION}",
        )
    return ImageIndex(names, counts, providers, settings, structure, FileSource(folder / FEATURES))


def _read_manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(
            f"no index at {str(folder)!r}: expected a folder with {MANIFEST}; make it with "
            "siftcore index"
        ) from None
    except OSError as error:
        raise InputError(f"cannot read {str(path)!r}: {error.strerror}") from error
    except ValueError as error:
        raise _damaged(folder, f"{MANIFEST} is not JSON ({error})") from error
    if not isinstance(document, dict) or document.get("format") != _FORMAT:
        raise InputError(
            f"{str(path)!r} belongs to something else than an index of siftcore; name a folder "
            "that siftcore index made"
        )
    if document.get("version") != _VERSION:
        raise InputError(
            f"the index {str(folder)!r} has version {document.get('version')!r}, and this siftcore "
            f"reads version {_VERSION}; build it anew with siftcore index"
        )
    return document


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"a number of descriptors: {value!r}")
    return value


def _check_file(path: Path, size: int, checksum: str | None) -> None:
    try:
        found = path.stat().st_size
        if found != size:
            reason = f"{path.name} has {found} bytes instead of {size}"
        elif checksum is not None and _sha256(path) != checksum:
            reason = f"the checksum of {path.name} is wrong"
        else:
            return
    except OSError as error:
        reason = f"{path.name} cannot be read ({error.strerror})"
    raise _damaged(path.parent, reason)


def _damaged(folder: Path, reason: str) -> InputError:
    return InputError(
        f"the index {str(folder)!r} is damaged: {reason}; build it anew with siftcore index"
    )


def _sha256(path: Path) -> str:
    found = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(_BLOCK):
            found.update(block)
    return found.hexdigest()


@contextlib.contextmanager
def _new_folder(folder: Path) -> Iterator[Path]:
    """A folder beside the target, deleted at the end if it did not take the target's place."""
    shown = os.fspath(folder)
    target = Path(os.path.realpath(folder))
    if target.exists() and not (target.is_dir() and (_is_index(target) or _is_empty(target))):
        raise OutputError(
            f"cannot write an index to {shown!r}: something else is there; choose another name"
        )
    made = target.parent / f".siftcore-{secrets.token_hex(8)}.tmp"
    try:
        made.mkdir()
        yield made
    except OSError as error:
        reason = error.strerror or str(error)
        if error.errno == errno.ENOENT and not target.parent.exists():
            reason = f"the folder {str(target.parent)!r} does not exist; make it first"
        raise OutputError(f"cannot write an index to {shown!r}: {reason}") from error
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _is_index(folder: Path) -> bool:
    try:
        document = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(document, dict) and document.get("format") == _FORMAT


def _is_empty(folder: Path) -> bool:
    return not any(folder.iterdir())


def _take_place(made: Path, target: Path) -> None:
    """Rename `made` to `target`; what is there is kept until that has happened."""
    if not target.exists():
        os.replace(made, target)
        return
    old = target.parent / f".siftcore-{secrets.token_hex(8)}.old"
    os.replace(target, old)
    try:
        os.replace(made, target)
    except OSError:
        os.replace(old, target)
        raise
    shutil.rmtree(old, ignore_errors=True)
