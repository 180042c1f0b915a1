"""From photographs and masks to a database that pycolmap verifies, by the command line alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

import siftcore
from siftcore import ImageReadError, InputError
from siftcore.cli import app
from siftcore.io._colmap_schema import MODELS
from siftcore.io.colmap_cameras import Cameras
from siftcore.io.colmap_database import ColmapDatabase
from siftcore.io.hdf5 import read_features, write_features

pytest.importorskip("h5py", reason="feature files need h5py")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def done(*arguments: object) -> str:
    result = run(*arguments)
    assert (result.exit_code, result.stderr) == (0, ""), result.stderr
    return result.stdout


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, camera: np.ndarray) -> Path:
    """Three views of one photograph in two folders, one of them with EXIF data."""
    monkeypatch.chdir(tmp_path)
    for name, column in (("a/1.jpg", 0), ("a/2.jpg", 20), ("b/3.jpg", 40)):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        exif = Image.Exif()
        if name == "a/2.jpg":
            exif.get_ifd(0x8769)[0xA405] = 50  # focal length for 35 mm film
        Image.fromarray(camera[100:260, column : column + 240]).save(path, quality=95, exif=exif)
    return tmp_path / "photos"


def test_the_whole_way(photos: Path) -> None:
    pycolmap = pytest.importorskip("pycolmap", reason="needs pycolmap")
    done("extract", "photos", "-o", "f.h5", "--preset", "colmap", "-n", 400)
    assert done("pairs", "f.h5", "-o", "p.txt") == "3 pairs of 3 images -> p.txt\n"
    done("match-pairs", "p.txt", "f.h5", "-o", "m.h5")
    told = done(
        *("to-colmap", "f.h5", "-o", "d.db", "--images", "photos"),
        *("--pairs", "p.txt", "--matches", "m.h5"),
    )
    assert told == "3 images, 3 cameras, 3 matched pairs -> d.db\n"

    pycolmap.logging.minloglevel = 2
    pycolmap.geometric_verification("d.db")
    features = read_features("f.h5", "a/1.jpg")
    with ColmapDatabase("d.db") as database:
        assert [image.name for image in database.images()] == ["a/1.jpg", "a/2.jpg", "b/3.jpg"]
        inliers = database.read_inliers(1, 3)
        again = database.read_features("a/1.jpg")
    np.testing.assert_array_equal(again.xy, features.xy)
    other = read_features("f.h5", "b/3.jpg")
    assert len(inliers) > 50
    shift = features.xy[inliers[:, 0]] - other.xy[inliers[:, 1]]
    np.testing.assert_allclose(np.median(shift, axis=0), [40, 0], atol=0.02)
    found = pycolmap.Database.open("d.db")
    known = [found.read_camera(number).has_prior_focal_length for number in (1, 2, 3)]
    expected = pycolmap.infer_camera_from_image("photos/a/2.jpg")
    np.testing.assert_array_equal(found.read_camera(2).params, expected.params)
    found.close()
    assert known == [False, True, False]


@pytest.mark.parametrize("model", MODELS)
def test_a_guessed_camera_is_colmaps(tmp_path: Path, model: str) -> None:
    pycolmap = pytest.importorskip("pycolmap", reason="needs pycolmap")
    Image.new("L", (160, 90)).save(tmp_path / "i.png")
    options = pycolmap.ImageReaderOptions()
    options.camera_model = model
    expected = pycolmap.infer_camera_from_image(tmp_path / "i.png", options)
    with ColmapDatabase(tmp_path / "d.db") as database:
        database.add_camera(160, 90, model)
    found = pycolmap.Database.open(tmp_path / "d.db")
    camera = found.read_camera(1)
    found.close()
    assert (camera.model.name, camera.has_prior_focal_length) == (model, False)
    np.testing.assert_array_equal(camera.params, expected.params)


def test_cameras_are_shared_as_asked(tmp_path: Path) -> None:
    names = ["x/1.png", "x/2.png", "y/3.png"]
    with ColmapDatabase(tmp_path / "d.db") as database:
        for mode, expected in (("image", 3), ("folder", 2), ("single", 1)):
            cameras = Cameras(database, mode)
            numbers = [cameras.of_image(name, (40, 30)) for name in names]
            assert len(set(numbers)) == len(cameras) == expected
        of_folders = Cameras(database, "folder")
        nested = ["1.png", "2.png", "x/3.png", "x/u/4.png", "x/v/5.png", "x/u/6.png"]
        numbers = [of_folders.of_image(name, (40, 30)) for name in nested]
        assert [numbers.index(number) for number in numbers] == [0, 0, 2, 3, 4, 3]
        for size in ((30, 40), (40, 31), (41, 30)):
            with pytest.raises(InputError, match=r"\d+ and cannot share a camera of 40 x 30"):
                cameras.of_image("z.png", size)
        with pytest.raises(InputError, match=r"mode must be one of .* got 'none'"):
            Cameras(database, "none")
        with pytest.raises(ImageReadError, match="give the folder of the images"):
            Cameras(database, images=tmp_path).of_image("z.png", (30, 40))


def test_an_image_of_another_size_is_told(tmp_path: Path) -> None:
    pytest.importorskip("pycolmap", reason="needs pycolmap")
    Image.new("L", (40, 30)).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_text("no image")
    with ColmapDatabase(tmp_path / "d.db") as database:
        cameras = Cameras(database, images=tmp_path)
        with pytest.raises(InputError, match=r"is 40 x 30, but .* of 30 x 40; extract them anew"):
            cameras.of_image("a.png", (30, 40))
        with pytest.raises(ImageReadError, match="pycolmap cannot read it"):
            cameras.of_image("b.png", (30, 40))


def test_mistakes_are_one_line_and_leave_no_database(photos: Path) -> None:
    done("extract", "photos", "-o", "f.h5", "-n", 50)
    Path("p.txt").write_text("a/1.jpg a/9.jpg\n")
    for arguments, words in (
        (["--matches", "m.h5"], "go together"),
        (["--pairs", "p.txt", "--matches", "f.h5"], "'a/9.jpg', which is not in 'f.h5'"),
        (["--camera", "none"], "'image', 'folder', 'single'"),
        (["--model", "none"], "'SIMPLE_PINHOLE'"),
        (["--images", "nowhere"], "give the folder of the images"),
    ):
        result = run("to-colmap", "f.h5", "-o", "d.db", *arguments)
        assert (result.exit_code, result.stdout) == (2, ""), arguments
        assert words in result.stderr
        assert result.stderr.count("\n") == 1
        assert not Path("d.db").exists()
    done("to-colmap", "f.h5", "-o", "d.db", "--camera", "single", "--model", "OPENCV")
    with ColmapDatabase("d.db") as database:
        rooted = database.read_features("a/1.jpg").descriptors
    plain = siftcore.extract("photos/a/1.jpg", max_keypoints=50, params=None).descriptors
    np.testing.assert_allclose(rooted**2, plain / plain.sum(1, keepdims=True), atol=2e-3)
    assert "already has an image" in run("to-colmap", "f.h5", "-o", "d.db").stderr


def test_sift_and_rootsift_arrive_as_rootsift(photos: Path) -> None:
    done("extract", "photos", "-o", "sift.h5", "-n", 50)
    done("extract", "photos", "-o", "root.h5", "-n", 50, "--preset", "colmap")
    plain = siftcore.extract("photos/a/1.jpg", max_keypoints=50).descriptors
    root = siftcore.extract("photos/a/1.jpg", params="colmap", max_keypoints=50).descriptors
    for file, options, wanted in (
        ("sift.h5", [], np.sqrt(plain / plain.sum(1, keepdims=True))),
        ("sift.h5", ["--root"], np.sqrt(plain / plain.sum(1, keepdims=True))),
        ("root.h5", [], root),
        ("root.h5", ["--no-root"], root),
    ):
        done("to-colmap", file, "-o", "d.db", *options)
        with ColmapDatabase("d.db") as database:
            stored = database.read_features("a/1.jpg").descriptors
        Path("d.db").unlink()
        np.testing.assert_allclose(stored, wanted, atol=4e-3)


def test_a_file_that_does_not_say_what_its_descriptors_are(photos: Path) -> None:
    features = siftcore.extract("photos/a/1.jpg", max_keypoints=50)
    write_features("f.h5", {"a/1.jpg": features})
    silent = run("to-colmap", "f.h5", "-o", "d.db")
    assert (silent.exit_code, silent.stderr.count("\n")) == (2, 1)
    assert "pass --root if they are plain SIFT" in silent.stderr
    done("to-colmap", "f.h5", "-o", "d.db", "--root")
    write_features("f.h5", {"a/2.jpg": features}, "sift")
    wrong = run("to-colmap", "f.h5", "-o", "d.db", "--no-root")
    assert "has sift descriptors, which --no-root contradicts" in wrong.stderr
