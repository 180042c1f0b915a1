"""The command line: results in files."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import siftcore
from siftcore.io.hdf5 import list_features, read_features
from tests.command_line.running import SHIFT, run, subprocess_command
from tests.one_line_errors import assert_one_line_error


def test_match_writes_a_picture_and_the_numbers(folder):
    result = run("match", "a.png", "b.png", "-g", "homography", "-o", "m.png", "--json", "m.json")
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    document = json.loads((folder / "m.json").read_text())
    lines = [line.split() for line in result.stdout.splitlines()]
    n_matches = len(document["indices"])
    assert ["matches", str(n_matches)] in lines
    assert ["inliers", str(sum(document["inliers"]))] in lines
    assert ["A", str(document["image_a"]["n_keypoints"]), "keypoints", "dog", "a.png"] in lines
    assert n_matches > 20

    direct = siftcore.match("a.png", "b.png", geometry="homography")
    np.testing.assert_array_equal(document["indices"], direct.matches.indices)
    np.testing.assert_array_equal(np.float32(document["points_a"]), direct.xy_a)
    np.testing.assert_array_equal(np.float32(document["points_b"]), direct.xy_b)
    np.testing.assert_array_equal(np.float32(document["distances"]), direct.matches.distance)
    np.testing.assert_array_equal(np.float32(document["ratios"]), direct.matches.ratio)
    np.testing.assert_array_equal(document["inliers"], direct.inliers)
    np.testing.assert_allclose(document["model"], direct.model)
    np.testing.assert_allclose(document["model"], [[1, 0, -SHIFT], [0, 1, 0], [0, 0, 1]], atol=0.2)
    size = {"width": 160, "height": 120, "provider": "dog"}
    assert document["image_a"] == {
        "path": "a.png",
        "n_keypoints": len(direct.features_a),
        **size,
    }
    assert document["siftcore"] == siftcore.__version__
    assert document["settings"]["ratio"] == 0.8

    with Image.open(folder / "m.png") as picture:
        assert picture.format == "PNG"
        assert picture.width > 900
    assert sorted(os.listdir(folder)) == ["a.png", "b.png", "m.json", "m.png"]


def test_options_of_match_reach_the_engine(folder):
    arguments = ("--provider-b", "bicubic-x2", "--no-mutual", "--ratio", "0.9", "-n", "40")
    result = run("match", "a.png", "b.png", *arguments, "--spread", "--json", "m.json")
    assert result.exit_code == 0, result.stderr
    document = json.loads((folder / "m.json").read_text())
    a = siftcore.extract("a.png", max_keypoints=40, spread=True)
    b = siftcore.extract("b.png", provider="bicubic-x2", max_keypoints=40, spread=True)
    expected = siftcore.match_features(a, b, ratio=0.9, mutual=False)
    np.testing.assert_array_equal(document["indices"], expected.indices)
    assert document["image_b"]["provider"] == "bicubic-x2"
    assert document["inliers"] is None
    assert document["model"] is None


def test_preset_reaches_the_engine(folder):
    run("match", "a.png", "b.png", "--preset", "colmap", "--json", "m.json")
    document = json.loads((folder / "m.json").read_text())
    assert document["image_a"]["n_keypoints"] == len(siftcore.extract("a.png", params="colmap"))
    assert len(siftcore.extract("a.png", params="colmap")) != len(siftcore.extract("a.png"))


def test_images_without_keypoints_are_an_ordinary_result(folder):
    Image.new("L", (64, 48), 128).save("flat.png")
    result = run(
        "match", "flat.png", "b.png", "-g", "fundamental", "-o", "m.webp", "--json", "m.json"
    )
    assert result.exit_code == 0, result.stderr
    assert "no model found" in result.stdout
    document = json.loads((folder / "m.json").read_text())
    assert document["indices"] == []
    assert document["model"] is None
    with Image.open(folder / "m.webp") as picture:
        assert picture.format == "WEBP"


def test_extract_writes_one_file_and_pictures(folder):
    (folder / "sub").mkdir()
    Image.open("b.png").save("sub/b.png")
    arguments = ("-n", "30", "--spread", "--draw", "shown")
    result = run(
        "extract", "a.png", "./sub/b.png", "../" + folder.name + "/b.png", "-o", "f.h5", *arguments
    )
    assert result.exit_code == 0, result.stderr
    assert result.stderr == "", "no progress bar where there is no terminal"
    other = f"{folder.name}/b.png"
    assert list_features("f.h5") == tuple(sorted(["a.png", "sub/b.png", other]))
    expected = siftcore.extract("a.png", max_keypoints=30, spread=True)
    found = read_features("f.h5", "a.png")
    np.testing.assert_array_equal(found.xy, expected.xy)
    np.testing.assert_array_equal(found.descriptors, expected.descriptors)
    assert "90 keypoints of 3 images -> f.h5" in result.stdout
    for name in ("a.png.png", "sub/b.png.png", f"{other}.png"):
        with Image.open(folder / "shown" / name) as picture:
            assert picture.width == 640


def test_extract_takes_absolute_paths(folder):
    result = run("extract", folder / "a.png", "-o", "f.h5", "-n", "5")
    assert result.exit_code == 0, result.stderr
    assert list_features("f.h5") == ((folder / "a.png").as_posix().lstrip("/"),)


def test_providers_lists_all(folder):
    result = run("providers")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["NAME", "AVAILABLE", "SUMMARY"]
    (dog,) = (line for line in lines if line.startswith("dog "))
    assert dog.split()[1] == "yes"
    assert len(dog.split()) > 4


def test_version():
    result = run("--version")
    assert (result.exit_code, result.stdout) == (0, f"siftcore {siftcore.__version__}\n")


@pytest.mark.parametrize("command", ["match", "extract", "providers"])
def test_help_has_an_example(command):
    result = run(command, "--help")
    assert result.exit_code == 0
    assert f"  siftcore {command}" in result.stdout.split("Example")[1]


def test_no_command_shows_the_help():
    result = run()
    assert result.exit_code == 0
    assert "Commands:" in result.stdout


def test_as_a_program(folder):
    done = subprocess.run(
        subprocess_command("match", "a.png", "b.png", "-o", "m.jpg"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "matches" in done.stdout
    assert (folder / "m.jpg").stat().st_size > 1000
    failed = subprocess.run(
        subprocess_command("match", "a.png", "no.png"), capture_output=True, text=True, check=False
    )
    assert failed.returncode == 2
    assert failed.stderr == "error: cannot read an image from 'no.png': there is no such file\n"


def test_help_loads_no_heavy_module():
    code = (
        "import sys; from siftcore.cli import app\n"
        "try: app(['match', '--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'numba', 'PIL', 'h5py', 'torch'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


def test_values_and_sizes_beyond_the_usual(folder, monkeypatch):
    grey = np.asarray(Image.open("a.png")).astype(np.uint16) * 16
    Image.fromarray(grey).save("a12.png")
    assert run("extract", "a12.png", "-o", "f.h5", "--value-range", 0, 4080).exit_code == 0
    found = read_features("f.h5", "a12.png")
    expected = siftcore.extract("a.png")
    assert len(found) == len(expected) > len(siftcore.extract("a12.png"))
    np.testing.assert_allclose(found.xy, expected.xy, atol=1e-3)
    result = run("extract", "a12.png", "-o", "g.h5", "--value-range", 0, 4080, "--workers", 0)
    assert result.exit_code == 0, result.stderr
    np.testing.assert_array_equal(read_features("g.h5", "a12.png").xy, found.xy)
    result = run(*["match", "a12.png", "a12.png", "--value-range", "0", "4080", "--json", "m.json"])
    assert result.exit_code == 0, result.stderr
    with open("m.json", encoding="utf-8") as file:
        assert json.load(file)["settings"]["value_range"] == [0, 4080]
    assert_one_line_error(
        run("extract", "a.png", "-o", "h.h5", "--value-range", 5, 5), "black < white"
    )

    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    assert_one_line_error(run("extract", "a.png", "-o", "h.h5"), "--max-pixels")
    for command in (
        ["extract", "a.png", "-o", "h.h5"],
        ["extract", "a.png", "-o", "h.h5", "--workers", 0],
        ["match", "a.png", "b.png"],
    ):
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
        assert run(*command, "--max-pixels", 10**8).exit_code == 0
