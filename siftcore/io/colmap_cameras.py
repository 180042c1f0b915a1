"""Cameras of photographs in a COLMAP database: one each, one a folder, or one for all."""

from __future__ import annotations

import importlib
import os
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Literal

from siftcore.errors import ImageReadError, InputError, MissingDependencyError
from siftcore.validation import check_choice

if TYPE_CHECKING:
    from siftcore.io.colmap_database import ColmapDatabase

__all__ = ["CameraMode", "Cameras"]

CameraMode = Literal["image", "folder", "single"]


class Cameras:
    """The cameras of a database, added when the first image of each comes.

    Parameters
    ----------
    database : ColmapDatabase
    mode : {"image", "folder", "single"}
        Whether each image has a camera of its own, all images of one folder share one, or all
        images do. Those that share one must have the same size.
    model : str, default "SIMPLE_RADIAL"
        COLMAP's name for the model.
    images : path, optional
        The folder of the images. pycolmap then reads the focal length from their EXIF data, of a
        shared camera from its first image; what EXIF does not say is guessed as COLMAP does.
        Without it all are guessed.
    """

    def __init__(
        self,
        database: ColmapDatabase,
        mode: CameraMode = "image",
        model: str = "SIMPLE_RADIAL",
        images: str | os.PathLike[str] | None = None,
    ) -> None:
        check_choice("mode", mode, ("image", "folder", "single"))
        self._database = database
        self._mode = mode
        self._model = model
        self._images = None if images is None else os.fspath(images)
        self._made: dict[str, tuple[int, tuple[int, int]]] = {}

    def __len__(self) -> int:
        return len(self._made)

    def of_image(self, name: str, size: tuple[int, int]) -> int:
        """The number of an image's camera.

        Parameters
        ----------
        name : str
            Path below the folder of images, with ``/``.
        size : (int, int)
            Width and height, as in `Features.image_size`.

        Raises
        ------
        InputError
            When the image's size is not that of its camera or of its file.
        ImageReadError
            When the file cannot be read.
        MissingDependencyError
            Without pycolmap, where a folder of images was given.
        """
        key = {"image": name, "folder": str(PurePosixPath(name).parent), "single": ""}[self._mode]
        if key not in self._made:
            params = None if self._images is None else self._known_params(name, size)
            number = self._database.add_camera(*size, self._model, params)
            self._made[key] = number, size
        number, shared = self._made[key]
        if shared != size:
            raise InputError(
                f"{name!r} is {size[0]} x {size[1]} and cannot share a camera of "
                f"{shared[0]} x {shared[1]}; give each image its own"
            )
        return number

    def _known_params(self, name: str, size: tuple[int, int]) -> Any:
        """What EXIF knows, or None."""
        assert self._images is not None
        path = os.path.join(self._images, name)
        if not os.path.isfile(path):
            raise ImageReadError(path, "there is no such file; give the folder of the images")
        pycolmap = _import_pycolmap()
        options = pycolmap.ImageReaderOptions()
        options.camera_model = self._model
        try:
            camera = pycolmap.infer_camera_from_image(path, options)
        except (RuntimeError, ValueError) as error:
            raise ImageReadError(path, f"pycolmap cannot read it: {error}") from error
        if (camera.width, camera.height) != size:
            raise InputError(
                f"{path!r} is {camera.width} x {camera.height}, but its features are of an image "
                f"of {size[0]} x {size[1]}; extract them anew"
            )
        return camera.params if camera.has_prior_focal_length else None


def _import_pycolmap() -> Any:
    # First, as pycolmap brings a zlib of its own that would crash Pillow's PNG encoder.
    importlib.import_module("PIL.Image")
    try:
        return importlib.import_module("pycolmap")
    except ImportError as error:
        raise MissingDependencyError(
            "pycolmap", "reading focal lengths from EXIF data", "colmap"
        ) from error
