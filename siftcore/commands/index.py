"""``siftcore index``: a file of features into an index to be searched."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from siftcore.commands.options import app

if TYPE_CHECKING:
    from siftcore.retrieval.index import ImageIndex
    from siftcore.retrieval.settings import Kind

__all__ = ["index"]


@app.command(
    epilog=(
        "\b\nExample:\n  siftcore extract photos/*.jpg -o features.h5 --max-keypoints 2000\n"
        "  siftcore index features.h5 -o collection.index\n"
        "  siftcore index later.h5 -o collection.index --add"
    )
)
def index(
    features: Annotated[
        Path, typer.Argument(metavar="FEATURES", help="HDF5 file of siftcore extract.")
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="The folder to create; an existing index is replaced."),
    ],
    add: Annotated[
        bool, typer.Option("--add", help="Add the images to the existing index instead.")
    ] = False,
    kind: Annotated[
        str | None,
        typer.Option("--kind", help="auto (default), flat (exact), ivf-sq8 or ivf-pq (smallest)."),
    ] = None,
    probes: Annotated[
        int | None,
        typer.Option("--probes", min=1, help="Cells of an inverted file to search; 16 by default."),
    ] = None,
    root: Annotated[
        bool | None,
        typer.Option(
            "--root/--no-root",
            help="Make RootSIFT of them; by default unless the file says that they are RootSIFT.",
        ),
    ] = None,
) -> None:
    """Index the features of many images, for 'siftcore query' to search.

    The folder appears, or changes, when all images are in; on any error it stays as it was. With
    --add, settings are those of the index: an option that says otherwise is an error, and an image
    that is in the index already is left out.
    """
    from siftcore import _report
    from siftcore.commands._descriptor_kind import kind_of_descriptors
    from siftcore.io.hdf5 import list_features
    from siftcore.retrieval import ImageIndex
    from siftcore.retrieval.manifest import structure_bytes
    from siftcore.retrieval.settings import IndexSettings
    from siftcore.retrieval.storage import check_index_writable, extend_index

    given: dict[str, Any] = {"kind": cast("Kind | None", kind), "probes": probes}
    given = {name: value for name, value in given.items() if value is not None}
    descriptors = kind_of_descriptors(features, root)
    if descriptors is not None:
        given["root"] = descriptors == "sift"
    settings = IndexSettings(**given)
    started = time.perf_counter()
    if add:
        with extend_index(output) as made:
            _check_settings(output, made, given)
            names = list_features(features)
            with _report.progress(len(names)) as advance:
                added = made.add_file(features, advance)
        there = len(names) - len(added)
        typer.echo(f"{_images(len(added))} added" + (f", {there} there already" if there else ""))
    else:
        check_index_writable(output)
        with _report.progress(len(list_features(features))) as advance:
            made = ImageIndex.from_file(features, settings, advance)
            made.save(output)
    seconds = time.perf_counter() - started
    size = structure_bytes(output) / max(1, made.n_descriptors)
    typer.echo(
        f"{made.n_descriptors} descriptors of {_images(len(made))} "
        f"-> {output} ({made.settings.kind}, {size:.0f} bytes per descriptor, {seconds:.2f} s)"
    )


def _images(n: int) -> str:
    return f"{n} image{'' if n == 1 else 's'}"


def _check_settings(folder: Path, there: ImageIndex, given: dict[str, Any]) -> None:
    """Raise unless the options that were given are what the index has."""
    from siftcore.errors import InputError

    has = {name: getattr(there.settings, name) for name in given}
    differing = [
        f"{name} {has[name]}, not {value}"
        for name, value in given.items()
        # "auto" leaves the choice to the index.
        if value not in (has[name], "auto")
    ]
    if differing:
        raise InputError(
            f"the index {str(folder)!r} was built with {'; '.join(differing)}; leave those options "
            "out, or build the index anew"
        )
