"""The cache of decoded images: made once, made anew when files change, never half."""

from __future__ import annotations

import os
import pickle
import shutil
import stat
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch")
pytest.importorskip("safetensors")

from dognets.data import cache as cache_module
from dognets.data.cache import ImageCache, default_cache_folder
from dognets.data.images import subject
from dognets.errors import DataError


@pytest.fixture
def folder(photo_folder, tmp_path):
    """A folder of its own for each test."""
    copy = tmp_path / "images"
    shutil.copytree(photo_folder, copy)
    return copy


@pytest.fixture
def caches(tmp_path):
    return tmp_path / "caches"


@pytest.fixture
def no_reading(monkeypatch):
    def forbid():
        monkeypatch.setattr(
            cache_module, "read_usable", lambda *_: pytest.fail("decoded the images again")
        )

    return forbid


def test_images_come_back_as_they_are(folder, caches, photos):
    found = ImageCache.open(folder, 48, caches)
    assert found.names == tuple(sorted(f"{name}_1.png" for name in photos))
    for i, name in enumerate(sorted(photos)):
        np.testing.assert_array_equal(found.image(i), photos[name])
    assert found.shapes == ((80, 96),) * 5


def test_images_of_unlike_size(folder, caches):
    Image.fromarray(np.arange(60 * 50, dtype=np.uint8).reshape(60, 50)).save(folder / "a_1.png")
    found = ImageCache.open(folder, 48, caches)
    assert found.shapes == ((60, 50), *((80, 96),) * 5)
    np.testing.assert_array_equal(found.image(0).ravel(), np.arange(3000, dtype=np.uint8))
    assert found.image(1).shape == (80, 96)


def test_a_cache_is_built_once(folder, caches, no_reading):
    first = ImageCache.open(folder, 48, caches)
    no_reading()
    second = ImageCache.open(folder, 48, caches)
    assert second.fingerprint == first.fingerprint
    np.testing.assert_array_equal(second.pixels, first.pixels)
    assert len(os.listdir(caches)) == 1


def test_the_folder_may_move(folder, caches, no_reading):
    first = ImageCache.open(folder, 48, caches)
    no_reading()
    assert ImageCache.open(folder.rename(folder.parent / "m"), 48, caches).names == first.names


@pytest.mark.parametrize("change", ["touched", "added", "removed", "renamed", "another side"])
def test_changes_give_another_cache(folder, caches, change):
    before = ImageCache.open(folder, 48, caches)
    path = folder / "boat_1.png"
    side = 48
    if change == "touched":
        os.utime(path, ns=(1, 1))
    elif change == "added":
        shutil.copy(path, folder / "boat_2.png")
    elif change == "removed":
        path.unlink()
    elif change == "renamed":
        path.rename(folder / "ship_1.png")
    else:
        side = 49
    after = ImageCache.open(folder, side, caches)
    assert after.fingerprint != before.fingerprint
    assert len(os.listdir(caches)) == 2


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_an_interrupted_build_leaves_nothing(folder, caches, monkeypatch, error):
    def broken(paths, minimum_side):
        yield paths[0], np.zeros((80, 96), np.uint8)
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(cache_module, "read_usable", broken)
        with pytest.raises(type(error)):
            ImageCache.open(folder, 48, caches)
    assert os.listdir(caches) == []
    assert len(ImageCache.open(folder, 48, caches)) == 5


@pytest.mark.parametrize("file", ["index.json", "pixels.u8"])
@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_a_damaged_cache_is_built_again(folder, caches, file, damage, photos):
    place = caches / ImageCache.open(folder, 48, caches).fingerprint / file
    if damage == "gone":
        place.unlink()
    else:
        place.write_bytes(place.read_bytes()[:50])
    found = ImageCache.open(folder, 48, caches)
    np.testing.assert_array_equal(found.image(0), photos["boat"])


def test_two_processes_may_build_at_once(folder, caches, monkeypatch):
    usual = cache_module.read_usable

    def slow(paths, minimum_side):
        yield from usual(paths, minimum_side)
        # Meanwhile the other one has finished.
        monkeypatch.setattr(cache_module, "read_usable", usual)
        ImageCache.open(folder, 48, caches)

    monkeypatch.setattr(cache_module, "read_usable", slow)
    assert len(ImageCache.open(folder, 48, caches)) == 5
    assert len(os.listdir(caches)) == 1


def test_no_usable_image(folder, caches):
    with (
        pytest.warns(UserWarning, match="5 images skipped"),
        pytest.raises(DataError, match=r"none of the 5 images .* at least 81 pixels"),
    ):
        ImageCache.open(folder, 81, caches)
    assert os.listdir(caches) == []


def test_where_caches_lie(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache_folder() == tmp_path / "dognets"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert default_cache_folder() == tmp_path / "home" / ".cache" / "dognets"


def named(names):
    n = len(names)
    offsets = np.arange(n + 1, dtype=np.int64)
    return ImageCache(np.zeros(n, np.uint8), ((1, 1),) * n, tuple(names), offsets, "")


FOLDERS = {
    "many subjects": [f"scene{i}x_{k}.png" for i in range(60) for k in range(3)],
    "few subjects": [f"{name}_{k}.png" for name in ("ant", "bee", "cat") for k in range(9)],
    "two images": ["ant.png", "bee.png"],
}


@pytest.mark.parametrize("kind", FOLDERS)
def test_no_subject_on_both_sides(kind):
    names = FOLDERS[kind]
    training, validation = named(names).split()
    assert training
    assert validation
    assert sorted(training + validation) == list(range(len(names)))
    shown = [{subject(Path(names[i])) for i in side} for side in (training, validation)]
    assert not shown[0] & shown[1]
    assert len(training) >= len(validation)


def test_one_subject_alone_is_split_by_image():
    training, validation = named([f"img_{i:03}.png" for i in range(45)]).split()
    assert validation == [0, 20, 40]
    assert len(training) == 42


def test_a_single_image_serves_both():
    assert named(["img.png"]).split() == ([0], [0])


def test_another_process_gets_the_place_not_the_pixels(photo_folder, tmp_path):
    """Workers that are not forked are sent the cache."""
    cache = ImageCache.open(photo_folder, 48, tmp_path)
    assert len(cache.pixels) > 30_000
    sent = pickle.dumps(cache)
    assert len(sent) < 1000
    again = pickle.loads(sent)
    assert (again.shapes, again.names, again.fingerprint) == (
        cache.shapes,
        cache.names,
        cache.fingerprint,
    )
    np.testing.assert_array_equal(again.image(3), cache.image(3))
    in_memory = named(["a.png", "b.png"])
    assert pickle.loads(pickle.dumps(in_memory)).names == in_memory.names


@pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")
def test_a_shared_cache_can_be_read_by_others(photo_folder, tmp_path):
    before = os.umask(0o022)
    try:
        ImageCache.open(photo_folder, 48, tmp_path)
    finally:
        os.umask(before)
    (place,) = tmp_path.iterdir()
    assert stat.S_IMODE(place.stat().st_mode) == 0o755
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o644 for file in place.iterdir())
