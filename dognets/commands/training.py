"""``dognets train``, and what can be trained."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from dognets.commands.options import Data, Device, Precision, app

__all__ = ["presets", "train"]


@app.command()
def train(
    preset: Annotated[str, typer.Option("--preset", help="What to train: see 'dognets presets'.")],
    data: Data,
    out: Annotated[Path, typer.Option("--out", help="Folder of the run; made if missing.")],
    device: Device = "auto",
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue from the run's last checkpoint.")
    ] = False,
    init: Annotated[
        Path | None,
        typer.Option("--init", help="Weights to start from: of equal sizes, or a smaller method3."),
    ] = None,
    steps: Annotated[int | None, typer.Option("--steps", help="Instead of the preset's.")] = None,
    batch: Annotated[int | None, typer.Option("--batch", help="Patches an update.")] = None,
    channels: Annotated[
        int | None, typer.Option("--channels", help="Width, where the network has one.")
    ] = None,
    depth: Annotated[
        int | None, typer.Option("--depth", help="Convolutions of method3's trunk, or its blocks.")
    ] = None,
    trunk: Annotated[
        str | None,
        typer.Option("--trunk", help="Of method3: mixer, plain, residual, unet or wide."),
    ] = None,
    loss: Annotated[
        str | None,
        typer.Option(
            "--loss",
            help="bands, bands+pixels, keypoints, pixels or adversarial where an image is "
            "predicted; gaussians, levels or dogs where levels are.",
        ),
    ] = None,
    optimiser: Annotated[str | None, typer.Option("--optimiser", help="adam or muon.")] = None,
    learning_rate: Annotated[
        float | None,
        typer.Option(
            "--learning-rate",
            help="Highest; with muon, of the kernels that Muon takes: Adam beside it has its own.",
        ),
    ] = None,
    degradation: Annotated[str | None, typer.Option("--degradation", help="clean or real.")] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", help="Of the first weights and of the patches.")
    ] = None,
    validate_every: Annotated[
        int | None, typer.Option("--validate-every", help="Updates between validations.")
    ] = None,
    precision: Precision = "auto",
    workers: Annotated[
        int, typer.Option("--workers", min=0, help="Processes that cut patches.")
    ] = 0,
    threads: Annotated[
        int | None, typer.Option("--threads", min=1, help="CPU threads of torch.")
    ] = None,
    cache: Annotated[
        Path | None, typer.Option("--cache", help="Folder for decoded images.")
    ] = None,
) -> None:
    """Train a network; on several GPUs through torchrun.

    Example: dognets train --preset method2-x2 --data DIV2K --out runs/method2-x2 --workers 8
    """
    import torch

    from dognets.training.presets import get_preset
    from dognets.training.report import finish, show_progress
    from dognets.training.trainer import Trainer

    if threads is not None:
        torch.set_num_threads(threads)
    wanted = {
        "steps": steps,
        "batch": batch,
        "loss": loss,
        "optimiser": optimiser,
        "learning_rate": learning_rate,
        "degradation": degradation,
        "seed": seed,
        "validate_every": validate_every,
    }
    changes: dict[str, Any] = {k: v for k, v in wanted.items() if v is not None}
    sizes = {"channels": channels, "depth": depth, "trunk": trunk}
    options = {k: v for k, v in sizes.items() if v is not None}
    chosen = get_preset(preset)
    if options:
        changes["options"] = {**chosen.options, **options}
    trainer = Trainer(
        get_preset(preset, **changes),
        data,
        out,
        device=device,
        resume=resume,
        workers=workers,
        precision=precision,
        cache_folder=cache,
        init=init,
    )
    with show_progress(trainer) as progress:
        psnr = trainer.run(progress)
    if trainer.place.rank == 0:
        finish(trainer, psnr, data)


@app.command()
def presets() -> None:
    """List what can be trained, with its cost."""
    from dognets.models import build_model
    from dognets.training.presets import PRESETS

    for name in sorted(PRESETS):
        preset = PRESETS[name]
        model = build_model(preset.architecture, preset.scale, **preset.options)
        typer.echo(
            f"{name:18} {model.count_parameters():>9,} parameters "
            f"{model.count_multiply_adds():>12,.0f} multiply-adds a pixel "
            f"{preset.steps:>7,} steps of {preset.batch} patches"
        )
