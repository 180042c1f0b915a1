"""``siftcore match-pairs``: a list of image pairs, from a file of features."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from siftcore.commands.options import NoMutual, Ratio, app

if TYPE_CHECKING:
    from siftcore.types import Features, Matches

__all__ = ["match_pairs"]

# Lists of pairs keep one image for many lines; a few images more cost little memory.
_KEPT_IMAGES = 16


@app.command(
    "match-pairs",
    epilog="\b\nExample:\n  siftcore match-pairs pairs.txt features.h5 -o matches.h5",
)
def match_pairs(
    pairs: Annotated[
        Path, typer.Argument(metavar="PAIRS", help="Text file, 'name0 name1' on each line.")
    ],
    features: Annotated[
        Path, typer.Argument(metavar="FEATURES", help="HDF5 file of siftcore extract.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The HDF5 file to write, in hloc's layout.")
    ],
    ratio: Ratio = 0.8,
    no_mutual: NoMutual = False,
) -> None:
    """Match the pairs of a list into one HDF5 file. Its layout is hloc's.

    The file appears when all pairs are done; on any error nothing is written.
    """
    from siftcore import _outputs, _report
    from siftcore.io.pairs import read_pairs

    _outputs.check_outputs([pairs, features], [output])
    listed = read_pairs(pairs)

    import siftcore
    from siftcore.io.hdf5 import list_features, read_features
    from siftcore.io.hloc_matches import write_matches

    list_features(features)
    total = 0

    @lru_cache(maxsize=_KEPT_IMAGES)
    def read(name: str) -> Features:
        return read_features(features, name)

    def matched() -> Iterator[tuple[str, str, Matches, int]]:
        nonlocal total
        with _report.progress(len(listed), unit="pairs") as advance:
            for name0, name1 in listed:
                first, second = read(name0), read(name1)
                found = siftcore.match_features(first, second, ratio=ratio, mutual=not no_mutual)
                total += len(found)
                yield name0, name1, found, len(first)
                advance(f"{name0} {name1}")

    write_matches(output, matched())
    typer.echo(f"{len(listed)} pairs, {total} matches: {output}")
