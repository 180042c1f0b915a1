"""``siftcore index`` and ``siftcore query``."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from PIL import Image
from typer.testing import CliRunner

import siftcore
from siftcore.cli import app
from siftcore.io.hdf5 import write_features
from tests.one_line_errors import assert_one_line_error
from tests.retrieval.conftest import reduced

pytest.importorskip("faiss", reason="retrieval needs FAISS")
pytest.importorskip("h5py", reason="feature files need h5py")
pytest.importorskip("poselib", reason="verification needs PoseLib")

from siftcore.retrieval import ImageIndex, verify_candidates


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def folder(tmp_path, monkeypatch, collection, photographs):
    """The current folder, with f.h5, the collection's images and two small queries."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "db").mkdir()
    for name in ("db/coffee.png", "db/rocket.png"):
        Image.fromarray(photographs[name]).save(name)
        Image.fromarray(reduced(photographs[name], 2)).save(os.path.basename(name))
    write_features("f.h5", collection)
    return tmp_path


def test_index_and_query_are_those_of_the_library(folder, collection):
    made = run("index", "f.h5", "-o", "c.index")
    assert made.exit_code == 0, made.stderr
    total = sum(map(len, collection.values()))
    assert made.stdout.startswith(f"{total} descriptors of 9 images -> c.index (flat, 512 bytes")
    result = run("query", "c.index", "coffee.png", "rocket.png", "--json", "r.json", "--top", "3")
    assert result.exit_code == 0, result.stderr
    document = json.loads((folder / "r.json").read_text())
    assert [each["ranking"][0]["image"] for each in document["queries"]] == [
        "db/coffee.png",
        "db/rocket.png",
    ]
    loaded = ImageIndex.load("c.index")
    features = siftcore.extract("coffee.png")
    expected = verify_candidates(loaded, features, loaded.query(features, 20))[:3]
    for shown, candidate in zip(document["queries"][0]["ranking"], expected, strict=True):
        assert shown["image"] == candidate.name
        assert (shown["votes"], shown["score"]) == (candidate.votes, candidate.score)
        assert shown["inliers"] == candidate.inliers
    lines = result.stdout.splitlines()
    first = expected[0]
    assert lines[0].startswith(f"coffee.png: {len(features)} keypoints, dog (extract ")
    assert lines[1].split() == ["RANK", "IMAGE", "VOTES", "SCORE", "INLIERS"]
    assert lines[2].split() == [
        "1", first.name, str(first.votes), f"{first.score:.2f}", str(first.inliers),
    ]  # fmt: skip
    assert len(lines) == 2 * 5 + 1
    assert document["settings"]["model"] == "homography"


def test_rootsift_is_asked_by_rootsift(folder):
    for preset, other, words in (
        ("colmap", "default", "was built from RootSIFT, but preset 'default' gives sift"),
        ("default", "colmap", "was built from plain SIFT, but preset 'colmap' gives rootsift"),
    ):
        made = run("extract", "db", "-o", "own.h5", "-n", 300, "--preset", preset)
        assert made.exit_code == 0, made.stderr
        assert run("index", "own.h5", "-o", "own.index").exit_code == 0
        right = run("query", "own.index", "rocket.png", "--preset", preset)
        assert right.exit_code == 0, right.stderr
        assert right.stdout.splitlines()[2].split()[1] == "rocket.png"
        assert_one_line_error(run("query", "own.index", "rocket.png", "--preset", other), words)


def test_another_provider_asks(folder):
    assert run("index", "f.h5", "-o", "c.index", "--kind", "ivf-sq8").exit_code == 0
    result = run("query", "c.index", "rocket.png", "-p", "bicubic-x2", "--model", "fundamental")
    assert result.exit_code == 0, result.stderr
    assert "bicubic-x2" in result.stdout.splitlines()[0]
    assert result.stdout.splitlines()[2].split()[:2] == ["1", "db/rocket.png"]


def test_without_verification(folder):
    assert run("index", "f.h5", "-o", "c.index").exit_code == 0
    result = run("query", "c.index", "coffee.png", "--verify", "0", "--json", "r.json")
    assert result.exit_code == 0, result.stderr
    ranked = json.loads((folder / "r.json").read_text())["queries"][0]["ranking"]
    assert ranked[0]["image"] == "db/coffee.png"
    assert all(each["inliers"] is None and each["model"] is None for each in ranked)


def test_matches_are_drawn(folder, photographs):
    assert run("index", "f.h5", "-o", "c.index").exit_code == 0
    result = run("query", "c.index", "coffee.png", "--draw", "out")
    assert result.exit_code == 0, result.stderr
    with Image.open("out/coffee.png.png") as picture:
        assert picture.width > photographs["db/coffee.png"].shape[1]
    assert_one_line_error(
        run("query", "c.index", "coffee.png", "--draw", "out", "--images", "no"),
        "--images",
        silent=False,
    )


def test_a_query_without_keypoints(folder):
    assert run("index", "f.h5", "-o", "c.index").exit_code == 0
    Image.new("L", (64, 48), 90).save("flat.png")
    result = run("query", "c.index", "flat.png", "--draw", "out")
    assert result.exit_code == 0, result.stderr
    assert "no image of the collection got a vote" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["index", "no.h5", "-o", "c.index"], ["no.h5", "no such file"]),
        (["index", "coffee.png", "-o", "c.index"], ["not an HDF5 file of features"]),
        (["index", "f.h5", "-o", "db"], ["something else is there"]),
        (["index", "f.h5", "-o", "no/c.index"], ["make it first"]),
        (["index", "f.h5", "-o", "c.index", "--kind", "hnsw"], ["kind", "ivf-sq8"]),
        (["query", "no.index", "coffee.png"], ["no index at", "siftcore index"]),
        (["query", "db", "coffee.png"], ["no index at"]),
        (["query", "db", "no.png"], ["no.png", "no such file"]),
        (["query", "db", "coffee.png", "--model", "affine"], ["geometry", "affine"]),
        (["query", "db", "coffee.png", "--json", "coffee.png"], ["would replace an input"]),
    ],
)
def test_errors_are_one_line_and_leave_nothing(folder, arguments, words):
    before = sorted(os.listdir())
    assert_one_line_error(run(*arguments), *words)
    assert sorted(os.listdir()) == before


def test_exit_codes_of_the_program(folder):
    def program(*arguments):
        command = [sys.executable, "-c", "from siftcore.cli import main; main()", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    done = program("index", "f.h5", "-o", "c.index")
    assert (done.returncode, done.stderr) == (0, "")
    (folder / "c.index" / "structure.faiss").write_bytes(b"")
    done = program("query", "c.index", "coffee.png")
    assert done.returncode == 2
    assert done.stderr.startswith("error: the index 'c.index' is damaged: structure.faiss has 0")


@pytest.mark.parametrize("command", ["index", "query"])
def test_help_has_an_example(command):
    result = run(command, "--help")
    assert result.exit_code == 0
    assert f"  siftcore {command}" in result.stdout.split("Example")[1]


def test_pairs_of_the_most_similar_images(index, collection, tmp_path, monkeypatch):
    from siftcore.io.pairs import read_pairs

    monkeypatch.chdir(tmp_path)
    write_features("f.h5", collection)
    index.save("i.index")
    result = CliRunner().invoke(
        app, ["pairs", "f.h5", "-o", "p.txt", "--index", "i.index", "--top", "2"]
    )
    assert result.exit_code == 0, result.stderr
    pairs = read_pairs("p.txt")
    assert len({frozenset(pair) for pair in pairs}) == len(pairs) > 0
    for name in collection:
        best = [found.name for found in index.query(collection[name], 3) if found.name != name]
        for other in best[:2]:
            assert (name, other) in pairs or (other, name) in pairs
    assert not any("db/blank.png" in pair for pair in pairs)
