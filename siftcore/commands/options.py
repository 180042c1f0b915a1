"""The application, and the options that its commands share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from siftcore._cli_errors import make_app

if TYPE_CHECKING:
    from siftcore.params import SiftParams

__all__ = [
    "Device",
    "MaxKeypoints",
    "MaxPixels",
    "NoMutual",
    "Preset",
    "Provider",
    "Ratio",
    "Spread",
    "ValueRange",
    "app",
    "make_providers",
    "read_preset",
]

app = make_app()

Provider = Annotated[
    str, typer.Option("--provider", "-p", help="Scale space: see 'siftcore providers'.")
]
MaxKeypoints = Annotated[
    int | None,
    typer.Option("--max-keypoints", "-n", min=1, help="Keep the strongest N of each image."),
]
Spread = Annotated[
    bool, typer.Option("--spread", help="Pick those N over a grid instead of by strength alone.")
]
ValueRange = Annotated[
    tuple[float, float] | None,
    typer.Option(
        "--value-range",
        metavar="BLACK WHITE",
        help="Pixel values of black and white, if not those of the file's type: 0 4095.",
    ),
]
MaxPixels = Annotated[
    int | None,
    typer.Option(
        "--max-pixels", min=1, help="Largest image to read, in pixels; 89478485 by default."
    ),
]
Preset = Annotated[
    str, typer.Option("--preset", help="Settings: default, opencv, colmap or paper.")
]
Ratio = Annotated[
    float,
    typer.Option(
        "--ratio",
        min=0.0,
        max=1.0,
        help="Ratio test: largest nearest over second-nearest distance.",
    ),
]
NoMutual = Annotated[
    bool, typer.Option("--no-mutual", help="Also keep matches that hold in one direction only.")
]
Device = Annotated[str, typer.Option("--device", help="Where networks run: auto, cpu, cuda, mps.")]


def read_preset(preset: str) -> SiftParams:
    """Settings by the name of a preset."""
    from siftcore.params import SiftParams

    return SiftParams.preset(preset)


def make_providers(names: Sequence[str], device: str) -> tuple[Any, ...]:
    """Providers by name; each is made once."""
    import siftcore

    # A network is loaded once, also when both images go through it.
    made = {name: siftcore.get_provider(name, device=device) for name in dict.fromkeys(names)}
    return tuple(made[name] for name in names)
