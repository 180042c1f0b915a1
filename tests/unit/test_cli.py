"""The command line: results in files, one line for every error."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import siftcore
from siftcore.cli import app
from siftcore.io.hdf5 import list_features, read_features
from tests.one_line_errors import assert_one_line_error

SHIFT = 9


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def scene():
    """Blobs of several sizes at random places, (120, 160 + SHIFT) uint8."""
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:120, : 160 + SHIFT]
    image = np.full(x.shape, 0.4)
    for _ in range(90):
        sigma = rng.uniform(1.5, 5)
        cx, cy = rng.uniform(0, x.shape[1]), rng.uniform(0, 120)
        squeeze = rng.uniform(0.6, 1.6)
        distance = ((x - cx) * squeeze) ** 2 + (y - cy) ** 2
        image += rng.uniform(-0.4, 0.4) * np.exp(-distance / (2 * sigma**2))
    return np.rint(image.clip(0, 1) * 255).astype(np.uint8)


@pytest.fixture
def folder(tmp_path, monkeypatch, scene):
    """The current folder, with a.png and b.png, which is a.png moved left by SHIFT."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(scene[:, :160]).save("a.png")
    Image.fromarray(scene[:, SHIFT:]).save("b.png")
    return tmp_path


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


def subprocess_command(*arguments):
    return [sys.executable, "-m", "siftcore", *arguments]


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


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_ends_without_a_traceback(folder):
    # Many copies of one image, so that the signal arrives while it works.
    names = [f"{i}.png" for i in range(400)]
    for name in names:
        os.link("a.png", name)
    process = subprocess.Popen(
        subprocess_command("extract", *names, "-o", "f.h5", "--draw", "shown"),
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 120
    while not (folder / "shown" / "3.png.png").exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert (process.returncode, stderr) == (130, "stopped by SIGINT\n")
    assert not [name for name in os.listdir(folder) if name.endswith((".tmp", ".h5"))]


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_inside_a_destructor_is_not_lost(folder):
    code = """
        import sys, time
        import siftcore
        from siftcore.cli import main

        class Interrupted:
            def __del__(self):
                raise KeyboardInterrupt

        def extract(*_, **__):
            Interrupted()
            for _ in range(2000):
                time.sleep(0.01)

        siftcore.extract = extract
        sys.argv = ["siftcore", "extract", "a.png", "-o", "f.h5"]
        main()
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        check=False,
        timeout=25,
    )
    assert (done.returncode, done.stderr) == (130, "stopped by SIGINT\n")
    assert sorted(os.listdir(folder)) == ["a.png", "b.png"]


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
