"""Few and small copies of a data set, for a run of minutes."""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.pairs import grey_image
from bench.pairs.collections import PAIRS_FILE, find_pairs
from bench.pairs.pair_files import read_pair
from bench.photographs import shrunk
from bench.session import Session
from dognets.data.images import find_images

__all__ = ["copy_images", "copy_pairs"]


def copy_images(data: Path, out: Path, count: int, side: int, session: Session) -> Path:
    """Grey copies of at most `count` images, evenly from the sorted list.

    Parameters
    ----------
    data, out : path
        `out` is made.
    count : int
    side : int
        The longer side is reduced to so many pixels by antialiased bicubic filtering; a smaller
        image stays as it is.
    session : Session

    Returns
    -------
    path
        `out`.
    """
    found = find_images(data)
    chosen = np.unique(np.linspace(0, len(found) - 1, min(count, len(found))).astype(int))
    out.mkdir(parents=True)
    for number, (_, image) in enumerate(session.readable([found[i] for i in chosen], grey_image)):
        Image.fromarray(shrunk(image, side)).save(out / f"{number:03}.png")
    if not any(out.iterdir()):
        raise session.nothing_left("image")
    return out


def copy_pairs(data: Path, out: Path, count: int, side: int, session: Session) -> Path:
    """Grey copies of at most `count` pairs, with their homographies between the copies.

    Parameters
    ----------
    data, out : path
        `data` has a layout of `bench.pairs.collections.find_pairs`; `out` is made, and gets a
        ``pairs.txt``.
    count : int
    side : int
        As for `copy_images`.
    session : Session

    Returns
    -------
    path
        `out`.
    """
    lines = []
    out.mkdir(parents=True)
    for number, pair in enumerate(find_pairs(data, session, count)[:count]):
        found = read_pair(pair, session, grey_image)
        if found is None:
            continue
        images = found.a, found.b
        words = [f"{number:03}a.png", f"{number:03}b.png", pair.category]
        small = [shrunk(image, side) for image in images]
        for name, image in zip(words, small, strict=False):
            Image.fromarray(image).save(out / name)
        if found.homography is not None:
            to_a, to_b = (_grid(*both) for both in zip(images, small, strict=True))
            words.append(f"{number:03}.txt")
            np.savetxt(out / words[-1], to_b @ found.homography @ np.linalg.inv(to_a))
        lines.append(shlex.join(words))
    if not lines:
        raise session.nothing_left("pair")
    (out / PAIRS_FILE).write_text("\n".join(lines) + "\n")
    return out


def _grid(image: NDArray[np.uint8], small: NDArray[np.uint8]) -> NDArray[np.float64]:
    """From pixels of an image to pixels of its copy; integers are the centres of both."""
    y, x = np.divide(small.shape, image.shape)
    return np.array([[x, 0, (x - 1) / 2], [0, y, (y - 1) / 2], [0, 0, 1]])
