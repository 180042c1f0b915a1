"""Commands about the engine itself: agreement with references, speed, start-up, cost, demo."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from bench.commands.options import (
    Cache,
    JsonFile,
    NoCache,
    OptionalPath,
    Providers,
    Seed,
    app,
    make_session,
    names,
    numbers,
    show,
)

if TYPE_CHECKING:
    from bench.report import Report

Photographs = Annotated[
    Optional[list[Path]],  # noqa: UP045 - Typer reads it on Python 3.10
    typer.Argument(help="Photographs; by default some that scikit-image ships."),
]
Runs = Annotated[int, typer.Option(min=1, help="Interleaved runs a figure.")]


@app.command()
def conformance(
    golden: Annotated[
        OptionalPath, typer.Option(help="Folder of golden files; ../shared/golden by default.")
    ] = None,
    json_file: JsonFile = None,
) -> None:
    """Agreement with the published references and with synthetic truth."""
    from bench.conformance import run

    show(lambda: run(golden), json_file)


@app.command()
def speed(
    images: Photographs = None,
    sizes: Annotated[str, typer.Option(help="Sizes, W x H.")] = "640x480,1920x1080",
    runs: Runs = 7,
    parts: Annotated[
        str,
        typer.Option(
            help="Of programs, stages, blurs, roofline, matching, growth and memory, with commas "
            "between."
        ),
    ] = "programs,stages,blurs,roofline,matching,growth,memory",
    descriptors: Annotated[
        str, typer.Option(help="How many are matched, with commas between.")
    ] = "1000,2000,8000,20000",
    megapixels: Annotated[
        str, typer.Option(help="Images of 'growth', with commas between.")
    ] = "0.3,1,2,8,30,100",
    large: Annotated[
        int, typer.Option(min=0, help="Side of the image from a file of 'memory'; 0 for none.")
    ] = 0,
    check: Annotated[
        OptionalPath,
        typer.Option(help="Results to compare ratios with; exit code 1 if one lost over 15 %."),
    ] = None,
    json_file: JsonFile = None,
) -> None:
    """Detection, description and matching beside other programs; growth and memory."""
    from bench.speed import run
    from bench.speed_check import losses, read_ratios

    before: dict[tuple[str, str, str], float] = {}

    def measure() -> Report:
        # Before the work, which takes minutes, and before --json may write to the same file.
        if check is not None:
            before.update(read_ratios(check))
        return run(images or [], sizes, runs, names(parts), descriptors, megapixels, large)

    lost = losses(show(measure, json_file), before)
    for line in lost:
        typer.echo(line, err=True)
    if lost:
        raise typer.Exit(1)


@app.command()
def startup(
    runs: Annotated[int, typer.Option(min=1, help="Processes a figure.")] = 7,
    json_file: JsonFile = None,
) -> None:
    """Import, and first result of a new process with a warm cache."""
    from bench.startup import run

    show(lambda: run(runs), json_file)


@app.command()
def batches(
    images: Photographs = None,
    work: Annotated[
        str, typer.Option(help="PROVIDER:WxH of each batch, with commas between.")
    ] = "dog:640x480,dog:1920x1080,method3-x2:320x240",
    count: Annotated[int, typer.Option(min=5, help="Images a worker.")] = 10,
    workers: Annotated[str, typer.Option(help="Numbers of processes.")] = "1,2",
    runs: Runs = 5,
    json_file: JsonFile = None,
) -> None:
    """Images a second of `siftcore extract`, where the time goes, and bytes of features."""
    from bench.batches import parse_work, run

    show(lambda: run(parse_work(work), count, numbers(workers), images or [], runs), json_file)


@app.command()
def runtimes(
    networks: Providers = "method3-x2-tiny,method3-x2,method3-x2-large",
    size: Annotated[str, typer.Option(help="W x H of the input.")] = "320x240",
    runs: Runs = 9,
    json_file: JsonFile = None,
) -> None:
    """A network alone, by PyTorch in either precision and by ONNX Runtime."""
    from bench.runtimes import run
    from bench.speed import parse_sizes

    ((width, height),) = parse_sizes(size)
    show(lambda: run(names(networks), width, height, runs), json_file)


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for matches.png.")] = Path("demo"),
    providers: Annotated[
        str, typer.Option(help="Names with commas between; by default those that take seconds.")
    ] = "",
    json_file: JsonFile = None,
) -> None:
    """The Middlebury motorcycle pair at half size, matched with several providers."""
    from bench.demo import run

    show(lambda: run(out, names(providers)), json_file)


@app.command()
def why(
    out: Annotated[Path, typer.Option(help="The PNG file.")] = Path("docs/images/why.png"),
    json_file: JsonFile = None,
) -> None:
    """The picture of the README: a small image against a large one, dog beside method3-x4."""
    from bench.why import run

    show(lambda: run(out), json_file)


@app.command()
def cost(
    providers: Providers = "dog,bicubic-x2,srgan-x2,vdsr-x2,method3-x2,method3-x4",
    size: Annotated[str, typer.Option(help="W x H of the input.")] = "320x240",
    runs: Runs = 5,
    results: Annotated[
        OptionalPath,
        typer.Option(help="Folder of results: what `preservation` found goes beside the cost."),
    ] = None,
    cache: Cache = None,
    no_cache: NoCache = False,
    seed: Seed = 0,
    json_file: JsonFile = None,
) -> None:
    """Parameters, multiply-adds, seconds and memory of each provider."""
    from bench.cost import run
    from bench.speed import parse_sizes

    ((width, height),) = parse_sizes(size)
    session = make_session(cache, no_cache, seed)
    show(lambda: run(names(providers), width, height, runs, session, results), json_file)


@app.command()
def soak(
    extractions: Annotated[int, typer.Option(min=100, help="In one process.")] = 2000,
    providers: Providers = "dog,bicubic-x2,method3-x2-tiny",
    sizes: Annotated[
        int, typer.Option(min=0, help="Images that come again; 0: each has a size of its own.")
    ] = 40,
    torch_keeps: Annotated[
        int | None, typer.Option(min=0, help="Convolutions torch keeps, by size [default: 1024].")
    ] = None,
    seed: Seed = 0,
    json_file: JsonFile = None,
) -> None:
    """Resident memory over thousands of extractions; exit code 1 if it grows."""
    from bench.soak import run

    if show(lambda: run(extractions, names(providers), seed, sizes, torch_keeps), json_file).failed:
        raise typer.Exit(1)
