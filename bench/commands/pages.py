"""Commands that turn results into pages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.commands.options import (
    Cache,
    NoCache,
    OptionalInt,
    OptionalPath,
    Providers,
    Seed,
    app,
    make_session,
    names,
)

Results = Annotated[Path, typer.Option(help="Folder of what --json wrote.")]


@app.command()
def report(
    results: Results = Path("bench/results"),
    out: Annotated[Path, typer.Option(help="The HTML file.")] = Path("report.html"),
    data: Annotated[
        OptionalPath, typer.Option(help="Folder of images for the pictures; by default our own.")
    ] = None,
    providers: Providers = "",
    cache: Cache = None,
    no_cache: NoCache = False,
    seed: Seed = 0,
) -> None:
    """One HTML file with all tables, plots and pictures; opens offline."""
    from bench.html import build

    session = make_session(cache, no_cache, seed)
    written = build(results, out, session, data, names(providers))
    typer.echo(f"wrote {written}")


@app.command()
def results_page(
    results: Results = Path("bench/results"),
    out: Annotated[Path, typer.Option(help="The Markdown file.")] = Path("docs/results.md"),
) -> None:
    """docs/results.md from the results (`make bench-docs` does it)."""
    from bench.results_page import write

    write(results, out)
    typer.echo(f"wrote {out}")


@app.command()
def retrieval_page(
    result: Annotated[Path, typer.Option(help="What --json wrote.")] = Path(
        "bench/results/retrieval.json"
    ),
    page: Annotated[Path, typer.Option(help="The Markdown file.")] = Path("docs/retrieval.md"),
) -> None:
    """The tables in docs/retrieval.md from their result."""
    from bench.retrieval_page import write

    write(result, page)
    typer.echo(f"wrote {page}")


@app.command()
def scaling_page(
    results: Results = Path("bench/results"),
    out: Annotated[Path, typer.Option(help="The Markdown file.")] = Path("docs/scaling.md"),
) -> None:
    """The figures of docs/scaling.md from the results."""
    from bench.scaling_page import write

    write(results, out)
    typer.echo(f"filled in {out}")


@app.command()
def curves(
    data: Annotated[
        Path, typer.Option("--data", help="Folder of NAME.csv, the validation.csv of runs.")
    ],
    out: Annotated[Path, typer.Option(help="The PNG file.")] = Path("curves.png"),
) -> None:
    """One picture of how networks learned."""
    from bench.training_curves import draw

    draw(data, out)
    typer.echo(f"wrote {out}")


@app.command()
def sample_images(
    out: Annotated[Path, typer.Option(help="The folder.")] = Path(
        "siftcore/demo_page/sample_images"
    ),
) -> None:
    """The sample images of `siftcore demo`, from scikit-image's."""
    from bench.sample_images import write

    for path in write(out):
        typer.echo(f"wrote {path}")


@app.command()
def page_picture(
    out: Annotated[Path, typer.Option(help="The PNG file.")] = Path("docs/images/demo-page.png"),
    sample: Annotated[int, typer.Option(min=0, max=2, help="Which sample.")] = 1,
    width: Annotated[int, typer.Option(min=300, help="Of the window, in pixels.")] = 1000,
    height: Annotated[OptionalInt, typer.Option(min=300, help="By default the whole page.")] = None,
) -> None:
    """A picture of `siftcore demo` with a result on it."""
    from bench.page_picture import draw

    draw(out, sample, width, height)
    typer.echo(f"wrote {out}")
