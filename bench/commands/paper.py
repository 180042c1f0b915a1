"""Commands that repeat the tables of Noor et al."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.commands.options import (
    Cache,
    Data,
    JsonFile,
    Limit,
    NoCache,
    OptionalPath,
    Providers,
    Scale,
    Seed,
    app,
    make_session,
    names,
    show,
)


@app.command()
def psnr(
    data: Data,
    providers: Providers = "bicubic-x2,srgan-x2,vdsr-x2,method3-x2",
    scale: Scale = 2,
    limit: Limit = None,
    cache: Cache = None,
    no_cache: NoCache = False,
    seed: Seed = 0,
    json_file: JsonFile = None,
) -> None:
    """DoG PSNR of each provider, level by level (Tables 3 to 5)."""
    from bench.psnr import run

    session = make_session(cache, no_cache, seed)
    show(lambda: run(data, names(providers), scale, session, limit), json_file)


@app.command()
def spectrum(
    data: Data,
    providers: Providers = "",
    scale: Scale = 2,
    limit: Limit = None,
    cache: Cache = None,
    no_cache: NoCache = False,
    seed: Seed = 0,
    json_file: JsonFile = None,
) -> None:
    """Power spectra of images and DoGs (Table 2, Figure 5), and what providers bring back."""
    from bench.spectrum import run

    session = make_session(cache, no_cache, seed)
    show(lambda: run(data, session, limit, names(providers), scale), json_file)


@app.command()
def paper(
    data: Annotated[
        Path, typer.Option("--data", help="Folder with sr_dev/set14 and pairs/oxford_affine.")
    ] = Path("../shared/data"),
    psnr_images: Annotated[
        OptionalPath, typer.Option(help="Images of Tables 2 to 5; DATA/sr_dev/set14 by default.")
    ] = None,
    pairs: Annotated[
        OptionalPath, typer.Option(help="Of Tables 6 to 8; DATA/pairs/oxford_affine by default.")
    ] = None,
    quick: Annotated[bool, typer.Option(help="Few and small images: under five minutes.")] = False,
    cache: Cache = None,
    no_cache: NoCache = False,
    seed: Seed = 0,
    json_file: JsonFile = None,
) -> None:
    """All tables of the paper, filled with our figures beside the paper's."""
    from bench.paper import PaperData, run

    images = psnr_images or data / "sr_dev" / "set14"
    where = PaperData(images, pairs or data / "pairs" / "oxford_affine", images)
    session = make_session(cache, no_cache, seed)
    show(lambda: run(where, session, quick), json_file)
