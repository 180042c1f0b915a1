"""Finding and reading images; what cannot be used is said; whole subjects are kept back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch")
pytest.importorskip("safetensors")

from dognets.data.images import (
    HELD_BACK_ONE_IN,
    find_images,
    is_held_back,
    read_grey,
    read_luminance,
    read_usable,
    reduce_bicubic,
    subject,
)
from dognets.errors import DataError


def test_a_missing_folder(tmp_path):
    with pytest.raises(DataError, match=r"no folder .*gone.*--data"):
        find_images(tmp_path / "gone")


def test_a_file_is_no_folder(photo_folder):
    with pytest.raises(DataError, match="no folder"):
        find_images(next(photo_folder.iterdir()))


def test_a_folder_without_images(tmp_path):
    (tmp_path / "notes.txt").write_text("none")
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(DataError, match=r"no image in .*\.jpg, \.pgm, \.png"):
        find_images(tmp_path)


def test_images_are_found_at_any_depth_in_one_order(tmp_path):
    names = ["b.PNG", "a/z.jpg", "a/b/c.tif", "c.webp"]
    for name in names:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "c.txt").touch()
    found = [str(path.relative_to(tmp_path)) for path in find_images(tmp_path)]
    assert found == ["a/b/c.tif", "a/z.jpg", "b.PNG", "c.webp"]


def test_unusable_images_are_counted_and_named(photo_folder, tmp_path):
    Image.new("L", (50, 47)).save(tmp_path / "small.png")
    (tmp_path / "text.png").write_text("no image")
    whole = next(photo_folder.iterdir())
    (tmp_path / "cut.png").write_bytes(whole.read_bytes()[:1000])
    (tmp_path / "whole.png").write_bytes(whole.read_bytes())
    with pytest.warns(UserWarning, match="3 images skipped") as caught:
        found = list(read_usable(find_images(tmp_path), 48))
    assert [path.name for path, _ in found] == ["whole.png"]
    message = str(caught[0].message)
    assert "cut.png (unreadable)" in message
    assert "text.png (unreadable)" in message
    assert "small.png (50 x 47 is too small)" in message


def test_the_warning_stays_short(tmp_path):
    for i in range(30):
        (tmp_path / f"{i:02}.png").write_text("no image")
    with pytest.warns(UserWarning, match="30 images skipped") as caught:
        assert not list(read_usable(find_images(tmp_path), 1))
    assert str(caught[0].message).endswith("09.png (unreadable), ...")


@pytest.mark.parametrize("read", [read_grey, read_luminance])
def test_an_unreadable_file_is_named(tmp_path, read):
    (tmp_path / "text.png").write_text("no image")
    for name in ("text.png", "gone.png"):
        with pytest.raises(DataError, match=f"cannot read an image from .*{name}"):
            read(tmp_path / name)


def test_colour_becomes_luminance(tmp_path):
    Image.new("RGB", (3, 2), (200, 100, 50)).save(tmp_path / "c.png")
    grey = read_grey(tmp_path / "c.png")
    assert grey.dtype == np.uint8
    assert (grey == round(0.299 * 200 + 0.587 * 100 + 0.114 * 50)).all()
    found = read_luminance(tmp_path / "c.png")
    expected = 16 + (65.481 * 200 + 128.553 * 100 + 24.966 * 50) / 255
    np.testing.assert_allclose(found, np.full((2, 3), expected), rtol=1e-6)


def test_luminance_spans_16_to_235(tmp_path):
    Image.fromarray(np.array([[0, 255]], np.uint8)).save(tmp_path / "g.png")
    np.testing.assert_allclose(read_luminance(tmp_path / "g.png"), [[16, 235]], rtol=1e-6)


def test_16_bits_are_reduced_not_clipped(tmp_path):
    deep = (np.arange(256, dtype=np.uint16) * 257).reshape(8, 32)
    Image.fromarray(deep).save(tmp_path / "deep.png")
    np.testing.assert_array_equal(read_grey(tmp_path / "deep.png"), deep // 257)
    assert len(np.unique(read_luminance(tmp_path / "deep.png"))) == 256


@pytest.mark.parametrize("scale", [2, 4])
def test_reduction_is_an_antialiased_keys_filter(scale):
    rng = np.random.default_rng(0)
    line = rng.random(16 * scale, np.float32)
    image = np.repeat(line[None], 8 * scale, axis=0)
    found = reduce_bicubic(image, scale)
    assert found.shape == (8, 16)
    distance = np.abs((np.arange(16 * scale) + 0.5) / scale - (np.arange(16)[:, None] + 0.5))
    near = (1.5 * distance - 2.5) * distance**2 + 1
    far = ((-0.5 * distance + 2.5) * distance - 4) * distance + 2
    weights = np.where(distance <= 1, near, np.where(distance < 2, far, 0))
    weights /= weights.sum(1, keepdims=True)
    np.testing.assert_allclose(found, np.tile(weights @ line, (8, 1)), rtol=0, atol=1e-6)


def test_takes_of_one_subject_share_its_name():
    names = ["dog_1.jpg", "dog-02.png", "dog 3.jpg", "a/dog.tif"]
    assert {subject(Path(name)) for name in names} == {"dog"}
    assert subject(Path("dog2_1.jpg")) == "dog2"


def test_one_subject_in_twenty_is_kept_back():
    held = [is_held_back(Path(f"scene{i}x.png")) for i in range(4000)]
    assert np.mean(held) == pytest.approx(1 / HELD_BACK_ONE_IN, abs=0.015)


def test_all_takes_of_a_subject_go_the_same_way():
    for i in range(200):
        takes = {is_held_back(Path(f"folder{k}/scene{i}x_{k}.png")) for k in range(5)}
        assert len(takes) == 1
