"""The command dognets: what it writes, and one line for every error."""

from __future__ import annotations

import json
import os
import shutil

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

pytest.importorskip("torch")
pytest.importorskip("safetensors")

import torch

import dognets.export
from dognets.cli import app
from dognets.models.vdsr import Vdsr
from dognets.pretrained import load_model, read_manifest
from dognets.training.presets import PRESETS
from tests.dognets.conftest import SHARED
from tests.dognets.runs import rows
from tests.dognets.weights import save_small
from tests.one_line_errors import assert_one_line_error

TINY = ["--preset", "method3-x2", "--steps", "3", "--batch", "2", "--channels", "8", "--depth", "2"]


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def folder(photo_folder, tmp_path, monkeypatch):
    """The current folder, with the folder of images and a cache of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    shutil.copytree(photo_folder, tmp_path / "images")
    return tmp_path


def test_train_then_evaluate_then_export(folder, monkeypatch):
    result = run("train", *TINY, "--data", "images", "--out", "run", "--seed", "4")
    assert result.exit_code == 0, (result.stderr, result.exception)
    assert "DoG PSNR" in result.stdout
    assert "wrote run/weights.safetensors" in result.stdout.splitlines()
    assert {"last.pt", "manifest.json", "validation.csv"} <= set(os.listdir("run"))
    (entry,) = read_manifest("run").values()
    assert (entry.name, entry.scale, entry.iterations) == ("method3-x2", 2, 3)
    assert (entry.samples, entry.ladder) == (6, "image")
    assert entry.options == {"channels": 8, "depth": 2}
    assert entry.data == "images: 4 images, 1 kept back; clean"
    logged = [float(rows(folder / "run" / "validation.csv")[-1][f"gain_D{i}"]) for i in range(1, 5)]
    np.testing.assert_allclose(entry.validation["gain"], logged, atol=1e-3)

    result = run("eval", "run", "--data", "images", "--device", "cpu")
    assert result.exit_code == 0, (result.stderr, result.exception)
    model, _ = load_model("run")
    assert result.stdout.startswith(f"method3-x2: {model.count_parameters():,} parameters, ")
    assert "mean of 5 images" in result.stdout
    lines = [line.split() for line in result.stdout.splitlines()]
    assert sum("gain" in line for line in lines) == 1

    # What the file holds is tested where it takes the time once.
    monkeypatch.setattr(dognets.export, "export_onnx", lambda net, path: path.write_text(f"{net}"))
    result = run("export", "run/weights.safetensors", "--onnx", "net.onnx")
    assert result.exit_code == 0, (result.stderr, result.exception)
    assert result.stdout == "wrote net.onnx\n"
    assert (folder / "net.onnx").read_text().startswith("Method3(")


def test_resume(folder):
    arguments = ("train", *TINY, "--data", "images", "--out", "run")
    assert run(*arguments).exit_code == 0
    weights = (folder / "run" / "weights.safetensors").read_bytes()
    assert_one_line_error(run(*arguments), "holds a run already", "--resume")
    result = run(*arguments, "--resume")
    assert result.exit_code == 0, (result.stderr, result.exception)
    assert (folder / "run" / "weights.safetensors").read_bytes() == weights
    assert_one_line_error(run(*arguments, "--resume", "--seed", "3"), "seed: 0, now 3")
    (folder / "run" / "last.pt").write_bytes(b"PK")
    assert_one_line_error(run(*arguments, "--resume"), "cannot read the checkpoint")


def test_a_path_may_be_long_and_have_brackets(folder):
    out = "run [a] " + 60 * "x"
    result = run("train", *TINY, "--data", "images", "--out", out)
    assert result.exit_code == 0, (result.stderr, result.exception)
    assert f"wrote {out}/weights.safetensors" in result.stdout.splitlines()


def test_presets():
    result = run("presets")
    assert result.exit_code == 0
    lines = [line.split() for line in result.stdout.splitlines()]
    assert [line[0] for line in lines] == sorted(PRESETS)
    (small,) = (line for line in lines if line[0] == "method3-x2")
    assert float(small[3].replace(",", "")) <= 150_000


@pytest.mark.parametrize("command", ["train", "eval", "export", "presets", "convert"])
def test_help(command):
    result = run(command, "--help")
    assert result.exit_code == 0
    if command != "presets":
        assert f"dognets {command} " in result.stdout.split("Example")[1]


def test_no_command_shows_the_help():
    result = run()
    assert result.exit_code == 0
    assert "Commands:" in result.stdout


BAD_TRAINING = [
    (["--preset", "method9"], "preset must be one of edsr-x2, "),
    (["--device", "cuda"], "device 'cuda' is not there; this machine has cpu"),
    (["--device", "gpu"], "device must be 'auto'"),
    (["--data", "gone"], "no folder 'gone'"),
    (["--data", "empty"], "no image in 'empty'"),
    (["--data", "text"], "1 images"),
    (["--steps", "0"], "steps must be at least 1"),
    (["--batch", "0"], "batch must be at least 1"),
    (["--learning-rate", "-1"], "learning_rate must be a positive number"),
    (["--learning-rate", "fast"], "--learning-rate"),
    (["--seed", "-1"], "seed must be at least 0"),
    (["--channels", "0"], "channels must be at least 1"),
    (["--channels", "-4"], "channels must be at least 1"),
    (["--depth", "-1"], "depth must be at least 1"),
    (["--trunk", "deep"], "does not take the options"),
    (["--optimiser", "sgd"], "optimiser must be 'adam' or 'muon'"),
    (["--degradation", "rain"], "degradation must be 'clean' or 'real'"),
    (["--precision", "float8"], "precision must be"),
    (["--init", "gone"], "no weight file 'gone'"),
    (["--out", "images/boat_1.png"], "is a file, not a folder"),
    (["--resume"], "no checkpoint"),
    (["--workers", "-1"], "--workers"),
    (["--threads", "0"], "--threads"),
]


@pytest.mark.filterwarnings("ignore:1 images skipped")
@pytest.mark.parametrize(("change", "words"), BAD_TRAINING)
def test_what_cannot_be_trained_is_one_line(folder, monkeypatch, change, words):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    (folder / "empty").mkdir()
    (folder / "text").mkdir()
    (folder / "text" / "a.png").write_text("no image")
    result = run("train", *TINY, "--data", "images", "--out", "run", *change)
    assert_one_line_error(result, words)
    assert not (folder / "run").exists()


BAD_OTHERS = [
    (["eval", "gone", "--data", "images"], "no weight file 'gone'"),
    (["eval", "own.safetensors", "--data", "empty"], "no image in 'empty'"),
    (["eval", "own.safetensors", "--data", "tiny"], "is too small to be judged"),
    (["eval", "own.safetensors", "--data", "images", "--device", "cuda"], "'cuda' is not there"),
    (["eval", "own.safetensors", "--data", "images", "--precision", "x"], "precision must be"),
    (["eval", "own.safetensors", "--data", "images", "--ladder", "x"], "ladder must be"),
    (["eval", "own.safetensors", "--data", "images", "--degradation", "x"], "degradation must be"),
    (["eval", "images/boat_1.png", "--data", "images"], "is not listed"),
    (["export", "gone", "--onnx", "net.onnx"], "no weight file"),
    (["export", "own.safetensors", "--onnx", "gone/net.onnx"], "does not exist"),
    (["nope"], "No such command 'nope'"),
    (["train"], "Missing option"),
]


@pytest.mark.parametrize(("arguments", "words"), BAD_OTHERS)
def test_every_error_is_one_line(folder, monkeypatch, arguments, words):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    (folder / "empty").mkdir()
    (folder / "tiny").mkdir()
    Image.new("L", (60, 40), 99).save(folder / "tiny" / "a.png")
    save_small("method3", folder / "own.safetensors")
    assert_one_line_error(run(*arguments), words)


def test_converted_weights_are_those_published(folder):
    npz = SHARED / "weights" / "vdsr.npz"
    if not npz.is_file():
        pytest.skip("needs ../shared/data/weights/vdsr.npz, which is not part of the repository")
    arguments = ("--architecture", "vdsr", "--scale", "2", "--data", "images", "--out", ".")
    result = run("convert", "--npz", npz, *arguments)
    assert result.exit_code == 0, (result.stderr, result.exception)
    model, entry = load_model("vdsr-x2.safetensors")
    assert entry.licence == "MIT"
    with np.load(npz) as arrays:
        published = arrays["model.input.weight"].astype(np.float16)
    np.testing.assert_array_equal(
        model.convs[0].weight.detach().numpy(), published.astype(np.float32)
    )
    assert str(folder) not in json.dumps(entry.command)


def test_what_cannot_be_converted_is_one_line(folder):
    np.savez("other.npz", x=np.zeros(3))
    (folder / "text.npz").write_text("no arrays")
    (folder / "torn.npz").write_bytes((folder / "other.npz").read_bytes()[:-30])
    (folder / "empty.npz").touch()
    np.save("array.npy", np.zeros(3))
    usual = ["--scale", "2", "--data", "images", "--out", "."]
    for architecture, npz, words in (
        ("edsr", "other.npz", "no published weights are known for 'edsr'"),
        ("vdsr", "other.npz", "does not hold vdsr weights"),
        ("srgan", "text.npz", "does not hold srgan weights"),
        ("vdsr", "gone.npz", "gone.npz"),
        ("vdsr", "torn.npz", "'torn.npz' does not hold vdsr weights"),
        ("vdsr", "empty.npz", "'empty.npz' does not hold vdsr weights"),
        ("vdsr", "array.npy", "'array.npy' does not hold vdsr weights"),
    ):
        result = run("convert", "--architecture", architecture, "--npz", npz, *usual)
        assert_one_line_error(result, words)
    assert not list(folder.glob("*.safetensors"))


@pytest.mark.parametrize("command", ["convert", "pack"])
def test_where_nothing_can_be_written_no_network_is_validated(folder, monkeypatch, command):
    def validate(*_):
        pytest.fail("minutes of work for nothing")

    monkeypatch.setattr(
        f"dognets.{'packing' if command == 'pack' else 'convert'}.validate", validate
    )
    monkeypatch.setattr(Vdsr, "load_published", lambda *_: None)
    save_small("method3", folder / "own.safetensors")
    np.savez("weights.npz", x=np.zeros(3))
    of_convert = ["--architecture", "vdsr", "--scale", "2", "--npz", "weights.npz"]
    arguments = ["own.safetensors"] if command == "pack" else of_convert
    result = run(command, *arguments, "--data", "images", "--out", "gone")
    assert_one_line_error(result, "the folder 'gone' does not exist")


def test_the_help_names_every_loss():
    assert all(preset.loss in run("train", "--help").stdout for preset in PRESETS.values())
