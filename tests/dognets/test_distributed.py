"""Several processes train as one does."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")

import torch
import torch.distributed as dist

from dognets.errors import DeviceError
from dognets.training.distributed import Place, join, leave
from tests.dognets.runs import tiny_trainer

ROOT = Path(__file__).resolve().parents[2]
NARROW = {"blocks": 1, "channels": 4, "colours": 1}
CHILD = f"""
    import os, signal, sys
    from pathlib import Path
    import torch
    from dognets.training import trainer as module
    from siftcore import SiftError
    from tests.dognets.runs import tiny_trainer

    torch.set_num_threads(1)
    sys.modules["torch.utils.tensorboard"] = None
    # One launch for all of it, to save time: the processes stay joined between the runs.
    module.leave = lambda: None
    images, out = Path(sys.argv[1]), Path(sys.argv[2])
    rank = os.environ["RANK"]
    try:
        tiny_trainer(images, out / "odd", batch=3)
    except SiftError as error:
        (out / f"error{{rank}}.txt").write_text(str(error))

    trainer = tiny_trainer(images, out / "run", steps=4)
    trainer.run()
    torch.save(trainer.average, out / f"average{{rank}}.pt")

    options = dict(steps=2, batch=2, patch=16, halo=0, options={NARROW})
    trainer = tiny_trainer(images, out / "against", "srgan-x2", **options)
    trainer.run()
    adversary = trainer.learner.adversary.network
    torch.save(dict(adversary.named_parameters()), out / f"adversary{{rank}}.pt")

    # Ctrl-C reaches one process alone, as a scheduler's signal may.
    trainer = tiny_trainer(images, out / "stopped", steps=6)
    usual = trainer.learner.update
    def update(low, high, step):
        if step == 2 and rank == "1":
            os.kill(os.getpid(), signal.SIGINT)
        return usual(low, high, step)
    trainer.learner.update = update
    try:
        trainer.run()
    except KeyboardInterrupt:
        (out / f"stopped{{rank}}.txt").write_text(str(trainer.step))
    torch.distributed.destroy_process_group()
"""


@pytest.fixture(scope="module")
def together(photo_folder, tmp_path_factory):
    """What two processes of torchrun leave behind."""
    if not dist.is_available() or not dist.is_gloo_available():
        pytest.skip("this PyTorch has no gloo")
    out = tmp_path_factory.mktemp("together")
    script = out / "child.py"
    script.write_text(textwrap.dedent(CHILD))
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [sys.executable, *launch, str(script), str(photo_folder), str(out)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    return out


def load(path):
    return torch.load(path, weights_only=True)


def test_two_processes_give_what_one_gives(together, photo_folder, tmp_path):
    alone = tiny_trainer(photo_folder, tmp_path / "run", steps=4)
    alone.run()
    found = load(together / "average0.pt")
    assert found.keys() == alone.average.keys()
    for key, value in found.items():
        torch.testing.assert_close(value, alone.average[key], rtol=0, atol=1e-5)
        assert value.abs().max() > 0


def test_all_processes_hold_the_same_weights(together):
    for name in ("average", "adversary"):
        one, other = (load(together / f"{name}{rank}.pt") for rank in (0, 1))
        assert one.keys() == other.keys()
        for key in one:
            torch.testing.assert_close(one[key], other[key], rtol=0, atol=1e-6)


def test_one_process_writes(together):
    assert sorted(os.listdir(together / "run")) == ["last.pt", "validation.csv"]
    lines = (together / "run" / "validation.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["step", "3", "4"]


def test_a_batch_that_cannot_be_shared_is_refused(together):
    for rank in (0, 1):
        message = (together / f"error{rank}.txt").read_text()
        assert message == "batch must be a multiple of the 2 processes; got 3"


def test_an_interrupt_of_one_stops_all_at_the_same_step(together):
    assert [(together / f"stopped{rank}.txt").read_text() for rank in (0, 1)] == ["3", "3"]
    assert load(together / "stopped" / "last.pt")["step"] == 3


def test_a_checkpoint_of_two_is_not_continued_by_one(together, photo_folder):
    from dognets.errors import CheckpointError

    with pytest.raises(CheckpointError, match="world: 2, now 1"):
        tiny_trainer(photo_folder, together / "run", steps=4, resume=True)


def test_alone_there_is_nothing_to_join():
    assert join(torch.device("cpu")) == Place(0, 1, 0)
    assert not dist.is_initialized()
    leave()


def test_more_processes_than_gpus_are_refused(monkeypatch):
    for name, value in (("WORLD_SIZE", "2"), ("RANK", "1"), ("LOCAL_RANK", "1")):
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(DeviceError, match=r"process 1 of this machine has no GPU .* there are 1"):
        join(torch.device("cuda"))
    assert not dist.is_initialized()
