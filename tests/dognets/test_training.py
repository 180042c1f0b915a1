"""The training loop: it learns, it repeats itself, and it serves every preset."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")

import torch

from dognets.errors import DataError, DeviceError
from dognets.training import trainer as trainer_module
from dognets.training.optimisers import rate_share
from dognets.training.presets import PRESETS, TrainingPreset, get_preset
from dognets.training.trainer import Trainer
from siftcore.errors import ParameterError
from tests.dognets.runs import rows, tiny_preset, tiny_trainer


def losses(trainer):
    seen = []
    trainer.run(lambda step, loss, rate, last: seen.append(loss))
    return seen


def assert_same(a, b):
    assert a.keys() == b.keys()
    for key in a:
        assert torch.equal(a[key], b[key]), key


@pytest.mark.parametrize("loss", ["bands", "pixels"])
def test_the_loss_falls(photo_folder, tmp_path, loss):
    found = losses(tiny_trainer(photo_folder, tmp_path / "run", loss=loss, steps=60))
    assert len(found) == 60
    assert np.mean(found[-15:]) < 0.97 * np.mean(found[:15])


def test_weights_are_averaged_with_a_growing_memory(photo_folder, tmp_path):
    trainer = tiny_trainer(photo_folder, tmp_path / "run", ema=0.2)
    expected = trainer.model.head.weight.detach().clone()

    def follow(step, *_):
        decay = min(0.2, step / (step + 9))
        expected.mul_(decay).add_(trainer.model.head.weight.detach(), alpha=1 - decay)

    trainer.run(follow)
    torch.testing.assert_close(trainer.average["head.weight"], expected)
    model = trainer.averaged_model()
    assert torch.equal(model.head.weight, trainer.average["head.weight"])
    assert not torch.equal(model.head.weight, trainer.model.head.weight)


def test_validation_is_of_the_averaged_weights_on_what_is_kept_back(photo_folder, tmp_path):
    trainer = tiny_trainer(photo_folder, tmp_path / "run")
    fresh = trainer.validate()
    np.testing.assert_allclose(fresh.gain, 0, atol=0.01)
    assert fresh.images == len(trainer.held_back) == 1
    assert not set(trainer.held_back) & set(trainer.training_images)
    last = trainer.run()
    again = trainer.validate()
    np.testing.assert_array_equal(again.predicted, last.predicted)
    np.testing.assert_array_equal(again.bicubic, fresh.bicubic)
    assert (again.predicted != fresh.predicted).all()


def test_the_same_seed_gives_the_same_weights(photo_folder, tmp_path):
    results = []
    for run, settings in (("a", {}), ("b", {"workers": 1}), ("c", {"seed": 1})):
        trainer = tiny_trainer(photo_folder, tmp_path / run, **settings)
        trainer.run()
        results.append(trainer.average)
    assert_same(results[0], results[1])
    assert not torch.equal(results[0]["head.weight"], results[2]["head.weight"])


def test_logs(photo_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(trainer_module, "LOG_EVERY", 2)
    seen = []
    trainer = tiny_trainer(photo_folder, tmp_path / "run", steps=7)
    last = trainer.run(lambda *values: seen.append(values))
    assert [values[0] for values in seen] == list(range(1, 8))
    log = rows(tmp_path / "run" / "log.csv")
    assert [row["step"] for row in log] == ["2", "4", "6"]
    assert float(log[1]["loss"]) == pytest.approx(seen[3][1], rel=1e-5)
    assert float(log[0]["learning_rate"]) > float(log[2]["learning_rate"]) > 0
    validation = rows(tmp_path / "run" / "validation.csv")
    assert [row["step"] for row in validation] == ["3", "6", "7"]
    assert float(validation[-1]["psnr_D1"]) == pytest.approx(last.predicted[0], rel=1e-5)
    assert float(validation[-1]["gain_D4"]) == pytest.approx(last.gain[3], rel=1e-3, abs=1e-5)


def test_the_learning_rate_rises_then_falls():
    schedule = [rate_share(step, 1000, 100) for step in range(1001)]
    assert schedule[0] == pytest.approx(0.01, abs=1e-3)
    assert np.argmax(schedule) == pytest.approx(99, abs=1)
    assert (np.diff(schedule[100:]) < 0).all()
    assert schedule[-1] == pytest.approx(0.02)
    assert rate_share(0, 5, 100) == 1.0, "a short run warms up for less"


@pytest.mark.parametrize("name", ["srgan-x2", "srgan-x4"])
def test_against_an_adversary(photo_folder, tmp_path, name):
    options = {"blocks": 1, "channels": 4, "colours": 1}
    trainer = tiny_trainer(
        photo_folder, tmp_path / "run", name, options=options, steps=2, batch=2, patch=16, halo=0
    )
    fresh = {
        key: value.clone() for key, value in trainer.learner.adversary.network.state_dict().items()
    }
    assert np.isfinite(losses(trainer)).all()
    learned = trainer.learner.adversary.network.state_dict()
    assert not torch.equal(learned["body.0.weight"], fresh["body.0.weight"])


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision(photo_folder, tmp_path, precision):
    trainer = tiny_trainer(photo_folder, tmp_path / "run", precision=precision, steps=1)
    assert np.isfinite(losses(trainer)).all()
    assert all(p.dtype == torch.float32 for p in trainer.model.parameters())
    assert all(torch.isfinite(p).all() for p in trainer.model.parameters())


@pytest.mark.parametrize("degradation", ["clean", "real"])
@pytest.mark.parametrize("name", ["method1-x2", "method2-x2", "method3-x2-lowe"])
def test_stacks_can_be_trained(photo_folder, tmp_path, name, degradation):
    options = {"channels": 4}
    options |= {"depth": 1, "heads": "lowe"} if "lowe" in name else {}
    if "lowe" not in name:
        options["blocks"] = (1,) * (4 if "method1" in name else 5)
    # The levels need 13 and 21 samples around what is judged.
    trainer = tiny_trainer(
        photo_folder,
        tmp_path / "run",
        name,
        options=options,
        degradation=degradation,
        patch=28,
        steps=1,
    )
    assert trainer.learner.margin == (21 if "lowe" in name else 13)
    assert np.isfinite(losses(trainer)).all()


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_every_preset_can_be_set_up(photo_folder, tmp_path, name):
    preset = PRESETS[name]
    assert preset.name == name
    assert f"-x{preset.scale}" in name
    # The photographs of these tests are no larger.
    changes = {"patch": 16, "halo": 2} if preset.scale == 4 else {}
    trainer = Trainer(
        get_preset(name, **changes),
        photo_folder,
        tmp_path / "run",
        device="cpu",
        cache_folder=photo_folder.parent / "cache",
    )
    assert trainer.step == 0
    assert (trainer.learner.adversary is not None) == name.startswith("srgan")
    assert not (tmp_path / "run").exists(), "nothing is written before the run"


BAD = [
    ({"steps": 0}, "steps must be at least 1; got 0"),
    ({"batch": 0}, "batch must be at least 1"),
    ({"patch": 8}, "patch must be at least 16"),
    ({"seed": -1}, "seed must be at least 0"),
    ({"learning_rate": 0.0}, "learning_rate must be a positive number"),
    ({"learning_rate": float("nan")}, "learning_rate must be a positive number"),
    ({"ema": 1.0}, "ema must be at least 0 and below 1"),
    ({"optimiser": "sgd"}, "optimiser must be 'adam' or 'muon'; got 'sgd'"),
    ({"degradation": "rain"}, "degradation must be 'clean' or 'real'; got 'rain'"),
]


@pytest.mark.parametrize(("changes", "message"), BAD)
def test_settings_out_of_range_are_refused(changes, message):
    with pytest.raises(ParameterError, match=message):
        tiny_preset(**changes)
    with pytest.raises(ParameterError, match=message):
        TrainingPreset(
            **{"name": "x", "architecture": "srcnn", "scale": 2, "loss": "pixels", "steps": 1}
            | changes
        )


def test_what_is_wrong_with_a_run_is_said_before_it(photo_folder, tmp_path):
    with pytest.raises(ParameterError, match=r"one of .*method3-x2"):
        get_preset("method4-x2")
    with pytest.raises(ParameterError, match="precision"):
        tiny_trainer(photo_folder, tmp_path / "run", precision="float8")
    with pytest.raises(ParameterError, match="the levels need 13 samples"):
        tiny_trainer(
            photo_folder, tmp_path / "run", "method2-x2", patch=16, halo=0, options={"channels": 4}
        )
    with pytest.raises(DataError, match="no folder"):
        tiny_trainer(tmp_path / "gone", tmp_path / "run")
    with pytest.raises((DeviceError, ParameterError), match="device"):
        Trainer(tiny_preset(), photo_folder, tmp_path / "run", device="tpu")
    assert not (tmp_path / "run").exists()
