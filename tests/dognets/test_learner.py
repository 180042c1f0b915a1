"""One update: its precision, and what it does with gradients that are no numbers."""

from __future__ import annotations

import math

import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")

import torch

from dognets.errors import CheckpointError
from dognets.training import pace as pace_module
from dognets.training.checkpoint import load_checkpoint
from dognets.training.pace import Pace
from dognets.training.precision import half_type, make_scaler
from tests.dognets.networks import small_model
from tests.dognets.runs import tiny_trainer

GPU = torch.device("cuda")
FOR_MUON = {"optimiser": "muon", "options": {"channels": 18, "depth": 1}, "learning_rate": 0.01}


def spoil(trainer, parameter, at):
    """Let the gradient of a parameter be no number in the update `at`; the loss is one."""
    parameter.register_hook(lambda g: torch.full_like(g, math.nan) if trainer.step == at else g)


def test_a_gradient_that_is_no_number_never_reaches_weights_or_checkpoints(photo_folder, tmp_path):
    trainer = tiny_trainer(photo_folder, tmp_path / "run", checkpoint_seconds=-1)
    spoil(trainer, trainer.model.head.weight, at=3)
    with pytest.raises(CheckpointError, match=r"step 3 is [\d.]+ and the norm .* nan; .*rate"):
        trainer.run()
    assert trainer.step == 3
    assert all(p.isfinite().all() for p in trainer.model.parameters())
    saved = load_checkpoint(tmp_path / "run")
    assert saved["step"] == 3
    assert all(value.isfinite().all() for value in saved["model"].values())


def test_a_loss_that_is_no_number_is_named(photo_folder, tmp_path):
    trainer = tiny_trainer(photo_folder, tmp_path / "run")
    with torch.no_grad():
        trainer.model.head.bias.fill_(math.inf)
    with pytest.raises(CheckpointError, match=r"the loss of step 0 is (nan|inf)"):
        trainer.run()


def test_a_float16_overflow_in_one_optimiser_is_skipped_by_all(photo_folder, tmp_path):
    """Clipping by a norm of NaN would spoil the gradients of Adam, which has none itself."""
    trainer = tiny_trainer(photo_folder, tmp_path / "run", precision="float16", **FOR_MUON)
    learner = trainer.learner
    muon = learner.optimisers[0]
    learner.scaler = torch.amp.GradScaler("cpu", init_scale=2.0)
    spoil(trainer, muon.param_groups[0]["params"][0], at=2)
    scales, weights = [], []
    trainer.run(
        lambda *_: (
            scales.append(learner.scaler.get_scale()),
            weights.append([p.detach().clone() for p in trainer.model.parameters()]),
        )
    )
    assert len(scales) == 9
    assert scales[1] == 2.0 > scales[2] == 1.0
    pairs = [list(zip(weights[i], weights[i + 1], strict=True)) for i in (1, 2)]
    assert all(torch.equal(a, b) for a, b in pairs[0]), "left out"
    assert not any(torch.equal(a, b) for a, b in pairs[1]), "and on it goes"
    assert all(p.isfinite().all() for p in weights[-1])


def gradients(photo_folder, out, precision):
    trainer = tiny_trainer(photo_folder, out, precision=precision)
    learner = trainer.learner
    with torch.no_grad():
        # What the head learns from is small where the weights are large.
        learner.model.head.weight.normal_(0, 1e-4)
    found = {}
    for optimiser in learner.optimisers:
        optimiser.register_step_pre_hook(
            lambda *_: found.update(
                {k: p.grad.clone() for k, p in learner.model.named_parameters()}
            )
        )
    low, high = next(trainer._batches())
    # The scale starts so high that the first updates overflow and are left out.
    while not found:
        learner.update(low, high, 0)
    return found


def test_gradients_of_float16_do_not_vanish(photo_folder, tmp_path):
    single = gradients(photo_folder, tmp_path / "single", "float32")
    half = gradients(photo_folder, tmp_path / "half", "float16")
    assert half.keys() == single.keys()
    for key, expected in single.items():
        error = (half[key] - expected).norm() / expected.norm()
        assert error < 0.05, (key, float(error))


def test_float16_alone_is_scaled():
    assert make_scaler(torch.float16, torch.device("cpu")).is_enabled()
    assert not make_scaler(torch.bfloat16, torch.device("cpu")).is_enabled()
    assert not make_scaler(None, torch.device("cpu")).is_enabled()


def test_a_checkpoint_without_a_scaler_is_continued(photo_folder, tmp_path):
    settings = {"precision": "float16", "steps": 4}
    trainer = tiny_trainer(photo_folder, tmp_path / "run", checkpoint_seconds=-1, **settings)
    trainer.run()
    state = load_checkpoint(tmp_path / "run")
    assert state["scaler"]
    torch.save({**state, "scaler": {}}, tmp_path / "run" / "last.pt")
    assert tiny_trainer(photo_folder, tmp_path / "run", resume=True, **settings).step == 4


@pytest.mark.parametrize(("native", "expected"), [(True, torch.bfloat16), (False, None)])
def test_bfloat16_only_where_the_gpu_computes_in_it(monkeypatch, native, expected):
    """PyTorch says yes to GPUs that would convert at every step, unless it is asked twice."""
    monkeypatch.setattr(
        torch.cuda,
        "is_bf16_supported",
        lambda including_emulation=True: including_emulation or native,
    )
    assert half_type("auto", GPU, small_model("method3")) is expected
    assert half_type("auto", GPU, small_model("method2")) is None
    assert half_type("auto", torch.device("cpu"), small_model("method3")) is None
    assert half_type("bfloat16", GPU, small_model("method2")) is torch.bfloat16


def test_averages_of_another_network_are_refused(photo_folder, tmp_path):
    learner = tiny_trainer(photo_folder, tmp_path / "run").learner
    state = learner.state_dict()
    name = "head.bias"
    lacking = {key: value for key, value in learner.average.items() if key != name}
    with pytest.raises(KeyError, match="averaged weights"):
        learner.load_state_dict({**state, "average": lacking})
    with pytest.raises(ValueError, match=r"average of head\.bias has the shape \(1,\)"):
        learner.load_state_dict({**state, "average": {**learner.average, name: torch.zeros(1)}})


def test_the_pace_is_that_of_the_updates(monkeypatch):
    now = [10.0]
    monkeypatch.setattr(pace_module.time, "monotonic", lambda: now[0])
    pace = Pace(8)
    now[0] += 2
    assert pace.after_update() == 4.0
    now[0] += 100
    pace.resume()
    now[0] += 2
    assert pace.after_update() == 4.0
