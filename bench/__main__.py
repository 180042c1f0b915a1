"""Benchmarks: ``python -m bench NAME [--json FILE]``; each prints a table in Markdown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Optional

import typer

from bench.report import Report
from siftcore.errors import SiftError
from siftcore.io.atomic import check_writable

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)

JsonFile = Annotated[
    Optional[Path],  # noqa: UP045 - Typer reads it on Python 3.10
    typer.Option("--json", help="Also write the tables to this file."),
]

Providers = Annotated[str, typer.Option(help="Names of providers, with commas between.")]


def _names(providers: str) -> list[str]:
    return [name.strip() for name in providers.split(",") if name.strip()]


def _print(make_report: Callable[[], Report], json_file: Path | None) -> None:
    if json_file is not None:
        # Before the work, which may take minutes.
        check_writable(json_file)
    report = make_report()
    typer.echo(report.markdown())
    if json_file is not None:
        report.write_json(json_file)


@app.command()
def conformance(
    golden: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="Folder of golden files; ../shared/golden by default."),
    ] = None,
    json_file: JsonFile = None,
) -> None:
    """Agreement with the published references and with synthetic truth."""
    from bench.conformance import run

    _print(lambda: run(golden), json_file)


@app.command()
def speed(
    images: Annotated[
        Optional[list[Path]],  # noqa: UP045
        typer.Argument(help="Photographs; by default some that scikit-image ships."),
    ] = None,
    sizes: Annotated[str, typer.Option(help="Sizes, W x H.")] = "640x480,1920x1080",
    runs: Annotated[int, typer.Option(min=1, help="Interleaved runs a figure.")] = 7,
    json_file: JsonFile = None,
) -> None:
    """Detection and description beside OpenCV, pycolmap and scikit-image."""
    from bench.speed import run

    _print(lambda: run(images or [], sizes, runs), json_file)


@app.command()
def startup(
    runs: Annotated[int, typer.Option(min=1, help="Processes a figure.")] = 7,
    json_file: JsonFile = None,
) -> None:
    """Import, and first result of a new process with a warm cache."""
    from bench.startup import run

    _print(lambda: run(runs), json_file)


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

    _print(lambda: run(out, _names(providers)), json_file)


@app.command()
def psnr(
    data: Annotated[Path, typer.Option(help="Folder of high-resolution images, such as Set14.")],
    providers: Providers = "vdsr-x2,method3-x2",
    scale: Annotated[int, typer.Option(help="Reduction: 2 or 4.")] = 2,
    json_file: JsonFile = None,
) -> None:
    """DoG PSNR of each provider, level by level (Tables 3 to 5 of Noor et al.)."""
    from bench.psnr import run

    _print(lambda: run(data, _names(providers), scale), json_file)


@app.command()
def preservation(
    data: Annotated[Path, typer.Option(help="Folder of scenes in the Oxford affine layout.")],
    providers: Providers = "dog,bicubic-x2,vdsr-x2,method3-x2",
    scale: Annotated[int, typer.Option(help="Reduction of the query: 2 or 4.")] = 2,
    budget: Annotated[int, typer.Option(min=1, help="Strongest keypoints of each image.")] = 1000,
    json_file: JsonFile = None,
) -> None:
    """How much of the high-resolution SIFT each provider brings back."""
    from bench.preservation import run

    _print(lambda: run(data, _names(providers), scale, budget), json_file)


@app.command()
def cost(
    providers: Providers = "dog,bicubic-x2,srcnn-x2,vdsr-x2,method3-x2",
    size: Annotated[str, typer.Option(help="W x H of the input.")] = "320x240",
    runs: Annotated[int, typer.Option(min=1, help="Interleaved runs a figure.")] = 5,
    json_file: JsonFile = None,
) -> None:
    """Parameters, multiply-adds and seconds of each provider."""
    from bench.cost import run
    from bench.speed import parse_sizes

    ((width, height),) = parse_sizes(size)
    _print(lambda: run(_names(providers), width, height, runs), json_file)


def main() -> None:
    """Run the app; one line and exit code 2 on a foreseen error."""
    try:
        app()
    except SiftError as error:
        typer.echo(f"error: {error}", err=True)
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
