"""What was computed once, kept on disk, and never believed when it is stale."""

from __future__ import annotations

import hashlib
import json
import os
import warnings
import zipfile
from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from siftcore.io.atomic import atomic_write

__all__ = ["Store", "code_fingerprint", "default_folder", "digest"]

Arrays = dict[str, NDArray[Any]]
# What the figures depend on besides our own sources: a new version makes all entries stale.
_PACKAGES = ("faiss-cpu", "numba", "numpy", "pillow", "poselib", "scipy", "torch")


def default_folder() -> Path:
    """``$SIFTCORE_BENCH_CACHE``, or ``siftcore-bench`` in the user's cache folder."""
    chosen = os.environ.get("SIFTCORE_BENCH_CACHE")
    if chosen:
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "siftcore-bench"


def digest(array: NDArray[Any]) -> str:
    """SHA-256 of an array's shape, type and bytes."""
    found = hashlib.sha256(f"{array.shape} {array.dtype}".encode())
    found.update(np.ascontiguousarray(array).data)
    return found.hexdigest()


@cache
def code_fingerprint(*modules: str) -> str:
    """SHA-256 of the sources of packages or modules, and the versions of what they run on."""
    found = hashlib.sha256()
    for module in modules:
        spec = find_spec(module)
        if spec is None:
            raise ModuleNotFoundError(f"no module {module!r} to take the fingerprint of")
        roots = [Path(p) for p in spec.submodule_search_locations or ()]
        files = sorted(f for root in roots for f in root.rglob("*.py"))
        for file in files or [Path(str(spec.origin))]:
            found.update(file.name.encode() + b"\0" + file.read_bytes())
    found.update(" ".join(f"{package} {_version(package)}" for package in _PACKAGES).encode())
    return found.hexdigest()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"


class Store:
    """Arrays by a description of how they came about.

    Parameters
    ----------
    folder : path, optional
        Made when needed; None keeps nothing.

    Attributes
    ----------
    found, computed : int
        How often an entry was there, and how often it had to be made.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self.found = 0
        self.computed = 0

    def get(
        self,
        kind: str,
        description: Mapping[str, Any],
        compute: Callable[[], Arrays],
        code: tuple[str, ...] = ("siftcore", "dognets"),
    ) -> Arrays:
        """The arrays of `description`, computed if they are not there or stale.

        Parameters
        ----------
        kind : str
            Subfolder.
        description : mapping
            All that the result depends on: digests of the inputs, parameters, weights.
        compute : callable
            Returns a dictionary of arrays.
        code : tuple of str
            Packages and modules whose change makes the entry stale.
        """
        about = dict(description) | {"code": code_fingerprint(*code)}
        text = json.dumps(about, sort_keys=True, default=str)
        if self.folder is None:
            self.computed += 1
            return compute()
        key = hashlib.sha256(text.encode()).hexdigest()
        path = self.folder / kind / key[:2] / f"{key}.npz"
        kept = _read(path, text)
        if kept is not None:
            self.found += 1
            return kept
        arrays = compute()
        self.computed += 1
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as temporary, open(temporary, "wb") as file:
            np.savez(file, __about__=np.array(text), **arrays)  # type: ignore[arg-type]
        return arrays


def _read(path: Path, text: str) -> Arrays | None:
    if not path.is_file():
        return None
    try:
        # NumPy leaves a file open that it opened itself and could not read.
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as entry:
            if str(entry["__about__"]) != text:
                raise ValueError("it describes something else")
            return {name: entry[name] for name in entry.files if name != "__about__"}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        warnings.warn(f"{path} is damaged ({error}); it is made anew", stacklevel=3)
        return None
