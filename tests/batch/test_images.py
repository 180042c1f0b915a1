"""Folders, patterns and lists of images, and the names of what is in them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from siftcore import InputError
from siftcore.batch.images import NamedImage, find_images, is_collection


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    names = ["b.JPG", "a.png", "sub/c.tif", "sub/.hidden.png", ".git/d.png", "notes.md", "e[1].png"]
    for name in names:
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names(*inputs: str | Path) -> list[str]:
    return [image.name for image in find_images(inputs)]


def test_a_folder(folder: Path) -> None:
    assert names("photos") == ["a.png", "b.JPG", "e[1].png", "sub/c.tif"]
    assert names(folder / "photos") == names("photos")
    assert find_images(["photos"])[3].path == os.path.join("photos", "sub", "c.tif")


def test_a_pattern(folder: Path) -> None:
    assert names("photos/*.png") == ["photos/a.png", "photos/e[1].png"]
    assert names("photos/**/c.*") == ["photos/sub/c.tif"]
    assert names("photos/su*/*", "photos/[ab].*") == [
        "photos/sub/c.tif", "photos/a.png", "photos/b.JPG",
    ]  # fmt: skip
    assert names("photos/e[1].png") == ["photos/e[1].png"], "a file of that very name"


def test_a_list(folder: Path) -> None:
    lines = "\ufeff# mine\nb.JPG\r\n\n  sub/c.tif \nphotos/a.png\n../gone.png\n"
    (folder / "photos" / "list.txt").write_text(lines, encoding="utf-8")
    assert find_images(["photos/list.txt"]) == [
        NamedImage("b.JPG", "photos/b.JPG"),
        NamedImage("sub/c.tif", "photos/sub/c.tif"),
        NamedImage("photos/a.png", "photos/a.png"),
        NamedImage("gone.png", "photos/../gone.png"),
    ]


def test_images_as_given(folder: Path) -> None:
    assert names("photos/a.png", "../x/none.png") == ["photos/a.png", "x/none.png"]


def test_what_is_a_collection(folder: Path) -> None:
    assert all(map(is_collection, ["photos", ".", "no/*.png", "list.TXT"]))
    assert not any(map(is_collection, ["photos/a.png", "none.png", "photos/e[1].png"]))


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        (["photos", "photos/a.png", "photos/sub"], None),
        (["photos", "photos"], "both be named 'a.png'"),
        (["photos/sub", "photos/sub/*.tif", "c.tif"], "both be named 'c.tif'"),
        (["a", "a/b.png"], "both an image and a folder"),
        (["photos/*.webp"], "stands for no image"),
        (["none.txt"], "list of images"),
        (["empty"], "'empty' stands for no image"),
    ],
)
def test_names_that_clash(folder: Path, inputs: list[str], words: str | None) -> None:
    (folder / "empty").mkdir()
    if words is None:
        assert len(find_images(inputs)) == 6
    else:
        with pytest.raises(InputError, match=words):
            find_images(inputs)
