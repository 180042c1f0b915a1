"""Weight files and manifests that fuzzing found, or that were suspected beside them."""

from __future__ import annotations

import hashlib

import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")

from safetensors.torch import load, save

from dognets.errors import CheckpointError, WeightsError
from dognets.models import build_model
from dognets.pretrained import load_model, read_manifest
from dognets.training.checkpoint import load_checkpoint, save_checkpoint
from tests.dognets.weights import FILE, change_manifest


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_weights_that_are_not_finite(saved, value):
    state = load((saved / FILE).read_bytes())
    state["head.weight"].view(-1)[3] = value
    content = save(state)
    (saved / FILE).write_bytes(content)
    change_manifest(saved, sha256=hashlib.sha256(content).hexdigest())
    with pytest.raises(WeightsError, match=r"head\.weight holds NaN"):
        load_model(saved)


@pytest.mark.parametrize(
    "options",
    [
        {"scale": 2},
        {"architecture": "method3"},
        {"self": 1},
        {"channels": 10**9, "depth": 2},
        {"channels": 4096, "depth": 2},
        {"channels": 8, "depth": 10**9},
        {"channels": 2.5},
        {"channels": "8"},
        {"channels": None},
        {"trunk": ["plain"]},
        {"trunk": "x"},
        {"": 1},
        {"channels": -1},
    ],
)
def test_options_that_damage_makes(saved, options):
    change_manifest(saved, options=options)
    with pytest.raises(WeightsError):
        load_model(saved)


def test_sizes_in_sequences_are_checked_too():
    for blocks in ([2, 1, 1, 10**9], [1]):
        with pytest.raises(WeightsError, match="blocks must be"):
            build_model("method1", 2, blocks=blocks, channels=16)


@pytest.mark.parametrize("scale", [[2], "2", None, 3, {"a": 2}, 2.5])
def test_scales_that_damage_makes(saved, scale):
    change_manifest(saved, scale=scale)
    with pytest.raises(WeightsError):
        load_model(saved)


def test_a_manifest_nested_without_end(saved):
    (saved / "manifest.json").write_text("[" * 100_000)
    with pytest.raises(WeightsError, match="manifest"):
        read_manifest(saved)


@pytest.mark.parametrize("cut", [0, 4, 8, 60, -1])
def test_a_cut_file_that_its_manifest_describes(saved, cut):
    content = (saved / FILE).read_bytes()[:cut]
    (saved / FILE).write_bytes(content)
    change_manifest(saved, sha256=hashlib.sha256(content).hexdigest())
    with pytest.raises(WeightsError, match="does not fit the architecture"):
        load_model(saved)


def test_a_checkpoint_that_is_another_kind_of_pickle(tmp_path):
    save_checkpoint(tmp_path, {"step": 1})
    # A "." without anything before it: popped from an empty stack.
    (tmp_path / "last.pt").write_bytes(b"\x80\x02.")
    with pytest.raises(CheckpointError, match="cannot read the checkpoint"):
        load_checkpoint(tmp_path)
