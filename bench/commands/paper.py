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
    OptionalInt,
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


@app.command()
def ablations(
    data: Annotated[Path, typer.Option("--data", help="Folder of images to train on.")],
    images: Annotated[Path, typer.Option("--images", help="High-resolution images, for PSNR.")],
    pairs: Annotated[Path, typer.Option("--pairs", help="Oxford affine layout, for keypoints.")],
    runs: Annotated[Path, typer.Option("--runs", help="Folder of the runs, which are kept.")],
    steps: Annotated[int, typer.Option(min=1, help="Updates of each network.")] = 1000,
    only: Annotated[str, typer.Option(help="Variants with commas between; by default all.")] = "",
    precision: Annotated[
        str, typer.Option(help="Of the trainings: auto, float32, bfloat16 or float16.")
    ] = "auto",
    threads: Annotated[
        OptionalInt, typer.Option(min=1, help="CPU threads of the trainings.")
    ] = None,
    image_cache: Annotated[
        OptionalPath, typer.Option(help="Folder for decoded training images.")
    ] = None,
    cache: Cache = None,
    no_cache: NoCache = False,
    seed: Seed = 0,
    json_file: JsonFile = None,
) -> None:
    """Train variants of the networks alike and compare them: what the paper's parts bring."""
    import torch

    from bench.ablations import run

    if threads is not None:
        torch.set_num_threads(threads)
    session = make_session(cache, no_cache, seed)
    show(
        lambda: run(
            data,
            images,
            pairs,
            runs,
            steps,
            session,
            names(only),
            precision=precision,
            image_cache=image_cache,
        ),
        json_file,
    )
