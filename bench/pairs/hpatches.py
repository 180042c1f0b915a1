"""HPatches sequences: six images of a scene, with homographies from the first.

Balntas, Lenc, Vedaldi, Mikolajczyk: HPatches, a benchmark and evaluation of handcrafted and
learned local descriptors, CVPR 2017. Folders ``i_*`` change the light, ``v_*`` the viewpoint.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bench.pairs.oxford_affine import read_homography
from bench.pairs.pair import ImagePair, grey_image
from bench.session import Session
from siftcore.errors import InputError

__all__ = ["find_sequences", "read_pairs"]

_SUFFIXES = (".ppm", ".png", ".jpg")


def find_sequences(folder: Path) -> list[Path]:
    """Folders ``i_*`` and ``v_*`` with ``H_1_2``; an empty list where there are none."""
    return sorted(
        path.parent for path in folder.glob("*/H_1_2") if path.parent.name[:2] in ("i_", "v_")
    )


def read_pairs(folder: Path, session: Session, scenes: int | None = None) -> Iterator[ImagePair]:
    """Pairs (1, K) of each sequence; what cannot be read is skipped and noted in `session`.

    Parameters
    ----------
    folder : path
        Holds ``i_ajuntament/1.ppm`` to ``6.ppm`` beside ``H_1_2`` to ``H_1_6``, and so on.
    session : Session
    scenes : int, optional
        Only the first so many sequences.

    Raises
    ------
    InputError
        When there is no sequence, or nothing of them can be read.
    """
    found = find_sequences(folder)[:scenes]
    if not found:
        raise InputError(
            f"no sequence in {str(folder)!r}; expected the layout of HPatches: i_NAME or v_NAME "
            "with 1.ppm to 6.ppm beside H_1_2 to H_1_6"
        )
    read = 0
    for sequence in session.track(found, folder.name):
        paths = [_image(sequence, k) for k in range(1, 7)]
        images = {path.stem: image for path, image in session.readable(paths, grey_image)}
        names = [sequence / f"H_1_{k}" for k in range(2, 7)]
        for path, homography in session.readable(names, read_homography):
            k = path.name.rpartition("_")[2]
            if "1" in images and k in images:
                read += 1
                yield ImagePair(sequence.name, f"1-{k}", images["1"], images[k], homography)
    if not read:
        raise session.nothing_left("pair")


def _image(sequence: Path, number: int) -> Path:
    paths = [sequence / f"{number}{suffix}" for suffix in _SUFFIXES]
    return next((path for path in paths if path.is_file()), paths[0])
