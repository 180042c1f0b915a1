"""Features as glue-factory's cached predictions, in HDF5.

One group per image; in it, float32: ``keypoints`` (N, 2) in pixels of the original image,
``descriptors`` (N, 128), not transposed as hloc's are, ``scales`` (N,) sigma, ``oris`` (N,)
radians, and ``keypoint_scores`` (N,). Its ``CacheLoader`` scales the keypoints to the resized
image. Files of glue-factory itself are often float16, which rounds positions to whole pixels
beyond x = 1024.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from siftcore.errors import InputError
from siftcore.io._hdf5_file import create_hdf5, open_hdf5, read_array
from siftcore.io.foreign import foreign_features
from siftcore.io.image_names import ImageNames
from siftcore.types import Features

__all__ = ["read_glue_factory", "write_glue_factory"]

_DATASETS = {
    "keypoints": ("xy", (2,)),
    "descriptors": ("descriptors", (128,)),
    "scales": ("sigma", ()),
    "oris": ("angle", ()),
    "keypoint_scores": ("response", ()),
}


def write_glue_factory(
    path: str | os.PathLike[str],
    features: Mapping[str, Features] | Iterable[tuple[str, Features]],
) -> None:
    """Write features that glue-factory's ``CacheLoader`` reads; descriptors as they are.

    Parameters
    ----------
    path : str or path-like
        The file to make or replace.
    features : mapping or iterable of (str, Features)
        Image names and features; of ``rootsift`` descriptors for LightGlue.

    Raises
    ------
    InputError
        When a name cannot be a group.
    OutputError
        When the file cannot be written.
    MissingDependencyError
        Without h5py.
    """
    pairs = features.items() if isinstance(features, Mapping) else features
    names = ImageNames()
    with create_hdf5(path) as (file, raise_error):
        for name, image_features in pairs:
            names.add(name)
            group = file.create_group(name)
            for dataset, (field, _) in _DATASETS.items():
                group.create_dataset(dataset, data=getattr(image_features, field))
            raise_error()


def read_glue_factory(
    path: str | os.PathLike[str], name: str, image_size: tuple[int, int]
) -> Features:
    """Read one image's features; `octave` and `level`, which the file lacks, are 0.

    Parameters
    ----------
    path : str or path-like
        The file.
    name : str
        The image.
    image_size : (int, int)
        Its width and height, which the file lacks.

    Raises
    ------
    InputError
        When the file cannot be read, or lacks the image or a dataset, or one has a wrong shape.
    MissingDependencyError
        Without h5py.
    """
    shown = os.fspath(path)
    with open_hdf5(path, "features", "glue-factory") as file:
        group: Any = file.get(name) if name.strip("/") else None
        if not hasattr(group, "keys"):
            raise InputError(f"{shown!r} has no image {name!r}; check the name")
        absent = [dataset for dataset in _DATASETS if dataset not in group]
        if absent:
            raise InputError(
                f"image {name!r} in {shown!r} lacks {', '.join(absent)}; export those keys too"
            )
        arrays: dict[str, Any] = {
            field: read_array(group[dataset]) for dataset, (field, _) in _DATASETS.items()
        }
    where = f"image {name!r} in {shown!r}"
    n = arrays["xy"].shape[:1]
    for dataset, (field, tail) in _DATASETS.items():
        if arrays[field].shape != (*n, *tail) or not n:
            raise InputError(
                f"{dataset} of {where} must be {(*n, *tail)}; got "
                f"{arrays[field].shape}; export it with SIFT's descriptors, (N, 128)"
            )
    return foreign_features(where, **arrays, image_size=image_size, provider="glue-factory")
