"""Decoded images on disk, memory-mapped, so that cutting a patch costs a copy and no decoding."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dognets.data.images import (
    HELD_BACK_ONE_IN,
    find_images,
    is_held_back,
    read_usable,
    subject,
)
from dognets.errors import DataError
from siftcore.io.temporaries import temporary_beside

__all__ = ["ImageCache", "default_cache_folder"]

VERSION = 1
PIXELS = "pixels.u8"
INDEX = "index.json"


def default_cache_folder() -> Path:
    """``$XDG_CACHE_HOME/dognets`` or ``~/.cache/dognets``."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "dognets"


@dataclass(frozen=True, eq=False)
class ImageCache:
    """Grey images, one after the other in one file.

    Attributes
    ----------
    pixels : numpy.memmap, (samples,) uint8
    shapes : tuple of (int, int)
    names : tuple of str
        Paths below the folder of origin.
    offsets : ndarray, (images + 1,) int64
    fingerprint : str
        Of the names, sizes and times of the files it was made from.
    """

    pixels: NDArray[np.uint8]
    shapes: tuple[tuple[int, int], ...]
    names: tuple[str, ...]
    offsets: NDArray[np.int64]
    fingerprint: str

    @classmethod
    def open(
        cls, folder: str | Path, minimum_side: int, cache_folder: str | Path | None = None
    ) -> ImageCache:
        """The cache of all usable images below `folder`, made if there is none yet.

        Parameters
        ----------
        folder : path
            Searched to any depth.
        minimum_side : int
            Pixels; smaller images are skipped, with a warning that names them.
        cache_folder : path, optional
            By default `default_cache_folder`.

        Raises
        ------
        DataError
            When no image is usable.
        """
        folder = Path(folder)
        paths = find_images(folder)
        fingerprint = _fingerprint(folder, paths, minimum_side)
        place = Path(cache_folder or default_cache_folder()) / fingerprint
        if not _is_whole(place):
            _build(folder, paths, minimum_side, place)
        return _opened(place, fingerprint)

    def __reduce__(self) -> tuple[Any, ...]:
        # A memory-map would be sent to another process as all of its bytes.
        if isinstance(self.pixels, np.memmap) and self.pixels.filename is not None:
            return _opened, (Path(self.pixels.filename).parent, self.fingerprint)
        fields = self.pixels, self.shapes, self.names, self.offsets, self.fingerprint
        return type(self), fields

    def __len__(self) -> int:
        return len(self.shapes)

    def image(self, index: int) -> NDArray[np.uint8]:
        """Image `index` as a view, (H, W) uint8."""
        start, stop = self.offsets[index], self.offsets[index + 1]
        return self.pixels[start:stop].reshape(self.shapes[index])

    def split(self) -> tuple[list[int], list[int]]:
        """Indices for training and for validation.

        No subject is in both, unless the folder has only one. A single image is in both.
        """
        if len(self) == 1:
            return [0], [0]
        held = [is_held_back(Path(name)) for name in self.names]
        if all(held) or not any(held):
            # A folder of few subjects: every twentieth of them, at least one.
            subjects = [subject(Path(name)) for name in self.names]
            kept = set(sorted(set(subjects))[::HELD_BACK_ONE_IN])
            held = [s in kept for s in subjects]
        if all(held):
            held = [i % HELD_BACK_ONE_IN == 0 for i in range(len(self))]
        indices = range(len(self))
        return [i for i in indices if not held[i]], [i for i in indices if held[i]]


def _opened(place: Path, fingerprint: str) -> ImageCache:
    """The whole cache in a folder."""
    index = json.loads((place / INDEX).read_text("utf-8"))
    shapes = tuple((int(h), int(w)) for h, w in index["shapes"])
    areas = [h * w for h, w in shapes]
    return ImageCache(
        np.memmap(place / PIXELS, np.uint8, mode="r"),
        shapes,
        tuple(index["names"]),
        np.concatenate([[0], np.cumsum(areas)]).astype(np.int64),
        fingerprint,
    )


def _fingerprint(folder: Path, paths: Sequence[Path], minimum_side: int) -> str:
    digest = hashlib.sha256(f"{VERSION} {minimum_side}".encode())
    for path in paths:
        status = path.stat()
        line = f"{path.relative_to(folder)} {status.st_size} {status.st_mtime_ns}\n"
        digest.update(line.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:16]


def _is_whole(place: Path) -> bool:
    try:
        shapes = json.loads((place / INDEX).read_text("utf-8"))["shapes"]
        return (place / PIXELS).stat().st_size == sum(h * w for h, w in shapes)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _build(folder: Path, paths: Sequence[Path], minimum_side: int, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    # Built aside and renamed: another process sees a whole cache or none.
    with temporary_beside(place, folder=True) as aside:
        names: list[str] = []
        shapes: list[tuple[int, int]] = []
        with open(aside / PIXELS, "wb") as file:
            for path, image in read_usable(paths, minimum_side):
                file.write(image.tobytes())
                names.append(str(path.relative_to(folder)))
                shapes.append((image.shape[0], image.shape[1]))
        if not names:
            raise DataError(
                f"none of the {len(paths)} images in {str(folder)!r} can be used: each side must "
                f"have at least {minimum_side} pixels"
            )
        (aside / INDEX).write_text(json.dumps({"names": names, "shapes": shapes}), "utf-8")
        if place.exists() and not _is_whole(place):
            shutil.rmtree(place, ignore_errors=True)
        try:
            os.replace(aside, place)
        except OSError:
            # Another process was faster.
            if not _is_whole(place):
                raise
