"""Commands about what comes out: recall, matches, homographies."""

from __future__ import annotations

from typing import Annotated

import typer

from bench.commands.options import (
    IMAGES_HELP,
    Budgets,
    Cache,
    Data,
    JsonFile,
    Limit,
    NoCache,
    OptionalInt,
    OptionalPath,
    Providers,
    Scale,
    Scenes,
    Seed,
    Size,
    app,
    make_session,
    names,
    numbers,
    show,
)

PROGRAMS = "dog,opencv,opencv-default,dog#largest,opencv#largest,pycolmap,scikit-image"


@app.command()
def preservation(
    data: Annotated[
        OptionalPath, typer.Option(help="Folder in the layout of the Oxford affine data set.")
    ] = None,
    images: Annotated[OptionalPath, typer.Option(help=f"In place of --data. {IMAGES_HELP}")] = None,
    providers: Providers = "dog,bicubic-x2,srgan-x2,vdsr-x2,method3-x2",
    scale: Scale = 2,
    budgets: Budgets = "500,1000,2048",
    degradations: Annotated[
        str,
        typer.Option(
            help="clean, jpeg60, jpeg30, noise5, noise15, defocus, motion, lowlight; or all."
        ),
    ] = "clean",
    reference: Annotated[str, typer.Option(help="Reads the high-resolution images.")] = "dog",
    scenes: Scenes = None,
    cache: Cache = None,
    no_cache: NoCache = False,
    seed: Seed = 0,
    json_file: JsonFile = None,
) -> None:
    """How much of the high-resolution SIFT each provider brings back."""
    from bench.degradations import DEGRADATIONS
    from bench.preservation import run

    if (data is None) == (images is None):
        raise typer.BadParameter("expected either --data or --images")
    kinds = list(DEGRADATIONS) if degradations == "all" else names(degradations)
    session = make_session(cache, no_cache, seed)
    wanted = names(providers), scale, session, numbers(budgets), kinds, reference, scenes, images
    show(lambda: run(data, *wanted), json_file)


@app.command()
def repeatability(
    data: Data,
    programs: Annotated[str, typer.Option(help="Providers and other programs.")] = PROGRAMS,
    budgets: Budgets = "1000,2048",
    scenes: Scenes = None,
    cache: Cache = None,
    no_cache: NoCache = False,
    seed: Seed = 0,
    json_file: JsonFile = None,
) -> None:
    """Repeatability, matching score, matching accuracy (Oxford affine or HPatches)."""
    from bench.repeatability import run

    session = make_session(cache, no_cache, seed)
    show(lambda: run(data, names(programs), session, numbers(budgets), scenes), json_file)


@app.command()
def warps(
    photos: Annotated[
        OptionalPath,
        typer.Option(
            "--data", "--images", help=f"{IMAGES_HELP} By default the large ones of these."
        ),
    ] = None,
    programs: Annotated[str, typer.Option(help="Providers and other programs.")] = PROGRAMS,
    budget: Annotated[int, typer.Option(min=1, help="Keypoints of every image.")] = 2048,
    count: Annotated[int, typer.Option(min=1, help="Photographs.")] = 12,
    size: Size = "480x360",
    cache: Cache = None,
    no_cache: NoCache = False,
    seed: Seed = 0,
    json_file: JsonFile = None,
) -> None:
    """The same on warps of photographs with known homographies."""
    from bench.speed import parse_sizes
    from bench.warps import run

    (view,) = parse_sizes(size)
    session = make_session(cache, no_cache, seed)
    show(lambda: run(photos, names(programs), session, budget, count, view), json_file)


@app.command()
def localisation(
    images: Annotated[
        OptionalPath, typer.Option(help=f"{IMAGES_HELP} By default the large ones of these.")
    ] = None,
    programs: Annotated[str, typer.Option(help="Providers and other programs.")] = (
        "dog,dog:colmap,opencv,opencv-default,pycolmap,pycolmap-default,scikit-image"
    ),
    count: Annotated[int, typer.Option(min=1, help="Images.")] = 20,
    size: Size = "480x360",
    cache: Cache = None,
    no_cache: NoCache = False,
    seed: Seed = 0,
    json_file: JsonFile = None,
) -> None:
    """Errors of position, scale and angle under known moves, and each program's own shift."""
    from bench.localisation import run
    from bench.speed import parse_sizes

    (view,) = parse_sizes(size)
    session = make_session(cache, no_cache, seed)
    show(lambda: run(images, names(programs), session, count, view), json_file)


@app.command()
def matching(
    data: Data,
    providers: Providers = "",
    scale: Scale = 2,
    pairs: Annotated[
        OptionalPath, typer.Option(help="File of pairs; by default what lies in the folder.")
    ] = None,
    limit: Limit = None,
    cache: Cache = None,
    no_cache: NoCache = False,
    seed: Seed = 0,
    json_file: JsonFile = None,
) -> None:
    """Matches of two low-resolution images (Tables 6 to 8 of Noor et al.)."""
    from bench.matching import run

    session = make_session(cache, no_cache, seed)
    show(lambda: run(data, names(providers), scale, session, limit, pairs), json_file)


@app.command()
def reconstruction(
    data: Data,
    max_keypoints: Annotated[int, typer.Option(min=1, help="Of each image.")] = 8192,
    seed: Seed = 0,
    json_file: JsonFile = None,
) -> None:
    """COLMAP's mapping from our features, beside its own SIFT."""
    from bench.reconstruction import run

    show(lambda: run(data, max_keypoints, seed), json_file)


@app.command()
def retrieval(
    data: Data,
    distractors: Annotated[
        OptionalPath, typer.Option(help="Folder of images of other things, for the collection.")
    ] = None,
    full: Annotated[str, typer.Option(help="Providers of queries at full size.")] = "",
    half: Annotated[
        str, typer.Option(help="Of queries reduced by 2.")
    ] = "dog,bicubic-x2,method3-x2",
    quarter: Annotated[
        str, typer.Option(help="Of queries reduced by 4.")
    ] = "dog,bicubic-x4,method3-x4",
    budget: Annotated[int, typer.Option(min=1, help="Keypoints of every image.")] = 2000,
    scenes: Scenes = None,
    limit: Annotated[OptionalInt, typer.Option(min=0, help="At most so many distractors.")] = None,
    kinds: Annotated[str, typer.Option(help="Of the index, compared.")] = "flat,ivf-sq8,ivf-pq",
    timed: Annotated[
        int, typer.Option(min=0, help="Queries of each row whose times are taken.")
    ] = 4,
    cache: Cache = None,
    no_cache: NoCache = False,
    seed: Seed = 0,
    json_file: JsonFile = None,
) -> None:
    """Low-resolution queries against a collection at full size (Oxford affine and others)."""
    from bench.retrieval import run

    providers = {2: names(half), 4: names(quarter), 1: names(full)}
    chosen = {scale: found for scale, found in providers.items() if found}
    session = make_session(cache, no_cache, seed)
    wanted = distractors, budget, scenes, limit, names(kinds), timed
    show(lambda: run(data, chosen, session, *wanted), json_file)
