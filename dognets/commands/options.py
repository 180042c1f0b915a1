"""The application, and the options that its commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from siftcore._cli_errors import make_app

__all__ = ["Data", "Device", "Precision", "Weights", "app"]

app = make_app()

Data = Annotated[Path, typer.Option("--data", help="Folder of images, searched to any depth.")]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:N or mps.")]
Precision = Annotated[str, typer.Option("--precision", help="auto, float32, bfloat16 or float16.")]
Weights = Annotated[Path, typer.Argument(metavar="RUN|WEIGHTS")]
