"""What a run shows while it lasts, and what it leaves behind."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from dognets.evaluation import DogPsnr
from dognets.ladders import ladder_name
from dognets.pretrained import save_weights
from dognets.training import trainer as training

__all__ = ["finish", "print_psnr", "show_progress"]

# Validation PSNR that still rises more than this over the last fifth has not converged.
PLATEAU_DB = 0.02


@contextmanager
def show_progress(trainer: training.Trainer) -> Iterator[training.Progress | None]:
    """A progress bar with loss, PSNR gain, samples per second and time left."""
    if trainer.place.rank != 0:
        yield None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TextColumn("{task.fields[loss]}"),
        TextColumn("{task.fields[psnr]}"),
        TextColumn("{task.fields[rate]:.0f} samples/s"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(
            trainer.preset.name,
            total=trainer.preset.steps,
            completed=trainer.step,
            loss="",
            psnr="",
            rate=0.0,
        )

        def update(step: int, loss: float, rate: float, last: DogPsnr | None) -> None:
            psnr = "" if last is None else "DoG " + " ".join(f"{g:+.2f}" for g in last.gain) + " dB"
            bar.update(task, completed=step, loss=f"loss {loss:.4f}", rate=rate, psnr=psnr)

        yield update


def print_psnr(psnr: DogPsnr) -> None:
    """Print a table of DoG PSNR per level, in dB."""
    table = Table(title=f"DoG PSNR, dB, mean of {psnr.images} images; peak: range of the true DoG")
    for heading in ("", *(f"D{i + 1}" for i in range(len(psnr.gain)))):
        table.add_column(heading, justify="right" if heading else "left")
    table.add_row("network", *(f"{v:.2f}" for v in psnr.predicted))
    table.add_row("bicubic", *(f"{v:.2f}" for v in psnr.bicubic))
    table.add_row("gain", *(f"{v:+.2f}" for v in psnr.gain))
    Console().print(table)


def finish(
    trainer: training.Trainer, psnr: DogPsnr, data: Path, command: str | None = None
) -> None:
    """Write the run's weights and their manifest, and say where.

    Parameters
    ----------
    trainer : Trainer
        At its last step.
    psnr : DogPsnr
        The last validation.
    data : path
        Folder of images.
    command : str, optional
        That trains these weights; by default the one that is running.
    """
    preset = trainer.preset
    model = trainer.averaged_model()
    path = trainer.out / "weights.safetensors"
    save_weights(
        model,
        path,
        {
            "name": preset.name,
            "architecture": preset.architecture,
            "options": preset.options,
            "ladder": ladder_name(model.sigmas),
            "degradation": preset.degradation,
            "data": f"{Path(data).name}: {len(trainer.training_images)} images, "
            f"{len(trainer.held_back)} kept back; {preset.degradation}",
            "iterations": preset.steps,
            "samples": preset.steps * preset.batch,
            "converged": _convergence(trainer.out / "validation.csv"),
            "command": command or _command(),
            "commit": _commit(),
            "licence": "Apache-2.0",
            "validation": psnr.as_dict(),
        },
    )
    print_psnr(psnr)
    # Rich would break a long path and take brackets in it for markup.
    print(f"wrote {path}")


def _convergence(path: Path) -> str:
    rows = np.genfromtxt(path, delimiter=",", names=True)
    steps = np.atleast_1d(rows["step"])
    mean = np.mean([np.atleast_1d(rows[n]) for n in rows.dtype.names if "psnr" in n], axis=0)
    before = np.flatnonzero(steps <= 0.8 * steps[-1])
    if not len(before):
        return "not known: validated once"
    rise = float(mean[-1] - mean[before[-1]])
    word = "plateau" if rise < PLATEAU_DB else "still rising"
    return f"{word}: {rise:+.3f} dB over the last fifth"


def _command() -> str:
    return shlex.join(["dognets", *(_shown(argument) for argument in sys.argv[1:])])


def _shown(argument: str) -> str:
    # Where the data lie is this machine's business.
    option, equals, value = argument.rpartition("=")
    return option + equals + (Path(value).name if "/" in value else value)


def _commit(file: Path = Path(__file__)) -> str:
    """Of the repository that has `file` in it; not that of one which only lies around it."""
    try:
        for command in (
            ["ls-files", "--error-unmatch", file.name],
            ["rev-parse", "--short=12", "HEAD"],
        ):
            found = subprocess.run(
                ["git", *command], cwd=file.parent, capture_output=True, text=True, check=True
            )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return found.stdout.strip()
