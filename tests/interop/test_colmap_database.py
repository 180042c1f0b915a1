"""COLMAP's database, through pycolmap and through files of COLMAP 3."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import siftcore
from siftcore import Features, InputError, OutputError
from siftcore.descriptor_layouts import bytes_from_unit, root_sift
from siftcore.io.colmap_database import ColmapDatabase

pycolmap = pytest.importorskip("pycolmap", reason="needs pycolmap")


@pytest.fixture(scope="module")
def features() -> Features:
    camera = pytest.importorskip("skimage.data").camera()
    return siftcore.extract(camera[100:228, 180:340], params="colmap")


@pytest.fixture
def path(tmp_path: Path, features: Features) -> Path:
    """A camera, two images with the same features, and one without any."""
    path = tmp_path / "database.db"
    with ColmapDatabase(path) as database:
        camera = database.add_camera(160, 128)
        for name in ("a.jpg", "folder/b.jpg"):
            database.write_features(database.add_image(name, camera), features)
        empty = database.add_image("c.jpg", camera)
        database.write_features(empty, Features.empty((160, 128), "dog"))
    return path


def opened(path: Path) -> Any:
    return pycolmap.Database.open(str(path))


def test_pycolmap_reads_keypoints_and_descriptors(path: Path, features: Features) -> None:
    database = opened(path)
    try:
        assert [image.name for image in database.read_all_images()] == [
            "a.jpg",
            "folder/b.jpg",
            "c.jpg",
        ]
        keypoints = database.read_keypoints(1)
        np.testing.assert_array_equal(keypoints[:, :2], features.xy + np.float32(0.5))
        np.testing.assert_array_equal(keypoints[:, 2], features.sigma)
        np.testing.assert_array_equal(keypoints[:, 3], features.angle)
        descriptors = database.read_descriptors(2)
        assert descriptors.type == pycolmap.FeatureExtractorType.SIFT
        np.testing.assert_array_equal(descriptors.data, bytes_from_unit(features.descriptors))
        assert len(database.read_keypoints(3)) == 0
        assert (database.num_rigs(), database.num_frames(), database.num_cameras()) == (1, 3, 1)
        camera = database.read_camera(1)
        assert camera.params.tolist() == [1.2 * 160, 80.0, 64.0, 0.0]
        assert not camera.has_prior_focal_length
    finally:
        database.close()


def test_schema_is_that_of_pycolmap(path: Path, tmp_path: Path) -> None:
    opened(tmp_path / "theirs.db").close()
    columns = []
    for file in (path, tmp_path / "theirs.db"):
        connection = sqlite3.connect(file)
        tables = sorted(
            row[0]
            for row in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")
        )
        columns.append(
            {t: [c[1:4] for c in connection.execute(f"PRAGMA table_info({t})")] for t in tables}
        )
        connection.close()
    assert columns[0] == columns[1]


def test_features_come_back(path: Path, features: Features) -> None:
    with ColmapDatabase(path) as database:
        for name in ("a.jpg", "folder/b.jpg"):
            back = database.read_features(name)
            np.testing.assert_allclose(back.xy, features.xy, atol=2e-5)
            np.testing.assert_array_equal(back.sigma, features.sigma)
            np.testing.assert_array_equal(back.angle, features.angle)
            cosine = (back.descriptors * features.descriptors).sum(axis=1)
            assert cosine.min() > 0.999
            assert back.image_size == (160, 128)
        assert len(database.read_features("c.jpg")) == 0


def test_what_pycolmap_writes_is_read(tmp_path: Path) -> None:
    path = tmp_path / "theirs.db"
    database = opened(path)
    camera = pycolmap.Camera(model="SIMPLE_PINHOLE", width=64, height=48, params=[50, 32, 24])
    number = database.write_camera(camera)
    affine = np.array([[10.5, 20.5, 0.0, -3.0, 3.0, 0.0]], np.float32)
    keypoints = np.array([[10.5, 20.5, 2.0, -0.5]], np.float32)
    data = np.full((1, 128), 45, np.uint8)
    for name, rows in (("a.jpg", keypoints), ("folder/b.jpg", affine)):
        image = database.write_image(pycolmap.Image(name=name, camera_id=number))
        database.write_keypoints(image, rows)
        database.write_descriptors(
            image, pycolmap.FeatureDescriptors(type=pycolmap.FeatureExtractorType.SIFT, data=data)
        )
    database.close()
    with ColmapDatabase(path) as ours:
        a, b = ours.read_features("a.jpg"), ours.read_features("folder/b.jpg")
    assert a.xy.tolist() == [[10.0, 20.0]]
    np.testing.assert_allclose(a.angle, 2 * np.pi - 0.5, rtol=1e-6)
    np.testing.assert_allclose([b.sigma[0], b.angle[0]], [3.0, np.pi / 2], rtol=1e-6)
    np.testing.assert_allclose(a.descriptors, 1 / np.sqrt(128), rtol=1e-6)


def test_matches_in_either_order(path: Path) -> None:
    pairs = np.array([[0, 3], [2, 1]])
    with ColmapDatabase(path) as database:
        database.write_matches(2, 1, pairs)
        np.testing.assert_array_equal(database.read_matches(2, 1), pairs)
        np.testing.assert_array_equal(database.read_matches(1, 2), pairs[:, ::-1])
        assert database.read_matches(1, 3).shape == (0, 2)
    database = opened(path)
    np.testing.assert_array_equal(database.read_matches(1, 2), pairs[:, ::-1])
    database.close()


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_geometry_maps_colmap_pixels(path: Path, order: tuple[int, int]) -> None:
    """A fundamental matrix and a homography, through pycolmap, in its pixels and its order."""
    rng = np.random.default_rng(1)
    model = np.array([[1.1, 0.1, 5.0], [-0.2, 0.9, 3.0], [1e-4, 2e-4, 1.0]])
    a = np.column_stack([rng.uniform(0, 100, (8, 2)), np.ones(8)])
    b = a @ model.T
    b /= b[:, 2:]
    epipole = np.array([30.0, 200.0, 1.0])
    cross = np.array([[0, -1, epipole[1]], [1, 0, -epipole[0]], [-epipole[1], epipole[0], 0]])
    fundamental = cross @ model
    shift = np.array([0.5, 0.5, 0.0])
    first, second = (a + shift, b + shift) if order == (1, 2) else (b + shift, a + shift)
    for kwargs in ({"homography": model}, {"fundamental": fundamental}):
        with ColmapDatabase(path) as ours:
            ours.write_two_view_geometry(*order, [[0, 1], [2, 2]], **kwargs)
            np.testing.assert_array_equal(ours.read_inliers(*order), [[0, 1], [2, 2]])
        database = opened(path)
        geometry = database.read_two_view_geometry(1, 2)
        database.close()
        kinds = pycolmap.TwoViewGeometryConfiguration
        if "homography" in kwargs:
            assert geometry.config == kinds.PLANAR_OR_PANORAMIC
            mapped = first @ np.asarray(geometry.H).T
            np.testing.assert_allclose(mapped[:, :2] / mapped[:, 2:], second[:, :2], atol=1e-6)
        else:
            assert geometry.config == kinds.UNCALIBRATED
            F = np.asarray(geometry.F)
            residual = np.einsum("ni,ij,nj->n", second, F, first)
            assert np.abs(residual).max() < 1e-8 * np.abs(F).max() * 1e4


def test_sift_is_turned_into_root_sift(tmp_path: Path, crop: np.ndarray) -> None:
    sift = siftcore.extract(crop)
    with ColmapDatabase(tmp_path / "d.db") as database:
        image = database.add_image("a.png", database.add_camera(160, 128))
        database.write_features(image, sift, kind="sift")
        back = database.read_features("a.png")
    np.testing.assert_allclose(back.descriptors, root_sift(sift.descriptors), atol=2 / 512)


def _as_colmap_3(path: Path) -> None:
    connection = sqlite3.connect(path)
    with connection:
        for table in ("frame_data", "frames", "rig_sensors", "rigs", "pose_priors"):
            connection.execute(f"DROP TABLE {table}")
        connection.execute("ALTER TABLE descriptors DROP COLUMN type")
        connection.execute("PRAGMA user_version = 3900")
    connection.close()


def test_files_of_colmap_3_are_read_and_appended(path: Path, features: Features) -> None:
    _as_colmap_3(path)
    with ColmapDatabase(path) as database:
        np.testing.assert_allclose(database.read_features("a.jpg").xy, features.xy, atol=2e-5)
        image = database.add_image("d.jpg", database.add_camera(160, 128))
        database.write_features(image, features)
        assert len(database.read_features("d.jpg")) == len(features)
    database = opened(path)
    assert database.read_descriptors(4).data.shape == (len(features), 128)
    database.close()


def add_and_fail(path: Path) -> None:
    with ColmapDatabase(path) as database:
        database.add_image("z.jpg", database.add_camera(10, 10))
        raise ZeroDivisionError


def test_nothing_is_kept_of_a_block_that_raises(tmp_path: Path, path: Path) -> None:
    new = tmp_path / "new.db"
    with pytest.raises(ZeroDivisionError):
        add_and_fail(new)
    assert not new.exists()
    with pytest.raises(ZeroDivisionError):
        add_and_fail(path)
    with ColmapDatabase(path) as database:
        assert "z.jpg" not in [image.name for image in database.images()]


def test_bad_files_are_refused(tmp_path: Path, path: Path) -> None:
    (tmp_path / "text.db").write_text("no database, " * 100)
    with pytest.raises(InputError, match="COLMAP database"):
        ColmapDatabase(tmp_path / "text.db")
    connection = sqlite3.connect(tmp_path / "other.db")
    connection.execute("CREATE TABLE songs (name TEXT)")
    connection.close()
    with pytest.raises(InputError, match="not a COLMAP database"):
        ColmapDatabase(tmp_path / "other.db")
    with pytest.raises(OutputError, match="missing"):
        ColmapDatabase(tmp_path / "missing" / "d.db")
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("UPDATE keypoints SET data = substr(data, 1, 7) WHERE image_id = 1")
        connection.execute("UPDATE descriptors SET type = 1 WHERE image_id = 2")
        connection.execute("DELETE FROM descriptors WHERE image_id = 3")
    connection.close()
    with ColmapDatabase(path) as database:
        for name, reason in (
            ("a.jpg", "damaged"),
            ("folder/b.jpg", "not SIFT"),
            ("c.jpg", "no descriptors"),
            ("nowhere.jpg", "no image"),
        ):
            with pytest.raises(InputError, match=reason):
                database.read_features(name)


def test_bad_arguments_are_refused(path: Path, features: Features) -> None:
    with ColmapDatabase(path) as database:
        for action, reason in (
            (lambda: database.add_image("a.jpg", 1), "already"),
            (lambda: database.add_image("n.jpg", 9), "no camera 9"),
            (lambda: database.write_features(9, features), "no image 9"),
            (lambda: database.write_matches(1, 1, [[0, 0]]), "two images"),
            (lambda: database.write_matches(1, 2, [[0, 10**6]]), "which has"),
            (lambda: database.write_matches(1, 2, [[-1, 0]]), "which has"),
            (lambda: database.add_camera(10, 10, "LENS"), "model"),
            (lambda: database.add_camera(10, 10, "PINHOLE", [1.0]), "takes 4"),
            (lambda: database.write_two_view_geometry(1, 2, [[0, 0]]), "homography or"),
        ):
            with pytest.raises(InputError, match=reason):
                action()
