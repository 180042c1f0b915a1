"""The command ``dognets``: train, evaluate and export networks.

Whatever goes wrong is one line on stderr, ``error: ...``, and exit code 2; an interrupt is 130.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from siftcore._cli_errors import keep_interrupts, make_app, open_closed_streams
from siftcore.errors import ParameterError

__all__ = ["app", "main"]

app = make_app()

_Data = Annotated[Path, typer.Option("--data", help="Folder of images, searched to any depth.")]
_Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:N or mps.")]


@app.callback(invoke_without_command=True)
def _root(context: typer.Context) -> None:
    """Networks that super-resolve SIFT's scale space.

    Example: dognets train --preset method3-x2 --data DIV2K --out runs/method3-x2
    """
    _require_torch()
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def _require_torch() -> None:
    from importlib.util import find_spec

    from siftcore.errors import MissingDependencyError

    for package in ("torch", "safetensors"):
        if find_spec(package) is None:
            raise MissingDependencyError(package, "dognets", "torch")


@app.command()
def train(
    preset: Annotated[str, typer.Option("--preset", help="What to train: see 'dognets presets'.")],
    data: _Data,
    out: Annotated[Path, typer.Option("--out", help="Folder of the run; made if missing.")],
    device: _Device = "auto",
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
        int | None, typer.Option("--depth", help="Convolutions of method3's trunk.")
    ] = None,
    trunk: Annotated[
        str | None,
        typer.Option("--trunk", help="Of method3: mixer, plain, residual, unet or wide."),
    ] = None,
    loss: Annotated[
        str | None, typer.Option("--loss", help="bands, bands+pixels, keypoints or pixels.")
    ] = None,
    optimiser: Annotated[str | None, typer.Option("--optimiser", help="adam or muon.")] = None,
    learning_rate: Annotated[float | None, typer.Option("--learning-rate")] = None,
    degradation: Annotated[str | None, typer.Option("--degradation", help="clean or real.")] = None,
    seed: Annotated[int | None, typer.Option("--seed")] = None,
    validate_every: Annotated[
        int | None, typer.Option("--validate-every", help="Updates between validations.")
    ] = None,
    precision: Annotated[
        str, typer.Option("--precision", help="auto, float32, bfloat16 or float16.")
    ] = "auto",
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


@app.command("eval")
def evaluate(
    weights: Annotated[Path, typer.Argument(metavar="RUN|WEIGHTS")],
    data: _Data,
    device: _Device = "auto",
    precision: Annotated[
        str, typer.Option("--precision", help="auto, float32, bfloat16 or float16.")
    ] = "auto",
    ladder: Annotated[
        str | None,
        typer.Option("--ladder", help="paper or lowe; of a network that predicts an image."),
    ] = None,
    degradation: Annotated[
        str, typer.Option("--degradation", help="Of the reduced images: clean or real.")
    ] = "clean",
) -> None:
    """DoG PSNR of a network on a folder of high-resolution images, beside bicubic.

    Example: dognets eval runs/method2-x2 --data Set14
    """
    from dognets.data.degradation import DEGRADATIONS
    from dognets.data.images import find_images, read_luminance
    from dognets.evaluation import chosen_ladder, measure_dog_psnr
    from dognets.inference import Runner
    from dognets.pretrained import load_model
    from dognets.training.report import print_psnr

    if degradation not in DEGRADATIONS:
        raise ParameterError("degradation", degradation, " or ".join(map(repr, DEGRADATIONS)))
    model, entry = load_model(weights)
    runner = Runner(model, device, precision)  # type: ignore[arg-type]
    images = (read_luminance(path) for path in find_images(data))
    sigmas = chosen_ladder(model, ladder)
    psnr = measure_dog_psnr(runner, images, model.scale, model.predicts, sigmas, degradation)
    cost = model.count_multiply_adds()
    typer.echo(
        f"{entry.name}: {model.count_parameters():,} parameters, "
        f"{cost:,.0f} multiply-adds a low-resolution pixel"
    )
    print_psnr(psnr)


@app.command()
def export(
    weights: Annotated[Path, typer.Argument(metavar="RUN|WEIGHTS")],
    onnx: Annotated[Path, typer.Option("--onnx", help="File to write.")],
) -> None:
    """Write a network as ONNX, for any image size.

    Example: dognets export runs/method3-x2 --onnx method3-x2.onnx
    """
    from dognets.export import export_onnx
    from dognets.pretrained import load_model

    model, _ = load_model(weights)
    export_onnx(model, onnx)
    typer.echo(f"wrote {onnx}")


@app.command()
def convert(
    architecture: Annotated[str, typer.Option("--architecture", help="vdsr or srgan.")],
    scale: Annotated[int, typer.Option("--scale", help="2 or 4.")],
    npz: Annotated[Path, typer.Option("--npz", help="Published weights as arrays by name.")],
    data: _Data,
    out: Annotated[Path, typer.Option("--out", help="Folder to write to.")],
) -> None:
    """Turn published weights of VDSR or SRGAN into a weight file.

    Example: dognets convert --architecture vdsr --scale 2 --npz vdsr.npz --data DIR --out weights
    """
    from dognets.convert import convert_published

    entry = convert_published(architecture, scale, npz, data, out)
    gains = " ".join(f"{gain:+.2f}" for gain in entry.validation["gain"])
    typer.echo(f"wrote {out / entry.file}: {gains} dB over bicubic")


@app.command()
def pack(
    weights: Annotated[Path, typer.Argument(metavar="RUN|WEIGHTS")],
    data: _Data,
    out: Annotated[Path, typer.Option("--out", help="Folder to write to.")],
) -> None:
    """Make a run's weights ready to be shipped: named, listed, in half precision if that is free.

    Example: dognets pack runs/method3-x2 --data DIV2K --out dognets/weights
    """
    from dognets.packing import pack as pack_weights

    entry = pack_weights(weights, data, out)
    path = out / entry.file
    typer.echo(f"wrote {path}, {path.stat().st_size / 1024:.0f} KiB")


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


@app.command()
def weights() -> None:
    """List the weights that come with the package, as a Markdown table."""
    from dognets.models import build_model
    from dognets.pretrained import WEIGHTS_FOLDER, read_manifest

    columns = ("name", "parameters", "multiply-adds a pixel", "steps", "converged")
    columns += ("DoG gain over bicubic, dB", "licence", "KiB")
    typer.echo("| " + " | ".join(columns) + " |\n|" + " --- |" * len(columns))
    for entry in read_manifest().values():
        model = build_model(entry.architecture, entry.scale, **entry.options)
        cells = (
            entry.name,
            f"{model.count_parameters():,}",
            f"{model.count_multiply_adds():,.0f}",
            f"{entry.iterations:,}" if entry.iterations else "-",
            entry.converged,
            " ".join(f"{gain:+.2f}" for gain in entry.validation["gain"]),
            entry.licence,
            f"{(WEIGHTS_FOLDER / entry.file).stat().st_size / 1024:.0f}",
        )
        typer.echo("| " + " | ".join(cells) + " |")


def main() -> None:
    """Entry point of the command ``dognets``."""
    open_closed_streams()
    keep_interrupts()
    app()


if __name__ == "__main__":
    main()
