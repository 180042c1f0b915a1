"""Tables of COLMAP's database: what is in a new one, and what is in the one at hand.

The columns are those of COLMAP 4 (its documentation, "Database Format", and the schema of a file
that pycolmap 4.2.1 makes). Files of COLMAP 3 lack rigs, frames and ``descriptors.type``; statements
therefore name their columns.
"""

from __future__ import annotations

import sqlite3

from siftcore.errors import InputError

__all__ = ["MODELS", "SIFT_TYPE", "create_tables", "has_table", "pair_id"]

# COLMAP compares it with its own version to find out what to migrate.
_USER_VERSION = 4020100
_MAX_IMAGES = 2147483647
SIFT_TYPE = 0

# Name: number in the database, and how many parameters it has.
MODELS: dict[str, tuple[int, int]] = {
    "SIMPLE_PINHOLE": (0, 3),
    "PINHOLE": (1, 4),
    "SIMPLE_RADIAL": (2, 4),
    "RADIAL": (3, 5),
    "OPENCV": (4, 8),
    "OPENCV_FISHEYE": (5, 8),
    "FULL_OPENCV": (6, 12),
    "FOV": (7, 5),
    "SIMPLE_RADIAL_FISHEYE": (8, 4),
    "RADIAL_FISHEYE": (9, 5),
    "THIN_PRISM_FISHEYE": (10, 12),
}

_ID = "INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL"
_INT = "INTEGER NOT NULL"
_IMAGE = "FOREIGN KEY(image_id) REFERENCES images(image_id) ON DELETE CASCADE"
_RIG = "FOREIGN KEY(rig_id) REFERENCES rigs(rig_id) ON DELETE CASCADE"
_FRAME = "FOREIGN KEY(frame_id) REFERENCES frames(frame_id) ON DELETE CASCADE"

_TABLES = {
    "rigs": f"rig_id {_ID}, ref_sensor_id {_INT}, ref_sensor_type {_INT}",
    "rig_sensors": f"rig_id {_INT}, sensor_id {_INT}, sensor_type {_INT}, sensor_from_rig BLOB, "
    + _RIG,
    "cameras": f"camera_id {_ID}, model {_INT}, width {_INT}, height {_INT}, params BLOB, "
    f"prior_focal_length {_INT}",
    "frames": f"frame_id {_ID}, rig_id {_INT}, {_RIG}",
    "frame_data": f"frame_id {_INT}, data_id {_INT}, sensor_id {_INT}, sensor_type {_INT}, "
    + _FRAME,
    "images": f"image_id {_ID}, name TEXT NOT NULL UNIQUE, camera_id {_INT}, "
    f"CONSTRAINT image_id_check CHECK(image_id >= 0 and image_id < {_MAX_IMAGES}), "
    "FOREIGN KEY(camera_id) REFERENCES cameras(camera_id)",
    "pose_priors": f"pose_prior_id INTEGER PRIMARY KEY NOT NULL, corr_data_id {_INT}, "
    f"corr_sensor_id {_INT}, corr_sensor_type {_INT}, position BLOB, position_covariance BLOB, "
    f"gravity BLOB, coordinate_system {_INT}",
    "keypoints": f"image_id INTEGER PRIMARY KEY NOT NULL, rows {_INT}, cols {_INT}, data BLOB, "
    + _IMAGE,
    "descriptors": f"image_id INTEGER PRIMARY KEY NOT NULL, type {_INT}, rows {_INT}, "
    f"cols {_INT}, data BLOB, {_IMAGE}",
    "matches": f"pair_id INTEGER PRIMARY KEY NOT NULL, rows {_INT}, cols {_INT}, data BLOB",
    "two_view_geometries": f"pair_id INTEGER PRIMARY KEY NOT NULL, rows {_INT}, cols {_INT}, "
    f"data BLOB, config {_INT}, F BLOB, E BLOB, H BLOB, qvec BLOB, tvec BLOB, camera1 BLOB, "
    "camera2 BLOB",
}
_INDEXES = {
    "rig_ref_sensor_assignment": "rigs(ref_sensor_id, ref_sensor_type)",
    "rig_sensor_assignment": "rig_sensors(sensor_id, sensor_type)",
    "frame_sensor_assignment": "frame_data(data_id, sensor_type)",
    "pose_prior_data_assignment": "pose_priors(corr_data_id, corr_sensor_id, corr_sensor_type)",
    "index_name": "images(name)",
}


def create_tables(connection: sqlite3.Connection) -> None:
    """Make the tables of COLMAP 4 in an empty file, inside the open transaction."""
    for name, columns in _TABLES.items():
        connection.execute(f"CREATE TABLE {name} ({columns})")
    for name, target in _INDEXES.items():
        connection.execute(f"CREATE UNIQUE INDEX {name} ON {target}")
    connection.execute(f"PRAGMA user_version = {_USER_VERSION}")


def has_table(connection: sqlite3.Connection, name: str) -> bool:
    """Whether the file has a table of that name."""
    query = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
    return connection.execute(query, (name,)).fetchone() is not None


def pair_id(image_a: int, image_b: int) -> tuple[int, bool]:
    """Number of a pair of images, and whether it is stored the other way round."""
    if image_a == image_b:
        raise InputError(f"a pair needs two images; got image {image_a} twice")
    low, high = sorted((image_a, image_b))
    return _MAX_IMAGES * low + high, image_a > image_b
