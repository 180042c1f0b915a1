"""Weight files: what is saved comes back, and nothing else is ever taken for it."""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")

import torch

import dognets
from dognets import pretrained
from dognets.errors import WeightsError
from dognets.models import ARCHITECTURES
from dognets.packing import pack
from dognets.pretrained import WEIGHTS_FOLDER, load_model, read_manifest
from dognets.training.presets import PRESETS
from siftcore.errors import OutputError
from tests.dognets.networks import SMALL, small_model
from tests.dognets.weights import FILE, change_manifest, facts, save_small


@pytest.mark.parametrize("name", SMALL)
def test_what_is_saved_comes_back(tmp_path, name):
    model, entry = save_small(name, tmp_path / FILE)
    found, found_entry = load_model(tmp_path / FILE)
    # Sequences among the options become lists.
    assert json.dumps(asdict(found_entry)) == json.dumps(asdict(entry))
    assert not found.training
    expected = model.state_dict()
    assert found.state_dict().keys() == expected.keys()
    for key, value in found.state_dict().items():
        assert torch.equal(value, expected[key]), key
    assert sorted(os.listdir(tmp_path)) == ["manifest.json", FILE]


def test_half_precision_halves_the_file(tmp_path):
    whole, _ = save_small("method3", tmp_path / "whole.safetensors")
    save_small("method3", tmp_path / "half.safetensors", half=True)
    found, _ = load_model(tmp_path / "half.safetensors")
    assert all(p.dtype == torch.float32 for p in found.parameters())
    for key, value in found.state_dict().items():
        assert torch.equal(value, whole.state_dict()[key].half().float()), key
    sizes = [(tmp_path / f"{n}.safetensors").stat().st_size for n in ("whole", "half")]
    assert sizes[1] < 0.7 * sizes[0]


def test_the_folder_of_a_run_will_do(saved):
    assert load_model(saved)[1].file == FILE
    assert load_model(str(saved))[1].file == FILE


def test_one_manifest_for_many_files(tmp_path):
    save_small("srcnn", tmp_path / "b.safetensors")
    save_small("edsr", tmp_path / "a.safetensors")
    save_small("method3", tmp_path / "b.safetensors")
    assert list(read_manifest(tmp_path)) == ["a.safetensors", "b.safetensors"]
    assert load_model(tmp_path / "b.safetensors")[1].architecture == "method3"
    assert load_model(tmp_path / "a.safetensors")[1].architecture == "edsr"


def test_a_missing_file(tmp_path):
    for path in (tmp_path, tmp_path / FILE):
        with pytest.raises(WeightsError, match=r"no weight file .*weights\.safetensors"):
            load_model(path)


def test_a_file_that_is_not_listed(saved):
    (saved / FILE).rename(saved / "renamed.safetensors")
    with pytest.raises(WeightsError, match=r"renamed\.safetensors.* is not listed"):
        load_model(saved / "renamed.safetensors")
    (saved / "manifest.json").unlink()
    with pytest.raises(WeightsError, match=r"is not listed in manifest\.json beside it"):
        load_model(saved / "renamed.safetensors")


@pytest.mark.parametrize("place", [0, 100, -1])
def test_one_altered_byte(saved, place):
    content = bytearray((saved / FILE).read_bytes())
    content[place] ^= 1
    (saved / FILE).write_bytes(content)
    with pytest.raises(WeightsError, match=r"weights\.safetensors.* damaged or was altered: .*SHA"):
        load_model(saved)


@pytest.mark.parametrize("size", [0, 5, 3000])
def test_a_truncated_file(saved, size):
    (saved / FILE).write_bytes((saved / FILE).read_bytes()[:size])
    with pytest.raises(WeightsError, match=r"weights\.safetensors.*SHA-256"):
        load_model(saved)


def test_a_listed_file_of_another_format(saved):
    import hashlib

    (saved / FILE).write_bytes(b"not safetensors")
    change_manifest(saved, sha256=hashlib.sha256(b"not safetensors").hexdigest())
    with pytest.raises(WeightsError, match=r"weights\.safetensors.* does not fit"):
        load_model(saved)


MANIFESTS = {
    "cut": '[{"name": "x", "fi',
    "no list": '{"name": "x"}',
    "a number": "3",
    "names only": '["weights.safetensors"]',
    "a field too few": '[{"name": "x"}]',
    "not text": b"\xff\xfe\x00",
}


@pytest.mark.parametrize("kind", MANIFESTS)
def test_a_damaged_manifest(saved, kind):
    content = MANIFESTS[kind]
    path = saved / "manifest.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(WeightsError, match=r"manifest\.json.* is damaged: "):
        load_model(saved)


@pytest.mark.parametrize(
    "change", [{"file": ["x"]}, {"sha256": 3}, {"options": [1]}, {"architecture": None}]
)
def test_a_manifest_of_wrong_types(saved, change):
    change_manifest(saved, **change)
    with pytest.raises(WeightsError, match=r"manifest\.json.* is damaged"):
        load_model(saved)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"architecture": "edsr", "options": {}}, "does not fit the architecture 'edsr'"),
        ({"options": {"channels": 16, "depth": 2}}, "does not fit the architecture 'method3'"),
        ({"scale": 4}, "does not fit the architecture 'method3'"),
        ({"architecture": "resnet"}, "unknown architecture 'resnet'"),
        ({"scale": 3}, "scale must be 2 or 4"),
        ({"options": {"width": 8}}, "does not take the options"),
    ],
)
def test_weights_of_another_network(saved, change, message):
    change_manifest(saved, **change)
    with pytest.raises(WeightsError, match=message):
        load_model(saved)


def test_a_place_that_cannot_be_written(tmp_path):
    with pytest.raises(OutputError, match="does not exist"):
        save_small("method3", tmp_path / "gone" / FILE)


def test_a_failed_write_keeps_the_old_files(saved, monkeypatch):
    before = {path.name: path.read_bytes() for path in saved.iterdir()}
    from siftcore.io import atomic

    def refuse(descriptor):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(atomic.os, "fsync", refuse)
        with pytest.raises(OutputError, match="No space left"):
            save_small("edsr", saved / FILE)
    assert {path.name: path.read_bytes() for path in saved.iterdir()} == before
    load_model(saved)


def test_nothing_unpickles_code():
    """Every torch.load of the package says weights_only=True, and pickle is never called."""
    calls = []
    for path in sorted(Path(dognets.__file__).parent.rglob("*.py")):
        source = path.read_text()
        calls += re.findall(r"torch\.load\(.*?\)\n", source, re.DOTALL)
        risky = r"pickle\.loads?\b|allow_pickle=True|from torch import load\b"
        assert not re.search(risky, source), path
    assert calls, "the search finds what there is"
    assert all("weights_only=True" in call for call in calls)


SHIPPED = sorted(path.name for path in WEIGHTS_FOLDER.glob("*") if path.suffix != ".json")


@pytest.mark.parametrize("file", SHIPPED)
def test_shipped_weights_load(file):
    model, entry = load_model(WEIGHTS_FOLDER / file)
    assert file == f"{entry.name}.safetensors"
    # A variant's size is never passed off as the published one.
    published = PRESETS[f"{entry.architecture}-x{entry.scale}"].options
    variant = entry.name.removeprefix(f"{entry.architecture}-x{entry.scale}")
    known = PRESETS[entry.name].options if variant else published
    if entry.iterations:
        assert entry.options == known
    assert entry.architecture in ARCHITECTURES
    assert entry.licence
    assert entry.command.startswith("dognets ")
    assert len(entry.validation["psnr"]) == len(entry.validation["gain"]) >= 4
    assert all(torch.isfinite(p).all() for p in model.parameters())
    # No path of the machine that made it.
    assert not re.search(r"(^|[\s=])[/~]", f"{entry.command} {entry.data}")


def test_packed_weights_are_named_and_halved(tmp_path, photo_folder):
    (tmp_path / "run").mkdir()
    (tmp_path / "out").mkdir()
    model = small_model("method3", 2)
    pretrained.save_weights(model, tmp_path / "run" / "weights.safetensors", facts("method3"))
    entry = pack(tmp_path / "run", photo_folder, tmp_path / "out")
    assert entry.file == "method3-x2.safetensors"
    loaded, again = load_model(tmp_path / "out" / entry.file)
    assert again == entry
    for name, value in model.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[name], value.half().float())
