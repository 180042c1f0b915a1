"""Lowe's, COLMAP's and Oxford's text files, and VLFeat's arrays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

import siftcore
from siftcore import Features, InputError, OutputError
from siftcore.descriptor_layouts import root_sift
from siftcore.io.colmap_text import read_colmap_text, write_colmap_text
from siftcore.io.lowe_key import read_key, write_key
from siftcore.io.oxford import read_oxford, write_oxford
from siftcore.io.vlfeat import from_frames, to_frames


class Format(NamedTuple):
    write: Callable[..., None]
    read: Callable[..., Features]


FORMATS = {
    "lowe": Format(write_key, read_key),
    "colmap": Format(write_colmap_text, read_colmap_text),
    "oxford": Format(write_oxford, read_oxford),
}
everywhere = pytest.mark.parametrize("name", FORMATS)


@pytest.fixture(scope="module")
def features(crop: np.ndarray) -> Features:
    return siftcore.extract(crop)


@pytest.fixture
def one() -> Features:
    """One keypoint at x 3, y 7, sigma 2, angle 0.5; its descriptor has bins 0 and 1 set."""
    descriptors = np.zeros((1, 128), np.float32)
    descriptors[0, :2] = 0.6, 0.8
    return Features(
        xy=[[3.0, 7.0]],
        sigma=[2.0],
        angle=[0.5],
        response=[0.1],
        octave=[0],
        level=[1.0],
        descriptors=descriptors * 0.25,
        image_size=(20, 10),
        provider="dog",
    )


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("lowe", ["1 128", "7 3 2 -0.5", " 77 102" + " 0" * 18]),
        ("colmap", ["1 128", "3.5 7.5 2 0.5 77 102" + " 0" * 126]),
        ("oxford", ["128", "1", "3 7 0.009259259 0 0.009259259 77 102" + " 0" * 126]),
    ],
)
def test_layout(name: str, lines: list[str], one: Features, tmp_path: Path) -> None:
    FORMATS[name].write(tmp_path / "f", one)
    assert (tmp_path / "f").read_text().split("\n")[: len(lines)] == lines


@everywhere
def test_features_come_back(name: str, features: Features, tmp_path: Path) -> None:
    write, read = FORMATS[name]
    write(tmp_path / "f", features)
    back = read(tmp_path / "f", features.image_size)
    np.testing.assert_allclose(back.xy, features.xy, atol=1e-5 if name == "colmap" else 0)
    np.testing.assert_allclose(back.sigma, features.sigma, rtol=1e-6)
    if name != "oxford":
        turn = (back.angle - features.angle + np.pi) % (2 * np.pi) - np.pi
        assert np.abs(turn).max() < 1e-6
    assert (back.descriptors * features.descriptors).sum(axis=1).min() > 0.999
    assert back.provider == name


@everywhere
def test_no_keypoints(name: str, tmp_path: Path) -> None:
    write, read = FORMATS[name]
    write(tmp_path / "f", Features.empty((20, 10), "dog"))
    assert len(read(tmp_path / "f", (20, 10))) == 0


@everywhere
@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: "",
        lambda text: text[: len(text) // 2],
        lambda text: text + "7\n",
        lambda text: text.replace("128", "64", 1),
        lambda text: "SIFT " + text,
        lambda text: text.replace(" 102 ", " nan ", 1),
        lambda text: text.replace("1", "-1", 1),
        lambda text: "\N{DEGREE SIGN}" + text,
    ],
)
def test_bad_files_are_refused(
    name: str, spoil: Callable[[str], str], one: Features, tmp_path: Path
) -> None:
    write, read = FORMATS[name]
    write(tmp_path / "f", one)
    text = (tmp_path / "f").read_text()
    (tmp_path / "f").write_text(spoil(text), encoding="utf-8")
    with pytest.raises(InputError, match="cannot read"):
        read(tmp_path / "f", (20, 10))
    with pytest.raises(InputError, match="no such file"):
        read(tmp_path / "nothing", (20, 10))
    with pytest.raises(OutputError):
        write(tmp_path / "nowhere" / "f", one)


def test_sift_becomes_root_sift_for_colmap(features: Features, tmp_path: Path) -> None:
    write_colmap_text(tmp_path / "f", features, kind="sift")
    back = read_colmap_text(tmp_path / "f", features.image_size)
    np.testing.assert_allclose(back.descriptors, root_sift(features.descriptors), atol=2 / 512)


def test_oxford_files_without_descriptors(one: Features, tmp_path: Path) -> None:
    write_oxford(tmp_path / "f", one, descriptors=False, magnification=3.0)
    assert (tmp_path / "f").read_text().startswith("1.0\n1\n3 7 0.02777")
    back = read_oxford(tmp_path / "f", (20, 10), magnification=3.0)
    np.testing.assert_allclose(back.sigma, [2.0], rtol=1e-6)
    assert not back.descriptors.any()


def test_an_ellipse_becomes_the_circle_of_its_area(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("1.0\n1\n5 6 0.25 0 0.0625\n")
    back = read_oxford(tmp_path / "f", (20, 10), magnification=1.0)
    np.testing.assert_allclose(back.sigma, [np.sqrt(2.0 * 4.0)], rtol=1e-6)
    (tmp_path / "f").write_text("1.0\n1\n5 6 0.25 1 0.0625\n")
    with pytest.raises(InputError, match="no ellipse"):
        read_oxford(tmp_path / "f", (20, 10))
    (tmp_path / "f").write_text("1.0\n1\n5 6 -0.25 0 -0.0625\n")
    with pytest.raises(InputError, match="no ellipse"):
        read_oxford(tmp_path / "f", (20, 10))
    (tmp_path / "f").write_text("1.0\n1.2\n5 6 0.25 0 0.0625 1\n")
    with pytest.raises(InputError, match=r"1\.2 is not a number of keypoints"):
        read_oxford(tmp_path / "f", (20, 10))


@pytest.mark.parametrize("matlab", [True, False])
def test_vlfeat_arrays(features: Features, one: Features, matlab: bool) -> None:
    frames, descriptors = to_frames(one, matlab)
    assert frames[:, 0].tolist() == [3.0 + matlab, 7.0 + matlab, 2.0, 0.5]
    assert descriptors[[0, 7], 0].tolist() == [76, 102]
    frames, descriptors = to_frames(features, matlab)
    assert frames.shape == (4, len(features))
    assert descriptors.shape == (128, len(features))
    back = from_frames(frames, descriptors, features.image_size, matlab)
    np.testing.assert_allclose(back.xy, features.xy, rtol=1e-6)
    np.testing.assert_array_equal(back.angle, features.angle)
    assert (back.descriptors * features.descriptors).sum(axis=1).min() > 0.999
    empty = to_frames(Features.empty((9, 9), "dog"), matlab)
    assert len(from_frames(*empty, (9, 9), matlab)) == 0


def test_what_vlfeat_does_in_matlab(crop: np.ndarray) -> None:
    """Its wrapper's steps, on our features of a transposed image, give the frames of the image."""
    turned = to_frames(siftcore.extract(np.ascontiguousarray(crop.T)), matlab=False)
    y, x, sigma, angle = turned.frames
    cells = turned.descriptors.T.reshape(-1, 4, 4, 8)[:, ::-1]
    mirrored = cells[..., [0, 7, 6, 5, 4, 3, 2, 1]].reshape(-1, 128).T
    theirs = from_frames(
        np.stack([x + 1, y + 1, sigma, np.pi / 2 - angle]), mirrored, crop.shape[::-1]
    )
    ours = siftcore.extract(crop)
    distance = np.linalg.norm(theirs.xy[:, None] - ours.xy, axis=2)
    turn = np.abs((theirs.angle[:, None] - ours.angle + np.pi) % (2 * np.pi) - np.pi)
    row, column = np.nonzero((distance < 0.01) & (turn < 0.01))
    assert len(set(column)) > 0.98 * len(ours)
    cosine = (theirs.descriptors[row] * ours.descriptors[column]).sum(axis=1)
    assert np.median(cosine) > 0.999


def test_bad_vlfeat_arrays_are_refused() -> None:
    with pytest.raises(InputError, match=r"\(4, N\)"):
        from_frames(np.zeros((5, 4)), None, (9, 9))
    with pytest.raises(InputError, match=r"\(128, N\)"):
        from_frames(np.ones((4, 5)), np.zeros((5, 128)), (9, 9))
    with pytest.raises(InputError, match="descriptors"):
        from_frames(np.ones((4, 5)), np.zeros((128, 6)), (9, 9))
