"""The command line: one line for every error, and nothing half-written."""

from __future__ import annotations

import json
import os

import pytest
from PIL import Image

import siftcore
from tests.command_line.running import run
from tests.one_line_errors import assert_one_line_error

BAD_USAGE = [
    (["nope"], "No such command 'nope'"),
    (["match"], "Missing argument 'A'"),
    (["match", "a.png"], "Missing argument 'B'"),
    (["match", "a.png", "b.png", "--provder", "dog"], "--provider"),
    (["match", "a.png", "b.png", "--ratio", "big"], "--ratio"),
    (["match", "a.png", "b.png", "--ratio", "1.5"], "--ratio"),
    (["match", "a.png", "b.png", "--ratio", "0"], "ratio"),
    (["match", "a.png", "b.png", "--ratio", "nan"], "ratio"),
    (["match", "a.png", "b.png", "-n", "0"], "--max-keypoints"),
    (["match", "a.png", "b.png", "-p", "dgo"], "unknown provider 'dgo'; known: "),
    (["match", "a.png", "b.png", "--provider-b", "dgo"], "unknown provider 'dgo'"),
    (["match", "a.png", "b.png", "--preset", "x"], "'default', 'opencv', 'colmap', 'paper'"),
    (["match", "a.png", "b.png", "-g", "affine"], "'homography', 'fundamental'"),
    (["match", "a.png", "b.png", "--device", "gpu"], "'cuda'"),
    (["match", "no.png", "b.png"], "'no.png': there is no such file"),
    (["match", "a.png", "."], "it is a folder"),
    (["match", "a.png", "text.png"], "'text.png'"),
    (["match", "cut.png", "b.png"], "truncated"),
    (["match", "a.png", "b.png", "-o", "no/m.png"], "the folder 'no' does not exist"),
    (["match", "a.png", "b.png", "-o", "a.png/m.png"], "is a file, not a folder"),
    (["match", "a.png", "b.png", "-o", "."], "it is a folder"),
    (["match", "a.png", "b.png", "-o", "m.xyz"], "picture format"),
    (["match", "a.png", "b.png", "-o", "m"], "picture format"),
    (["match", "a.png", "b.png", "-o", "./a.png"], "would replace an input"),
    (["match", "a.png", "b.png", "-o", "m.png", "--json", "./m.png"], "two results"),
    (["match", "a.png", "b.png", "--json", "no/m.json"], "the folder 'no' does not exist"),
    (["extract", "a.png"], "Missing option '--output'"),
    (["extract", "-o", "f.h5"], "Missing argument"),
    (["extract", "a.png", "text.png", "-o", "f.h5"], "'text.png'"),
    (["extract", "a.png", "no.png", "-o", "f.h5"], "'no.png': there is no such file"),
    (["extract", "a.png", "./a.png", "-o", "f.h5"], "would both be named 'a.png'"),
    (["extract", "a.png", "-o", "no/f.h5"], "the folder 'no' does not exist"),
    (["extract", "a.png", "-o", "a.png"], "would replace an input"),
    (["extract", "a.png", "-o", "f.h5", "--draw", "text.png"], "cannot make the folder"),
    (["extract", "a.png", "-o", "f.h5", "--preset", "x"], "'default'"),
]


@pytest.mark.parametrize(("arguments", "words"), BAD_USAGE, ids=[" ".join(a) for a, _ in BAD_USAGE])
def test_every_error_is_one_line(folder, arguments, words):
    (folder / "text.png").write_text("hello")
    (folder / "cut.png").write_bytes((folder / "a.png").read_bytes()[:2000])
    before = sorted(os.listdir(folder))
    assert_one_line_error(run(*arguments), words)
    assert sorted(os.listdir(folder)) == before, "nothing half-written is left"


@pytest.mark.parametrize("option", ["-o", "--json"])
def test_a_bad_destination_is_told_before_the_work(folder, monkeypatch, option):
    monkeypatch.setattr(siftcore, "extract", lambda *_, **__: pytest.fail("worked in vain"))
    assert_one_line_error(run("match", "a.png", "b.png", option, "no/m.png"), "'no'")
    assert_one_line_error(run("extract", "a.png", "-o", "no/f.h5"), "'no'")


def test_a_failing_image_keeps_the_old_feature_file(folder):
    assert run("extract", "a.png", "-o", "f.h5").exit_code == 0
    old = (folder / "f.h5").read_bytes()
    (folder / "text.png").write_text("hello")
    assert_one_line_error(run("extract", "b.png", "text.png", "-o", "f.h5"), "text.png")
    assert (folder / "f.h5").read_bytes() == old


def test_a_picture_never_replaces_another_file(folder):
    os.link("b.png", "a.png.png")
    before = sorted(os.listdir(folder))
    for images, output in ((["a.png", "a.png.png"], "f.h5"), (["b.png"], "b.png.png")):
        result = run("extract", *images, "-o", output, "--draw", ".")
        assert_one_line_error(result, "would replace another file")
    assert sorted(os.listdir(folder)) == before
    assert (folder / "a.png.png").read_bytes() == (folder / "b.png").read_bytes()


def test_an_unexpected_error_is_not_hidden(folder, monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError

    monkeypatch.setattr(siftcore, "extract", broken)
    result = run("match", "a.png", "b.png")
    assert isinstance(result.exception, ZeroDivisionError)


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (KeyboardInterrupt(), 130, "stopped"),
        (MemoryError(), 2, "not enough memory"),
        (OSError(5, "Input/output\nerror"), 2, "Input/output error"),
    ],
)
def test_errors_while_working(folder, monkeypatch, error, code, words):
    def broken(*_, **__):
        raise error

    monkeypatch.setattr(siftcore, "extract", broken)
    before = sorted(os.listdir(folder))
    for command in (["match", "a.png", "b.png", "-o", "m.png"], ["extract", "a.png", "-o", "f.h5"]):
        result = run(*command)
        assert result.exit_code == code
        assert words in result.stderr
        assert result.stderr.count("\n") == 1
        assert sorted(os.listdir(folder)) == before


def test_a_name_that_is_not_text(folder):
    name = os.fsdecode(b"\xff.png")
    Image.open("a.png").save(folder / "x.png")
    (folder / "x.png").rename(folder / name)
    result = run("match", name, "b.png", "--json", "m.json")
    assert result.exit_code == 0, result.stderr
    assert json.loads((folder / "m.json").read_text())["image_a"]["path"] == name
    assert_one_line_error(run("extract", name, "-o", "f.h5"), "UTF-8")
