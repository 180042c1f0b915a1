"""Training that starts from given weights, grown where the network is larger."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")

import torch

from dognets.errors import CheckpointError, WeightsError
from dognets.models import build_model
from dognets.pretrained import load_model
from dognets.training.growth import start_from
from tests.dognets.runs import tiny_trainer
from tests.dognets.weights import save_small


@pytest.fixture
def trained(tmp_path):
    """A weight file of a method3 with 8 channels and 2 convolutions, x2."""
    path = tmp_path / "trained" / "weights.safetensors"
    path.parent.mkdir()
    save_small("method3", path)
    return path


def started(trained, options, architecture="method3", scale=2):
    torch.manual_seed(3)
    model = build_model(architecture, scale, **options)
    start_from(model, *load_model(trained), options)
    return model


@pytest.mark.parametrize(
    "options",
    [
        {"channels": 8, "depth": 2},
        {"channels": 20, "depth": 2},
        {"channels": 8, "depth": 5},
        {"channels": 20, "depth": 7},
    ],
    ids=["the same", "wider", "deeper", "both"],
)
def test_a_larger_network_computes_what_the_smaller_one_does(trained, options):
    model = started(trained, options).eval()
    image = torch.rand(2, 1, 30, 24)
    with torch.no_grad():
        expected = load_model(trained)[0](image)
        assert not torch.equal(expected, build_model("method3", 2, **options).eval()(image))
        torch.testing.assert_close(model(image), expected, rtol=0, atol=1e-6)


def test_what_has_grown_learns(trained):
    """New channels start at random, or all of them would stay alike for ever."""
    model = started(trained, {"channels": 20, "depth": 5})
    model(torch.rand(1, 1, 20, 20)).square().mean().backward()
    new = model.head.weight.grad[:, 8:].flatten(2).norm(dim=(0, 2))
    assert (new > 0).all()
    assert len(torch.unique(new)) == 12


BAD = [
    ({"channels": 6, "depth": 2}, "method3", 2, "do not fit into"),
    ({"channels": 8, "depth": 1}, "method3", 2, "do not fit into"),
    ({"channels": 16, "depth": 2, "heads": "lowe"}, "method3", 2, "do not fit into"),
    ({"channels": 8, "depth": 2, "trunk": "wide"}, "method3", 2, "only a method3 with a plain"),
    ({"channels": 8, "depth": 2}, "method3", 4, "is method3-x2, not method3-x4"),
    ({}, "srcnn", 2, "is method3-x2, not srcnn-x2"),
]


@pytest.mark.parametrize(("options", "architecture", "scale", "message"), BAD)
def test_what_does_not_fit_is_refused(trained, options, architecture, scale, message):
    with pytest.raises(WeightsError, match=message):
        started(trained, options, architecture, scale)


def test_a_run_starts_from_weights(photo_folder, tmp_path, trained):
    small = load_model(trained)[0]
    run = tmp_path / "run"
    trainer = tiny_trainer(
        photo_folder, run, init=trained, options={"channels": 12, "depth": 3}, steps=2
    )
    image = torch.rand(1, 1, 20, 20)
    with torch.no_grad():
        torch.testing.assert_close(trainer.averaged_model().eval()(image), small(image))
    trainer.run()
    # A run is what its start made it: another start is another run.
    settings = {"options": {"channels": 12, "depth": 3}, "steps": 2, "resume": True}
    assert tiny_trainer(photo_folder, run, init=trained, **settings).step == 2
    with pytest.raises(CheckpointError, match="init"):
        tiny_trainer(photo_folder, run, **settings)


def test_the_folder_of_a_run_will_do(photo_folder, tmp_path, trained):
    trainer = tiny_trainer(photo_folder, tmp_path / "run", init=trained.parent)
    expected = load_model(trained)[0].state_dict()
    for key, value in trainer.model.state_dict().items():
        assert torch.equal(value, expected[key])


def test_damaged_weights_start_nothing(photo_folder, tmp_path, trained):
    trained.write_bytes(trained.read_bytes()[:-4])
    with pytest.raises(WeightsError, match="SHA-256"):
        tiny_trainer(photo_folder, tmp_path / "run", init=trained)
    assert not (tmp_path / "run").exists()
