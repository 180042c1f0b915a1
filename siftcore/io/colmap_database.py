"""COLMAP's SQLite database: cameras, images, keypoints, descriptors, matches.

Needs nothing but Python's own sqlite3; COLMAP 4 and pycolmap open, match and reconstruct from it.
Each image gets a frame of its own, each camera a rig, as COLMAP's own extraction makes them.

Keypoints are stored as x + 0.5, y + 0.5, sigma, angle; descriptors as RootSIFT in bytes.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from siftcore.coordinates import colmap_xy, shape_from_colmap_affine, xy_from_colmap
from siftcore.descriptor_layouts import bytes_from_unit, root_sift, unit_from_bytes
from siftcore.errors import InputError
from siftcore.io._colmap_pairs import ColmapPairs
from siftcore.io._colmap_schema import MODELS, SIFT_TYPE, has_table
from siftcore.io.foreign import foreign_features
from siftcore.types import Features
from siftcore.validation import check_choice

__all__ = ["ColmapDatabase", "ColmapImage"]

# COLMAP's guess where the EXIF data say nothing.
_FOCAL_PER_SIDE = 1.2
_FOV_ANGLE = 0.01
_CAMERA_SENSOR = 0
_DIMENSION = 128


def _guessed(model: str, count: int, width: int, height: int) -> NDArray[np.float64]:
    """COLMAP's parameters of a camera that nothing is known of."""
    n_focal = 1 if model.startswith(("SIMPLE_", "RADIAL")) else 2
    values = np.zeros(count)
    values[:n_focal] = _FOCAL_PER_SIDE * max(width, height)
    values[n_focal : n_focal + 2] = width / 2, height / 2
    if model == "FOV":
        # Its formulas divide by the angle.
        values[-1] = _FOV_ANGLE
    return values


class ColmapImage(NamedTuple):
    """One row of the table of images."""

    image_id: int
    name: str
    camera_id: int


class ColmapDatabase(ColmapPairs):
    """A database that is opened, or made where there is none.

    Used in a ``with`` block: what was written is kept when the block ends, all of it, and none of
    it when the block raises.

    Parameters
    ----------
    path : str or path-like

    Raises
    ------
    InputError
        When the file is not a COLMAP database.
    OutputError
        When there is no file and none can be made.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with ColmapDatabase(f"{folder}/database.db") as database:
    ...         camera = database.add_camera(640, 480)
    ...         image = database.add_image("1.jpg", camera)
    ...         database.write_features(image, Features.empty((640, 480), "dog"))
    ...         database.read_features("1.jpg")
    Features(0 keypoints, image 640x480, provider='colmap')
    """

    def add_camera(
        self,
        width: int,
        height: int,
        model: str = "SIMPLE_RADIAL",
        params: ArrayLike | None = None,
    ) -> int:
        """Add a camera, and a rig of it alone.

        Parameters
        ----------
        width, height : int
            Of its images, in pixels.
        model : str
            COLMAP's name for the model.
        params : array_like, optional
            In COLMAP's order, the principal point in its pixels (centre of the first: 0.5). They
            are then taken as known beforehand. By default a guess that reconstruction refines:
            1.2 times the long side for each focal length, the image's centre, no distortion.

        Returns
        -------
        int
            Number of the camera.
        """
        check_choice("model", model, tuple(MODELS))
        number, count = MODELS[model]
        if params is None:
            values = _guessed(model, count, width, height)
        else:
            values = np.asarray(params, np.float64)
        if values.shape != (count,):
            raise InputError(f"{model} takes {count} params; got an array of {values.shape}")
        row = (number, int(width), int(height), values.tobytes(), int(params is not None))
        camera_id = self.insert(
            "cameras", ("model", "width", "height", "params", "prior_focal_length"), row
        )
        if has_table(self._connection, "rigs"):
            self.insert("rigs", ("ref_sensor_id", "ref_sensor_type"), (camera_id, _CAMERA_SENSOR))
        return camera_id

    def add_image(self, name: str, camera_id: int) -> int:
        """Add an image, and a frame of it alone.

        Parameters
        ----------
        name : str
            Path relative to the folder of images, with ``/``.
        camera_id : int
            As `add_camera` gave it.

        Returns
        -------
        int
            Number of the image.

        Raises
        ------
        InputError
            When the name is taken, or there is no such camera.
        """
        if self.select_one("SELECT 1 FROM images WHERE name = ?", name) is not None:
            raise InputError(f"{self._path!r} already has an image {name!r}")
        if self.select_one("SELECT 1 FROM cameras WHERE camera_id = ?", int(camera_id)) is None:
            raise InputError(f"{self._path!r} has no camera {camera_id}; add_camera gives one")
        image_id = self.insert("images", ("name", "camera_id"), (name, int(camera_id)))
        if has_table(self._connection, "frames"):
            rig = self.select_one(
                "SELECT rig_id FROM rigs WHERE ref_sensor_id = ? AND ref_sensor_type = ?",
                int(camera_id),
                _CAMERA_SENSOR,
            )
            if rig is None:
                raise InputError(
                    f"camera {camera_id} is no rig's first camera; add its images with pycolmap"
                )
            frame_id = self.insert("frames", ("rig_id",), rig)
            self.insert(
                "frame_data",
                ("frame_id", "data_id", "sensor_id", "sensor_type"),
                (frame_id, image_id, int(camera_id), _CAMERA_SENSOR),
            )
        return image_id

    def images(self) -> tuple[ColmapImage, ...]:
        """All images, by number."""
        query = "SELECT image_id, name, camera_id FROM images ORDER BY image_id"
        found = tuple(ColmapImage(*row) for row in self.select(query))
        for image in found:
            if not (isinstance(image.name, str) and isinstance(image.image_id, int)):
                raise InputError(f"{self._path!r}: {image} is no image; the database is damaged")
        return found

    def write_features(
        self, image_id: int, features: Features, kind: Literal["sift", "rootsift"] = "rootsift"
    ) -> None:
        """Write or replace an image's keypoints and descriptors.

        Parameters
        ----------
        image_id : int
            As `add_image` gave it.
        features : Features
        kind : {"sift", "rootsift"}
            What `features.descriptors` are: ``SiftParams.descriptor`` of their extraction. COLMAP
            compares RootSIFT, so "sift" is turned into it.
        """
        check_choice("kind", kind, ("sift", "rootsift"))
        self.check_image(image_id)
        keypoints = np.column_stack([colmap_xy(features.xy), features.sigma, features.angle])
        vectors = features.descriptors if kind == "rootsift" else root_sift(features.descriptors)
        self.write_array("keypoints", "image_id", image_id, keypoints.astype("<f4"))
        typed = self.has_column("descriptors", "type")
        self.write_array(
            "descriptors",
            "image_id",
            image_id,
            bytes_from_unit(vectors),
            **({"type": SIFT_TYPE} if typed else {}),
        )

    def read_features(self, name: str) -> Features:
        """One image's features.

        Parameters
        ----------
        name : str
            As in `images`.

        Returns
        -------
        Features
            In the order of the database. `descriptors` are RootSIFT unless COLMAP was told
            otherwise, of L2 norm 1; `response`, `octave` and `level` are not stored and are 0.

        Raises
        ------
        InputError
            When the image, its keypoints or its descriptors are missing or damaged, or the
            descriptors are not SIFT.
        """
        row = self.select_one(
            "SELECT i.image_id, c.width, c.height FROM images i JOIN cameras c "
            "ON i.camera_id = c.camera_id WHERE i.name = ?",
            name,
        )
        if row is None:
            raise InputError(f"{self._path!r} has no image {name!r}, or not its camera")
        image_id, width, height = row
        if not (isinstance(width, int) and isinstance(height, int)):
            raise InputError(f"{self._path!r}: the camera of {name!r} has no size; it is damaged")
        where = f"image {name!r} in {self._path!r}"
        keypoints = self.read_array("keypoints", "image_id", image_id, "<f4", where)
        descriptors = self.read_array("descriptors", "image_id", image_id, "u1", where)
        if self.has_column("descriptors", "type"):
            kind = self.select_one("SELECT type FROM descriptors WHERE image_id = ?", image_id)
            if kind is not None and kind[0] not in (SIFT_TYPE, None):
                raise InputError(f"{where}: descriptors of type {kind[0]}, not SIFT (0)")
        if len(descriptors) and descriptors.shape[1] != _DIMENSION:
            raise InputError(f"{where}: descriptors of {descriptors.shape[1]} bytes, not 128")
        sigma: NDArray[Any]
        angle: NDArray[Any]
        if keypoints.shape[1] == 4:
            sigma, angle = keypoints[:, 2], keypoints[:, 3]
        elif keypoints.shape[1] == 6:
            sigma, angle = shape_from_colmap_affine(keypoints[:, 2:])
        elif len(keypoints) == 0:
            sigma = angle = np.zeros(0)
        else:
            raise InputError(
                f"{where}: keypoints of {keypoints.shape[1]} columns have no scale and angle; "
                "4 or 6 were expected"
            )
        return foreign_features(
            where,
            xy=xy_from_colmap(keypoints[:, :2]),
            sigma=sigma,
            angle=angle,
            descriptors=unit_from_bytes(descriptors),
            image_size=(int(width), int(height)),
            provider="colmap",
        )
