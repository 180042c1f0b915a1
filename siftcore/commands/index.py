"""``siftcore index``: a file of features into an index to be searched."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from siftcore.commands.options import app

if TYPE_CHECKING:
    from siftcore.retrieval.settings import Kind

__all__ = ["index"]


@app.command(
    epilog=(
        "\b\nExample:\n  siftcore extract photos/*.jpg -o features.h5 --max-keypoints 2000\n"
        "  siftcore index features.h5 -o collection.index"
    )
)
def index(
    features: Annotated[
        Path, typer.Argument(metavar="FEATURES", help="HDF5 file of siftcore extract.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The folder to make; an index is replaced.")
    ],
    kind: Annotated[
        str, typer.Option("--kind", help="auto, flat (exact), ivf-sq8 or ivf-pq (smallest).")
    ] = "auto",
    probes: Annotated[
        int, typer.Option("--probes", min=1, help="Cells that are searched of an inverted file.")
    ] = 16,
    no_root: Annotated[
        bool,
        typer.Option("--no-root", help="The features are RootSIFT already (--preset colmap)."),
    ] = False,
) -> None:
    """Index the features of many images, so that siftcore query finds some of them again.

    The folder appears when all images are in; on any error nothing is written.
    """
    from siftcore import _report
    from siftcore.retrieval import ImageIndex, IndexSettings
    from siftcore.retrieval.storage import STRUCTURE, check_index_writable

    settings = IndexSettings(kind=cast("Kind", kind), probes=probes, root=not no_root)
    check_index_writable(output)

    from siftcore.io.hdf5 import list_features

    started = time.perf_counter()
    with _report.progress(len(list_features(features))) as advance:
        made = ImageIndex.from_file(features, settings, advance)
        made.save(output)
    seconds = time.perf_counter() - started
    size = (output / STRUCTURE).stat().st_size / max(1, made.n_descriptors)
    typer.echo(
        f"{made.n_descriptors} descriptors of {len(made)} image{'' if len(made) == 1 else 's'} "
        f"-> {output} ({made.settings.kind}, {size:.0f} bytes per descriptor, {seconds:.2f} s)"
    )
