"""``dognets export``, ``convert``, ``pack`` and ``weights``: files of weights."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dognets.commands.options import Data, Weights, app

__all__ = ["convert", "export", "pack", "weights"]


@app.command()
def export(
    weights: Weights,
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
    data: Data,
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
    weights: Weights,
    data: Data,
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
def weights() -> None:
    """List the weights that come with the package, as a Markdown table."""
    from dognets.listing import COLUMNS, weight_rows

    typer.echo("| " + " | ".join(COLUMNS) + " |\n|" + " --- |" * len(COLUMNS))
    for row in weight_rows():
        cells = ("-" if cell is None else str(cell) for cell in row)
        typer.echo("| " + " | ".join(cells) + " |")
