"""Checkpoints: whole or not there, never silently replaced, never taken for another run."""

from __future__ import annotations

import errno
import os

import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")

import torch

from dognets.errors import CheckpointError
from dognets.training.checkpoint import FILE_NAME, load_checkpoint, save_checkpoint
from siftcore.errors import OutputError
from siftcore.io import atomic
from tests.dognets.runs import tiny_trainer

STATE = {"step": 3, "model": {"w": torch.arange(2000.0)}, "last": None, "numbers": [1.5, 2]}


@pytest.fixture
def finished(photo_folder, tmp_path):
    """The folder of a finished run of three steps."""
    tiny_trainer(photo_folder, tmp_path / "run", steps=3).run()
    return tmp_path / "run"


def test_what_is_saved_comes_back(tmp_path):
    save_checkpoint(tmp_path, STATE)
    found = load_checkpoint(tmp_path)
    assert torch.equal(found["model"]["w"], STATE["model"]["w"])
    assert {**found, "model": 0} == {**STATE, "model": 0}
    assert os.listdir(tmp_path) == [FILE_NAME]


def test_no_checkpoint(tmp_path):
    with pytest.raises(CheckpointError, match=r"no checkpoint .*last\.pt.* without --resume"):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.6, 0.9, 0.99])
def test_a_truncated_checkpoint(tmp_path, share):
    save_checkpoint(tmp_path, STATE)
    path = tmp_path / FILE_NAME
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(CheckpointError, match=r"cannot read the checkpoint .*last\.pt.*delete it"):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize("content", [b"hello", b"PK\x03\x04" + bytes(100), bytes(5000)])
def test_a_file_of_another_kind(tmp_path, content):
    (tmp_path / FILE_NAME).write_bytes(content)
    with pytest.raises(CheckpointError, match="cannot read the checkpoint"):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize("state", [[1, 2], {"weights": 1}, torch.zeros(3)])
def test_something_else_saved_by_torch(tmp_path, state):
    torch.save(state, tmp_path / FILE_NAME)
    with pytest.raises(CheckpointError, match="it holds something else"):
        load_checkpoint(tmp_path)


class Harmful:
    """Would run code if it were unpickled."""

    def __reduce__(self):
        return (pytest.fail, ("ran code from a checkpoint",))


def test_code_in_a_checkpoint_is_not_run(tmp_path):
    torch.save({"step": Harmful()}, tmp_path / FILE_NAME)
    with pytest.raises(CheckpointError, match="cannot read the checkpoint"):
        load_checkpoint(tmp_path)


def full_disk_in_torch(monkeypatch):
    def refuse(state, path):
        path.write_bytes(b"half")
        raise RuntimeError("[enforce fail at inline_container.cc:603] . unexpected pos 64 vs 0")

    monkeypatch.setattr(torch, "save", refuse)


def full_disk_at_the_end(monkeypatch):
    def refuse(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(atomic.os, "fsync", refuse)


@pytest.mark.parametrize("fill", [full_disk_in_torch, full_disk_at_the_end])
def test_a_full_disk_keeps_the_previous_checkpoint(tmp_path, monkeypatch, fill):
    save_checkpoint(tmp_path, STATE)
    before = (tmp_path / FILE_NAME).read_bytes()
    with monkeypatch.context() as patch:
        fill(patch)
        with pytest.raises(OutputError, match=r"last\.pt.*No space left.*free some space"):
            save_checkpoint(tmp_path, {**STATE, "step": 4})
    assert (tmp_path / FILE_NAME).read_bytes() == before
    assert os.listdir(tmp_path) == [FILE_NAME]


def test_other_failures_are_not_called_a_full_disk(tmp_path, monkeypatch):
    def refuse(state, path):
        raise RuntimeError("CUDA error: device-side assert triggered")

    monkeypatch.setattr(torch, "save", refuse)
    with pytest.raises(RuntimeError, match="device-side assert"):
        save_checkpoint(tmp_path, STATE)
    assert os.listdir(tmp_path) == []


def test_a_run_that_fills_the_disk_can_be_continued(photo_folder, tmp_path, monkeypatch):
    out = tmp_path / "run"
    trainer = tiny_trainer(photo_folder, out, checkpoint_seconds=-1)
    with monkeypatch.context() as patch:

        def progress(step, *_):
            if step == 4:
                full_disk_at_the_end(patch)

        with pytest.raises(OutputError, match="No space left"):
            trainer.run(progress)
    resumed = tiny_trainer(photo_folder, out, resume=True)
    assert resumed.step == 3
    resumed.run()


def test_a_run_is_not_overwritten(photo_folder, finished):
    before = (finished / FILE_NAME).read_bytes()
    with pytest.raises(CheckpointError, match=r"holds a run already; .*--resume"):
        tiny_trainer(photo_folder, finished, steps=3)
    assert (finished / FILE_NAME).read_bytes() == before


def test_resuming_nothing(photo_folder, tmp_path):
    with pytest.raises(CheckpointError, match="no checkpoint"):
        tiny_trainer(photo_folder, tmp_path / "run", resume=True)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seed": 5}, "seed: 0, now 5"),
        ({"steps": 4}, "steps: 3, now 4"),
        ({"name": "method3-x2-real"}, "name: 'method3-x2', now 'method3-x2-real'"),
        ({"options": {"channels": 9, "depth": 2}}, "'channels': 9"),
    ],
)
def test_resuming_with_other_settings(photo_folder, finished, changes, words):
    with pytest.raises(CheckpointError, match="made with other settings") as caught:
        tiny_trainer(photo_folder, finished, resume=True, **{"steps": 3} | changes)
    assert words in str(caught.value)
    assert "batch" not in str(caught.value), "only what differs is named"


def test_resuming_on_other_images(photo_folder, finished, photos):
    from PIL import Image

    other = photo_folder.parent / "other"
    other.mkdir(exist_ok=True)
    Image.fromarray(photos["boat"]).save(other / "boat_1.png")
    with pytest.raises(CheckpointError, match="images: "):
        tiny_trainer(other, finished, resume=True, steps=3)


def test_resuming_what_another_version_saved(photo_folder, finished):
    state = load_checkpoint(finished)
    state["model"]["head.renamed"] = state["model"].pop("head.weight")
    save_checkpoint(finished, state)
    with pytest.raises(CheckpointError, match="does not fit this version"):
        tiny_trainer(photo_folder, finished, resume=True, steps=3)
