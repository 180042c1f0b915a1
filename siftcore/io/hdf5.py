"""Features in HDF5, in the layout of hloc (Hierarchical-Localization).

One group an image, named after the image; a ``/`` in the name nests groups. In it:

================ ================== ==========================================================
``keypoints``    (N, 2) float32     x and y in pixels, pixel centres at integers
``scores``       (N,) float32       `Features.response`
``descriptors``  (128, N) float32   one column a keypoint
``scales``       (N,) float32       `Features.sigma`, in pixels
``oris``         (N,) float32       `Features.angle`, in degrees
``image_size``   (2,) int64         width, height
``angle``        (N,) float32       radians, so that reading gives back every bit
``octave``       (N,) int16         `Features.octave`
``level``        (N,) float32       `Features.level`
================ ================== ==========================================================

The last three are ours: hloc hands every dataset of a group to its matcher as a tensor, so what
we add is numeric and directly in the group; the provider's name is an attribute of the group.
Whether descriptors are SIFT or RootSIFT is an attribute of the file, ``descriptor``, where the
writer knew it.

hloc itself stores all floats as float16 by default. Its step is 1 pixel beyond x = 1024 and 2
beyond 2048, so nothing here is float16; readers take any dtype.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Mapping
from typing import Any, cast, get_args, overload

import numpy as np

from siftcore.errors import InputError, InputTypeError
from siftcore.io._hdf5_file import create_hdf5, open_hdf5, read_array
from siftcore.io.foreign import checked_features
from siftcore.io.image_names import ImageNames
from siftcore.params import DescriptorKind
from siftcore.types import Features
from siftcore.validation import check_choice

__all__ = [
    "count_features",
    "list_features",
    "read_descriptor_kind",
    "read_features",
    "write_features",
]

_KIND = "descriptor"
_DATASET_OF_FIELD = {
    "xy": "keypoints",
    "sigma": "scales",
    "angle": "angle",
    "response": "scores",
    "octave": "octave",
    "level": "level",
    "descriptors": "descriptors",
}


def write_features(
    path: str | os.PathLike[str],
    features: Mapping[str, Features] | Iterable[tuple[str, Features]],
    descriptor: DescriptorKind | None = None,
) -> None:
    """Write the features of one or more images to one HDF5 file that hloc reads.

    The file appears when all images are in it; until then, and on any error, a file that was at
    `path` stays as it was. The same features give the same bytes.

    Parameters
    ----------
    path : str or path-like
        The file to make or replace.
    features : mapping or iterable of (str, Features)
        Image names, relative and with ``/`` between folders, and their features. An iterable is
        taken one by one, so that a generator holds one image's features at a time.
    descriptor : {"sift", "rootsift"}, optional
        What all descriptors are, as an attribute of the file, for `read_descriptor_kind`; it is
        ``params.descriptor`` of the extraction.

    Raises
    ------
    InputError
        When a name is empty, absolute, given twice, or would nest inside another image's group.
    InputTypeError
        When a name is no text, or what stands with it no `Features`.
    OutputError
        When the file cannot be written.
    MissingDependencyError
        Without h5py.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_features(f"{folder}/f.h5", {"db/1.jpg": Features.empty((640, 480), "dog")})
    ...     read_features(f"{folder}/f.h5", "db/1.jpg")
    Features(0 keypoints, image 640x480, provider='dog')
    """
    if descriptor is not None:
        check_choice("descriptor", descriptor, get_args(DescriptorKind))
    pairs = features.items() if isinstance(features, Mapping) else features
    names = ImageNames()
    with create_hdf5(path) as (file, raise_error):
        if descriptor is not None:
            file.attrs[_KIND] = descriptor
        for name, image_features in pairs:
            names.add(name)
            _write_group(file.create_group(name), image_features)
            raise_error()


@overload
def read_features(path: str | os.PathLike[str], name: str) -> Features: ...  # type: ignore[overload-overlap]
@overload
def read_features(path: str | os.PathLike[str], name: Iterable[str]) -> dict[str, Features]: ...
def read_features(
    path: str | os.PathLike[str], name: str | Iterable[str]
) -> Features | dict[str, Features]:
    """Read features from a file of `write_features`, equal to the last bit.

    Parameters
    ----------
    path : str or path-like
        The file.
    name : str or iterable of str
        The image or images, as `list_features` gives them.

    Returns
    -------
    Features, or dict of str to Features
        The dict for several names, in their order.

    Raises
    ------
    InputError
        When the file cannot be read, has no such image, or lacks what siftcore adds to the layout.
    MissingDependencyError
        Without h5py.
    """
    if not isinstance(name, str):
        return {each: read_features(path, each) for each in name}
    with open_hdf5(path, "features", "hloc") as file:
        group = file.get(name) if name.strip("/") else None
        if group is None or not _is_image(group):
            raise InputError(f"{os.fspath(path)!r} has no image {name!r}; {_hint(file, name)}")
        wanted = [*_DATASET_OF_FIELD.values(), "image_size"]
        absent = [dataset for dataset in wanted if dataset not in group]
        if absent or "provider" not in group.attrs:
            raise InputError(
                f"image {name!r} in {os.fspath(path)!r} lacks {', '.join(absent) or 'provider'}: "
                "siftcore did not write it; extract it again with siftcore"
            )
        arrays = {field: read_array(group[dataset]) for field, dataset in _DATASET_OF_FIELD.items()}
        arrays["descriptors"] = arrays["descriptors"].T
        width, height = (int(side) for side in read_array(group["image_size"]))
        provider = group.attrs["provider"]
        if not isinstance(provider, str):
            raise TypeError(f"the provider's name is {type(provider).__name__}, not text")
        # h5py gives bytes that are no UTF-8 as text that can be neither printed nor written.
        provider.encode()
        where = f"image {name!r} in {os.fspath(path)!r}"
        return checked_features(where, arrays, (width, height), provider)


def read_descriptor_kind(path: str | os.PathLike[str]) -> DescriptorKind | None:
    """Whether the descriptors of a feature file are SIFT or RootSIFT.

    Parameters
    ----------
    path : str or path-like
        A file of `write_features`, or of hloc.

    Returns
    -------
    {"sift", "rootsift"} or None
        None where the file does not say it.

    Raises
    ------
    InputError
        When the file cannot be read.
    MissingDependencyError
        Without h5py.
    """
    with open_hdf5(path, "features", "hloc") as file:
        kind = file.attrs.get(_KIND)
        known = isinstance(kind, str) and kind in get_args(DescriptorKind)
        return cast("DescriptorKind", kind) if known else None


def list_features(path: str | os.PathLike[str]) -> tuple[str, ...]:
    """Names of the images in a feature file, sorted.

    Parameters
    ----------
    path : str or path-like
        A file of `write_features` or of hloc.

    Returns
    -------
    tuple of str

    Raises
    ------
    InputError
        When the file cannot be read.
    MissingDependencyError
        Without h5py.
    """
    with open_hdf5(path, "features", "hloc") as file:
        return _names(file)


def count_features(path: str | os.PathLike[str]) -> dict[str, int]:
    """Number of keypoints of each image in a feature file, without reading them.

    Parameters
    ----------
    path : str or path-like
        A file of `write_features` or of hloc.

    Returns
    -------
    dict of str to int
        Sorted by name.

    Raises
    ------
    InputError
        When the file cannot be read.
    MissingDependencyError
        Without h5py.
    """
    with open_hdf5(path, "features", "hloc") as file:
        return {name: len(file[name]["keypoints"]) for name in _names(file)}


def _write_group(group: Any, features: Features) -> None:
    if not isinstance(features, Features):
        raise InputTypeError(
            f"features of {group.name[1:]!r} must be Features, as siftcore.extract returns; got "
            f"{type(features).__name__}"
        )
    for field, dataset in _DATASET_OF_FIELD.items():
        array = getattr(features, field)
        group.create_dataset(dataset, data=array.T if field == "descriptors" else array)
    group.create_dataset("oris", data=np.rad2deg(features.angle))
    group.create_dataset("image_size", data=np.asarray(features.image_size, np.int64))
    group.attrs["provider"] = features.provider


def _is_image(node: Any) -> bool:
    # A folder of images may itself be called "keypoints", so it has to be a dataset.
    return hasattr(node, "keys") and hasattr(node.get("keypoints"), "shape")


def _names(file: Any) -> tuple[str, ...]:
    found: list[str] = []

    def visit(name: str, node: Any) -> None:
        if _is_image(node):
            found.append(name)

    file.visititems(visit)
    return tuple(sorted(found))


def _hint(file: Any, name: str) -> str:
    names = _names(file)
    if not names:
        return "it holds no image at all"
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.5) or names[:3]
    return f"it holds {len(names)}, such as {', '.join(map(repr, close))}"
