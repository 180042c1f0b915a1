"""``siftcore pairs``: which images to match, for ``match-pairs``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from siftcore.commands.options import app

__all__ = ["pairs"]


@app.command(
    epilog=(
        "\b\nExamples:\n"
        "  siftcore pairs features.h5 -o pairs.txt\n"
        "  siftcore pairs features.h5 -o pairs.txt --sequential 10\n"
        "  siftcore pairs features.h5 -o pairs.txt --index collection.index --top 20"
    )
)
def pairs(
    features: Annotated[
        Path, typer.Argument(metavar="FEATURES", help="HDF5 file of siftcore extract.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The text file, 'name0 name1' on each line.")
    ],
    sequential: Annotated[
        int | None,
        typer.Option(
            "--sequential",
            min=1,
            help="Pair each image only with the next N by name, as in a video.",
        ),
    ] = None,
    index: Annotated[
        Path | None,
        typer.Option(
            "--index", help="Pair each image only with the most similar ones in this index."
        ),
    ] = None,
    top: Annotated[
        int, typer.Option("--top", min=1, help="With --index: how many for each image.")
    ] = 20,
) -> None:
    """List the image pairs to match: all of them, or fewer.

    To match any other pairs, write a list of your own in the same form.
    """
    from siftcore import _outputs, pairing
    from siftcore.io.hdf5 import list_features
    from siftcore.io.pairs import write_pairs

    if sequential is not None and index is not None:
        raise typer.BadParameter("--sequential and --index exclude each other; give one of them")
    _outputs.check_outputs([features], [output])
    names = sorted(list_features(features))
    if index is not None:
        from siftcore.retrieval import ImageIndex

        chosen = pairing.retrieved_pairs(ImageIndex.load(index), features, names, top)
    elif sequential is not None:
        chosen = pairing.sequential_pairs(names, sequential)
    else:
        chosen = pairing.exhaustive_pairs(names)
    listed = list(chosen)
    write_pairs(output, listed)
    absent = sorted({name for pair in listed for name in pair}.difference(names))
    if absent:
        typer.echo(
            f"note: {features} lacks {len(absent)} of these images, such as {absent[0]!r}; "
            "match-pairs wants the features of both in one file",
            err=True,
        )
    typer.echo(f"{len(listed)} pairs of {len(names)} images -> {output}")
