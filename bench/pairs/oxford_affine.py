"""The Oxford affine benchmark: scenes of six images, with homographies from the first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.pairs.pair import ImagePair, reducible_image
from bench.session import Session
from siftcore.errors import InputError

__all__ = ["find_scenes", "read_homography", "read_pairs"]


def find_scenes(folder: Path) -> list[Path]:
    """Folders with ``img1.*`` to ``img6.*`` and ``H1to2p`` to ``H1to6p``.

    Raises
    ------
    InputError
        When there are none.
    """
    if not folder.is_dir():
        raise InputError(
            f"no folder {str(folder)!r}; unpack the Oxford affine data set there, so that "
            "bark/img1.ppm and bark/H1to2p lie in it, and pass it as --data"
        )
    scenes = sorted(path.parent for path in folder.glob("*/H1to2p"))
    if not scenes:
        raise InputError(
            f"no scene with a file H1to2p in {str(folder)!r}; expected the layout of the Oxford "
            "affine data set: SCENE/img1.ppm to img6.ppm beside H1to2p to H1to6p"
        )
    return scenes


def read_homography(path: Path) -> NDArray[np.float64]:
    """Nine numbers, rows first; scaled to a last element of 1."""
    try:
        found = np.loadtxt(path).reshape(3, 3)
    except (OSError, ValueError) as error:
        raise InputError(f"{str(path)!r} is no homography of nine numbers: {error}") from error
    if not np.isfinite(found).all() or abs(np.linalg.det(found)) < 1e-12 or found[2, 2] == 0:
        raise InputError(f"{str(path)!r} is no homography: {found.ravel().tolist()}")
    return np.asarray(found / found[2, 2], np.float64)


def read_pairs(
    folder: Path,
    session: Session,
    scenes: int | None = None,
    numbers: range = range(2, 7),
    scale: int = 1,
) -> Iterator[ImagePair]:
    """Pairs (1, K) of each scene; what cannot be read is skipped and noted in `session`.

    So are images that are too small to be reduced by `scale`.
    """

    def read_image(path: Path) -> NDArray[np.uint8]:
        return reducible_image(path, scale)

    found = find_scenes(folder)[:scenes]
    reference: dict[Path, NDArray[np.uint8]] = {}
    read = 0
    for scene, k in session.track([(s, k) for s in found for k in numbers], folder.name):
        if scene not in reference:
            reference.clear()
            for _, image in session.readable([_image(scene, 1)], read_image):
                reference[scene] = image
        images = list(session.readable([_image(scene, k)], read_image))
        homographies = list(session.readable([scene / f"H1to{k}p"], read_homography))
        if scene in reference and images and homographies:
            read += 1
            (_, image), (_, homography) = images[0], homographies[0]
            yield ImagePair(scene.name, f"1-{k}", reference[scene], image, homography)
    if not read:
        raise session.nothing_left("pair")


def _image(scene: Path, number: int) -> Path:
    return next(iter(sorted(scene.glob(f"img{number}.*"))), scene / f"img{number}.ppm")
