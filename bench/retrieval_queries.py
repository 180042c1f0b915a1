"""Collection and queries of the retrieval benchmark: scenes of several views among strangers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import skimage.data
from numpy.typing import NDArray

from bench.pairs.oxford_affine import find_scenes
from bench.session import Session
from dognets.data.images import SUFFIXES
from siftcore.errors import InputError
from siftcore.image import load_image

__all__ = ["Query", "read_collection"]

# Photographs that scikit-image ships, of nothing that the scenes show.
_SHIPPED = ("astronaut", "brick", "camera", "chelsea", "coffee", "coins", "gravel", "rocket")
# Of a folder without homographies, the first half is the collection.
_HALF = 2


@dataclass(frozen=True)
class Query:
    """A view that is not in the collection.

    Attributes
    ----------
    group : str
        ``"oxford_affine"`` or the name of the folder.
    scene : str
    image : ndarray, (H, W) uint8
        At its full size.
    right : frozenset of str
        Images of the collection that show the same.
    """

    group: str
    scene: str
    image: NDArray[np.uint8]
    right: frozenset[str]


def read_collection(
    data: Path, distractors: Path | None, session: Session, scenes: int | None, limit: int | None
) -> tuple[dict[str, NDArray[np.uint8]], list[Query]]:
    """The images of the collection by name, and the queries.

    Of each scene of ``data/oxford_affine`` the collection has the first image, and the other five
    are queries. Of each other folder of images in `data`, which shows one thing, the collection
    has the first half by name. What cannot be read is skipped and noted in `session`.

    Parameters
    ----------
    data : path
    distractors : path, optional
        Folder of images of other things; those of scikit-image are always there.
    session : Session
    scenes : int, optional
        At most so many scenes, and so many queries of each other folder.
    limit : int, optional
        At most so many distractors.
    """
    collection: dict[str, NDArray[np.uint8]] = {}
    queries: list[Query] = []
    affine = data / "oxford_affine"
    for scene in find_scenes(affine)[:scenes] if affine.is_dir() else []:
        first = _read(sorted(scene.glob("img1.*"))[:1], session)
        others = _read(sorted(scene.glob("img[2-6].*")), session)
        if not first or not others:
            continue
        name = f"{affine.name}/{scene.name}/1"
        collection[name] = first[0]
        queries += [Query(affine.name, scene.name, view, frozenset({name})) for view in others]
    for folder in sorted(path for path in data.iterdir() if path.is_dir() and path != affine):
        views = _read(_images(folder), session)
        kept = [f"{folder.name}/{number}" for number in range(len(views) // _HALF)]
        collection |= dict(zip(kept, views, strict=False))
        queries += [
            Query(folder.name, folder.name, view, frozenset(kept))
            for view in views[len(kept) :][:scenes]
        ]
    if not queries:
        raise InputError(
            f"no scene in {str(data)!r}: expected oxford_affine/SCENE/img1.* with H1to2p, or "
            "folders with two or more images of one thing"
        )
    for name in _SHIPPED[:limit]:
        collection[f"scikit-image/{name}"] = _to_8_bits(getattr(skimage.data, name)())
    if distractors is not None:
        paths = _images(distractors)[:limit]
        for path, image in session.readable(paths, _grey):
            collection[f"distractors/{path.name}"] = image
    return collection, queries


def _images(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)


def _read(paths: list[Path], session: Session) -> list[NDArray[np.uint8]]:
    return [image for _, image in session.readable(paths, _grey)]


def _grey(path: Path) -> NDArray[np.uint8]:
    return _to_8_bits(path)


def _to_8_bits(image: object) -> NDArray[np.uint8]:
    grey = load_image(image)  # type: ignore[arg-type]
    return np.rint(255.0 * grey.clip(0.0, 1.0)).astype(np.uint8)
