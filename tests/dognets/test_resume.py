"""A run that was killed or interrupted continues as if nothing had happened, bit for bit."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap

import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")

import torch

from dognets.training import learner as learner_module
from dognets.training import trainer as trainer_module
from dognets.training.checkpoint import load_checkpoint
from dognets.training.report import finish
from tests.dognets.runs import rows, tiny_trainer

NARROW = {"blocks": 1, "channels": 4, "colours": 1}
VARIANTS = {
    "adam": {},
    "muon": {"optimiser": "muon", "options": {"channels": 18, "depth": 1}, "learning_rate": 0.01},
    "adversarial": {"name": "srgan-x2", "options": NARROW, "steps": 4, "batch": 2, "patch": 16},
    "real": {"degradation": "real", "workers": 1},
}


class StopHereError(Exception):
    """Ends a run from within."""


def run_to(trainer, step):
    def progress(now, *_):
        if now == step:
            raise StopHereError

    with pytest.raises(StopHereError):
        trainer.run(progress)


def assert_same_weights(a, b):
    for one, other in ((a.average, b.average), (a.model.state_dict(), b.model.state_dict())):
        assert one.keys() == other.keys()
        for key in one:
            assert torch.equal(one[key], other[key]), key


@pytest.mark.parametrize("variant", VARIANTS)
def test_resumed_equals_uninterrupted(photo_folder, tmp_path, variant):
    settings = VARIANTS[variant]
    whole = tiny_trainer(photo_folder, tmp_path / "whole", **settings)
    expected = whole.run()
    broken = tiny_trainer(photo_folder, tmp_path / "run", checkpoint_seconds=-1, **settings)
    run_to(broken, 3)
    resumed = tiny_trainer(photo_folder, tmp_path / "run", resume=True, **settings)
    assert resumed.step == 2, "the last checkpoint"
    found = resumed.run()
    assert resumed.step == whole.preset.steps
    assert_same_weights(resumed, whole)
    assert (found.predicted == expected.predicted).all()


CHILD = """
    import sys, time
    from pathlib import Path
    import torch
    from dognets.training import trainer as module
    from tests.dognets.runs import tiny_trainer

    torch.set_num_threads(1)
    module.LOG_EVERY = 1
    trainer = tiny_trainer(Path(sys.argv[1]), Path(sys.argv[2]), checkpoint_seconds=-1)

    def progress(step, *_):
        if step == 5:
            trainer.checkpoint_seconds = 1e9
        print(step, flush=True)
        if step == 7:
            time.sleep(600)

    trainer.run(progress)
"""


def test_after_a_kill(photo_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(trainer_module, "LOG_EVERY", 1)
    whole = tiny_trainer(photo_folder, tmp_path / "whole")
    finish(whole, whole.run(), photo_folder)

    run = tmp_path / "run"
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(CHILD), str(photo_folder), str(run)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=os.path.dirname(os.path.dirname(os.path.dirname(__file__))),
    ) as child:
        try:
            assert any(line == "7\n" for line in child.stdout)
        finally:
            child.send_signal(signal.SIGKILL)
    assert load_checkpoint(run)["step"] == 4
    assert [row["step"] for row in rows(run / "log.csv")][-1] == "7", "rows that are to be dropped"
    assert [row["step"] for row in rows(run / "validation.csv")] == ["3", "6"]

    resumed = tiny_trainer(photo_folder, run, resume=True)
    finish(resumed, resumed.run(), photo_folder)
    weights = "weights.safetensors"
    assert (run / weights).read_bytes() == (tmp_path / "whole" / weights).read_bytes()
    log, expected = rows(run / "log.csv"), rows(tmp_path / "whole" / "log.csv")
    assert [row["step"] for row in log] == [str(step) for step in range(1, 10)]
    assert [row["loss"] for row in log] == [row["loss"] for row in expected]
    assert rows(run / "validation.csv") == rows(tmp_path / "whole" / "validation.csv")


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("moment", ["between updates", "within an update"])
def test_an_interrupt_waits_for_the_update(photo_folder, tmp_path, monkeypatch, moment, number):
    whole = tiny_trainer(photo_folder, tmp_path / "whole")
    whole.run()
    broken = tiny_trainer(photo_folder, tmp_path / "run")

    def interrupt():
        if broken.step == 4:
            os.kill(os.getpid(), number)

    usual = learner_module.follow

    def follow(*what):
        interrupt()
        usual(*what)

    if moment == "within an update":
        monkeypatch.setattr(learner_module, "follow", follow)
    with pytest.raises(KeyboardInterrupt):
        broken.run(None if moment == "within an update" else lambda *_: interrupt())
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    monkeypatch.undo()
    resumed = tiny_trainer(photo_folder, tmp_path / "run", resume=True)
    assert resumed.step == (5 if moment == "within an update" else 4)
    resumed.run()
    assert_same_weights(resumed, whole)


@pytest.mark.usefixtures("interruptible")
def test_a_second_interrupt_does_not_wait(photo_folder, tmp_path):
    trainer = tiny_trainer(photo_folder, tmp_path / "run")

    def twice(step, *_):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        trainer.run(twice)
    assert trainer.step == 1
    assert not (tmp_path / "run" / "last.pt").exists()


def test_a_finished_run_stays_as_it_is(photo_folder, tmp_path):
    whole = tiny_trainer(photo_folder, tmp_path / "run")
    psnr = whole.run()
    logged = (tmp_path / "run" / "validation.csv").read_text()
    again = tiny_trainer(photo_folder, tmp_path / "run", resume=True)
    found = again.run()
    assert again.step == whole.preset.steps
    assert (found.predicted == psnr.predicted).all()
    assert_same_weights(again, whole)
    assert (tmp_path / "run" / "validation.csv").read_text() == logged
