"""``dognets eval``: the DoG PSNR of a network."""

from __future__ import annotations

from typing import Annotated

import typer

from dognets.commands.options import Data, Device, Precision, Weights, app
from siftcore.errors import ParameterError

__all__ = ["evaluate"]


@app.command("eval")
def evaluate(
    weights: Weights,
    data: Data,
    device: Device = "auto",
    precision: Precision = "auto",
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
