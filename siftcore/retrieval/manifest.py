"""``manifest.json`` of an index's folder: what is in it, in which files, and their checksums.

================ =================================================================================
``format``       ``"siftcore image index"``
``version``      of this layout
``structure``    name of the file of FAISS's structure
``parts``        a list of ``features``, name of a file of features, and ``images``, the numbers of
                 descriptors by name; in the order of the structure's rows
``providers``    scale spaces that the features came from
``settings``     fields of `IndexSettings`
``files``        by name: ``bytes``, and ``sha256`` of the structure
================ =================================================================================
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

from siftcore.errors import InputError
from siftcore.io.atomic import atomic_write
from siftcore.retrieval._sources import Part
from siftcore.retrieval.settings import IndexSettings

__all__ = [
    "FEATURES",
    "MANIFEST",
    "STRUCTURE",
    "check_file",
    "damaged",
    "is_index",
    "named_files",
    "numbered",
    "part_of",
    "read_manifest",
    "stored_files",
    "structure_bytes",
    "write_manifest",
]

MANIFEST, STRUCTURE, FEATURES = "manifest.json", "structure.faiss", "features.h5"
_FORMAT, _VERSION = "siftcore image index", 2
_BLOCK = 1 << 20
_STORED = re.compile(r"(?:structure(?:-(\d+))?\.faiss|features(?:-(\d+))?\.h5)")


def numbered(name: str, number: int) -> str:
    """`STRUCTURE` or `FEATURES` of that number; the first has none in its name."""
    stem, dot, suffix = name.partition(".")
    return name if number == 1 else f"{stem}-{number}{dot}{suffix}"


def stored_files(folder: Path) -> dict[str, int]:
    """Numbers of the structures and features in a folder, also those of no use, by their names."""
    found = ((name, _STORED.fullmatch(name)) for name in os.listdir(folder))
    return {name: int(match[1] or match[2] or 1) for name, match in found if match}


def is_index(folder: Path) -> bool:
    """Whether a folder is an index of whatever version."""
    try:
        document = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(document, dict) and document.get("format") == _FORMAT


def write_manifest(
    folder: Path,
    structure: str,
    parts: list[tuple[str, Part]],
    providers: tuple[str, ...],
    settings: IndexSettings,
) -> None:
    """Write or replace it, in one step of the file system."""
    files = {name: {"bytes": (folder / name).stat().st_size} for name, _ in parts}
    files[structure] = {
        "bytes": (folder / structure).stat().st_size,
        "sha256": _sha256(folder / structure),  # type: ignore[dict-item]
    }
    document = {
        "format": _FORMAT,
        "version": _VERSION,
        "structure": structure,
        "parts": [{"features": name, "images": dict(part.counts)} for name, part in parts],
        "providers": list(providers),
        "settings": asdict(settings),
        "files": files,
    }
    with atomic_write(folder / MANIFEST) as temporary:
        temporary.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def read_manifest(folder: Path) -> dict[str, Any]:
    """The document, of this format and version; its fields are not checked."""
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
        raise damaged(folder, f"{MANIFEST} is not JSON ({error})") from error
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


def named_files(folder: Path) -> set[str]:
    """The structure and the features that an index consists of; none where it is damaged."""
    try:
        document = read_manifest(folder)
        return {document["structure"], *(part["features"] for part in document["parts"])}
    except (InputError, KeyError, TypeError):
        return set()


def structure_bytes(folder: Path) -> int:
    """Size of the structure's file."""
    return (folder / str(read_manifest(folder)["structure"])).stat().st_size


def part_of(document: Any) -> tuple[str, dict[str, int]]:
    """One of ``parts``: the file, and the numbers of descriptors sorted by name."""
    counts = document["images"]
    return document["features"], {name: _count(counts[name]) for name in sorted(counts)}


def check_file(folder: Path, name: str, files: dict[str, Any]) -> Path:
    """The path of a file that the manifest names, once it is as the manifest says."""
    # A name with a folder in it would lead out of the index.
    if not _STORED.fullmatch(name):
        raise ValueError(f"a file: {name!r}")
    path, expected = folder / name, files[name]
    try:
        size = path.stat().st_size
        if size != expected["bytes"]:
            reason = f"{name} has {size} bytes instead of {expected['bytes']}"
        elif "sha256" in expected and _sha256(path) != expected["sha256"]:
            reason = f"the checksum of {name} is wrong"
        else:
            return path
    except OSError as error:
        reason = f"{name} cannot be read ({error.strerror})"
    raise damaged(folder, reason)


def damaged(folder: Path, reason: str) -> InputError:
    """What to raise about an index that cannot be used."""
    return InputError(
        f"the index {str(folder)!r} is damaged: {reason}; build it anew with siftcore index"
    )


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"a number of descriptors: {value!r}")
    return value


def _sha256(path: Path) -> str:
    found = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(_BLOCK):
            found.update(block)
    return found.hexdigest()
