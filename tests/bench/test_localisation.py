"""Errors of keypoints under known moves: what was put in is what comes out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data
from typer.testing import CliRunner

import siftcore
from bench.commands import quality  # noqa: F401 - adds its commands
from bench.commands.options import app
from bench.extractors import make_extractors
from bench.localisation import own_shift, run
from bench.metrics.localisation import local_errors
from bench.pairs.image_views import LONGEST_SIDE, read_views
from bench.pairs.known_moves import MOVES
from bench.pairs.photograph_sources import SHIPPED, read_photographs
from bench.session import Session
from dognets.errors import DataError
from siftcore import InputError
from siftcore.errors import ParameterError
from siftcore.types import Features

SIZE = (160, 120)
TURN = np.array([[0.0, -1.0, 200.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    (folder / "sub").mkdir(parents=True)
    Image.fromarray(data.camera()[60:300, 100:380]).save(folder / "man.png")
    Image.fromarray(data.astronaut()[:200, 100:370]).save(folder / "sub" / "astronaut.png")
    return folder


def scattered(n: int = 40) -> Features:
    rng = np.random.default_rng(0)
    grid = np.stack(np.meshgrid(np.arange(8), np.arange(5)), -1).reshape(-1, 2)[:n]
    return Features(
        20 + 20 * grid + rng.uniform(-2, 2, (n, 2)), rng.uniform(1, 5, n), rng.uniform(0, 6, n),
        np.ones(n), np.zeros(n), np.zeros(n), np.zeros((n, 128)), (200, 150), "made up",
    )  # fmt: skip


def turned(a: Features) -> Features:
    """What a perfect program finds in the view that `TURN` shows."""
    xy = np.stack([200 - a.xy[:, 1], a.xy[:, 0]], axis=1)
    angle = (a.angle + np.float32(np.pi / 2)) % np.float32(2 * np.pi)
    return replace(a, xy=xy, angle=angle)


def test_errors_are_those_that_were_put_in() -> None:
    a = scattered()
    perfect = local_errors(a, turned(a), TURN)
    assert len(perfect) == len(a)
    for errors in (perfect.offset, perfect.scale, perfect.angle):
        np.testing.assert_allclose(errors, 0, atol=1e-4)
    b = turned(a)
    spoilt = replace(b, xy=b.xy + np.float32([0.3, -0.2]), sigma=1.1 * b.sigma, angle=b.angle + 0.1)
    found = local_errors(a, spoilt, TURN)
    np.testing.assert_allclose(found.offset, np.tile([0.3, -0.2], (len(a), 1)), atol=1e-4)
    np.testing.assert_allclose(found.scale, np.log2(1.1), atol=1e-5)
    np.testing.assert_allclose(found.angle, 0.1, atol=1e-5)
    far = replace(b, xy=b.xy + np.float32(5))
    assert len(local_errors(a, far, TURN)) < 5
    none = Features.empty((200, 150), "made up")
    assert len(local_errors(a, none, TURN)) == len(local_errors(none, b, TURN)) == 0


def test_angles_follow_gradients_not_lines() -> None:
    # Squeezed along x, a gradient along the diagonal turns towards x.
    squeeze = np.diag([0.5, 1.0, 1.0])
    a = replace(scattered(), angle=np.full(40, np.pi / 4, np.float32))
    b = replace(
        a, xy=a.xy * np.float32([0.5, 1]), sigma=a.sigma * np.float32(np.sqrt(0.5)),
        angle=np.full(40, np.arctan2(1, 2), np.float32),
    )  # fmt: skip
    np.testing.assert_allclose(local_errors(a, b, squeeze).angle, 0, atol=1e-5)


def test_of_several_angles_the_one_that_is_meant() -> None:
    a = scattered()
    twice = np.concatenate([np.arange(40), np.arange(40)])
    other = np.concatenate([np.zeros(40), np.full(40, 2.0)]).astype(np.float32)
    both = replace(a[twice], angle=(a.angle[twice] + other) % np.float32(2 * np.pi))
    found = local_errors(both, turned(both), TURN)
    assert len(found) == 80
    np.testing.assert_allclose(found.angle, 0, atol=1e-4)


def test_the_shift_that_a_program_adds() -> None:
    a = scattered()
    shift = np.float32([0.25, -0.1])
    shifted = [replace(one, xy=one.xy + shift) for one in (a, turned(a))]
    np.testing.assert_allclose(own_shift([local_errors(*shifted, TURN)]), shift, atol=1e-4)
    # A mere move cannot tell.
    assert np.isnan(own_shift([local_errors(a, a, np.eye(3))])).all()
    assert np.isnan(own_shift([])).all()


def test_programs_are_where_they_are_known_to_be(images: Path) -> None:
    pytest.importorskip("cv2")
    names = ["dog", "opencv-default", "scikit-image", "absent"]
    report = run(images, names, Session(), 2, SIZE)
    whole, kinds = report.tables
    rows = {row[0]: dict(zip(whole.columns, row, strict=False)) for row in whole.rows}
    x, y = "its own shift in x, px", "in y"
    for name, expected in (("dog", 0.0), ("opencv-default", 0.25), ("scikit-image", 0.25)):
        assert rows[name][x] == pytest.approx(expected, abs=0.04), name
        assert rows[name][y] == pytest.approx(expected, abs=0.04), name
        # Every program's angles are read in our convention.
        assert rows[name]["angle: median size, degrees"] < 4, name
        assert rows[name]["angle within 5 degrees"] > 0.6, name
        assert abs(rows[name]["scale: mean error, %"]) < 2, name
    assert rows["dog"]["median error, px"] < 0.15
    assert "unknown provider" in rows["absent"][x]
    assert [row[1] for row in kinds.rows if row[0] == "dog"] == list(MOVES)


def test_images_without_a_keypoint(tmp_path: Path) -> None:
    Image.fromarray(np.full((150, 200), 90, np.uint8)).save(tmp_path / "flat.png")
    report = run(tmp_path, ["dog"], Session(), 1, SIZE)
    assert report.tables[0].rows[0][3:5] == [0, 0]
    with pytest.raises(ParameterError, match="at least"):
        run(tmp_path, ["dog"], Session(), 0, SIZE)


def test_photographs_of_a_folder_and_of_scikit_image(images: Path, monkeypatch) -> None:
    session = Session()
    assert {n for n, _ in read_photographs(images, session, 9)} == {"man.png", "astronaut.png"}
    assert not list(read_photographs(images, session, 9, (4000, 10)))
    assert len(session.skipped) == 2
    few = [n for n, _ in read_photographs(Path("skimage"), session, 1)]
    assert few == [SHIPPED[0]]
    for name in ("brick", "page"):
        assert name in SHIPPED
    # A folder of that name is the user's.
    monkeypatch.chdir(images.parent)
    images.rename(images.parent / "skimage")
    assert {n for n, _ in read_photographs(Path("skimage"), session, 9)} == {
        "man.png", "astronaut.png",
    }  # fmt: skip
    with pytest.raises(DataError):
        list(read_photographs(Path("nothing-here"), session, 1))


def test_views_of_single_images(images: Path) -> None:
    large = np.asarray(Image.fromarray(data.camera()).resize((1501, 400)))
    Image.fromarray(large).save(images / "wide.png")
    Image.fromarray(large[:40]).save(images / "strip.png")
    (images / "broken.jpg").write_bytes(b"no image")
    session = Session()
    pairs = {pair.group: pair for pair in read_views(images, session, None, 4)}
    assert set(pairs) == {"man.png", "astronaut.png", "wide.png"}
    assert set(session.skipped) == {"mine/strip.png", "mine/broken.jpg"}
    assert max(pairs["wide.png"].b.shape) == LONGEST_SIDE
    man = pairs["man.png"]
    np.testing.assert_array_equal(man.b, data.camera()[60:300, 100:380])
    assert man.homography is not None
    errors = local_errors(siftcore.extract(man.a), siftcore.extract(man.b), man.homography)
    assert len(errors) > 40
    assert np.median(np.hypot(*errors.offset.T)) < 0.5
    (images / "only").mkdir()
    Image.fromarray(large[:40]).save(images / "only" / "strip.png")
    with pytest.raises(InputError, match="no image could be used"):
        list(read_views(images / "only", Session(), None, 2))


def test_commands_take_a_folder(images: Path, tmp_path: Path) -> None:
    runner = CliRunner()
    for command in (
        ["preservation", "--providers", "dog,bicubic-x2", "--budgets", "100"],
        ["localisation", "--programs", "dog", "--size", "160x120"],
        ["warps", "--programs", "dog", "--size", "160x120", "--count", "1"],
    ):
        done = runner.invoke(app, [*command, "--images", str(images), "--no-cache"])
        assert done.exit_code == 0, done.output
        assert "| dog |" in done.output
    neither = runner.invoke(app, ["preservation", "--no-cache"])
    both = runner.invoke(app, ["preservation", "--data", "x", "--images", "y"])
    for wrong in (neither, both):
        assert wrong.exit_code == 2
        assert "either --data or --images" in wrong.output


def test_settings_of_a_preset() -> None:
    made = make_extractors(["dog", "dog:colmap"], Session())
    image = data.camera()[60:300, 100:380]
    plain, colmap = (made[name].extract(image, 10_000) for name in ("dog", "dog:colmap"))
    expected = siftcore.extract(image, params="colmap")
    np.testing.assert_array_equal(colmap.descriptors, expected.descriptors)
    assert len(colmap) > len(plain)
    assert made["dog:colmap"].identity != made["dog"].identity
    session = Session()
    make_extractors(["dog", "dog:wrong"], session)
    assert "preset" in session.failed["dog:wrong"]


@pytest.mark.parametrize("name", ["pycolmap-default", "kornia"])
def test_programs_with_their_own_settings(name: str) -> None:
    pytest.importorskip(name.partition("-")[0])
    image = np.ascontiguousarray(data.camera()[60:220, 160:352])
    found = make_extractors([name], Session())[name].extract(image, 150)
    assert 20 < len(found) <= 150
    errors = local_errors(siftcore.extract(image), found, np.eye(3))
    assert len(errors) > 15
    assert np.median(np.hypot(*errors.offset.T)) < 1.0
    np.testing.assert_allclose(np.linalg.norm(found.descriptors, axis=1), 1, atol=1e-3)
