"""``siftcore to-colmap``: features and matches into COLMAP's database."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast

import typer

from siftcore.commands.options import app

__all__ = ["to_colmap"]


@app.command(
    "to-colmap",
    epilog=(
        "\b\nExample:\n"
        "  siftcore extract photos/ -o features.h5 --preset colmap -n 8192 --masks masks/\n"
        "  siftcore pairs features.h5 -o pairs.txt\n"
        "  siftcore match-pairs pairs.txt features.h5 -o matches.h5\n"
        "  siftcore to-colmap features.h5 -o database.db --images photos/ "
        "--pairs pairs.txt --matches matches.h5"
    ),
)
def to_colmap(
    features: Annotated[
        Path, typer.Argument(metavar="FEATURES", help="HDF5 file of siftcore extract.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The database to create or to add to.")
    ],
    pairs: Annotated[
        Path | None, typer.Option("--pairs", help="The list of pairs that --matches was made from.")
    ] = None,
    matches: Annotated[
        Path | None, typer.Option("--matches", help="HDF5 file of siftcore match-pairs.")
    ] = None,
    images: Annotated[
        Path | None,
        typer.Option("--images", help="Folder of the images, for EXIF focal lengths by pycolmap."),
    ] = None,
    camera: Annotated[
        str,
        typer.Option("--camera", help="What shares a camera: image (nothing), folder, or single."),
    ] = "image",
    model: Annotated[str, typer.Option("--model", help="COLMAP's camera model.")] = "SIMPLE_RADIAL",
    root: Annotated[
        bool | None,
        typer.Option(
            "--root/--no-root",
            help="Make RootSIFT of them; by default where the file says that they are plain SIFT.",
        ),
    ] = None,
) -> None:
    """Fill a COLMAP database from files of features and matches.

    COLMAP or pycolmap then verifies the matches (or matches itself, without --matches) and
    reconstructs. On any error the database stays as it was. Without --images each focal length is
    guessed, 1.2 times the long side, for reconstruction to refine.
    """
    from siftcore import _outputs
    from siftcore.commands._descriptor_kind import kind_of_descriptors
    from siftcore.errors import InputError
    from siftcore.io.colmap_cameras import CameraMode, Cameras
    from siftcore.io.colmap_database import ColmapDatabase
    from siftcore.io.hdf5 import list_features, read_features
    from siftcore.io.hloc_matches import read_matches
    from siftcore.io.pairs import read_pairs

    if (pairs is None) != (matches is None):
        raise typer.BadParameter("--pairs and --matches go together; give both or neither")
    inputs = [path for path in (features, pairs, matches) if path is not None]
    _outputs.check_outputs(inputs, [output])
    listed = [] if pairs is None else read_pairs(pairs)
    names = list_features(features)
    kind = kind_of_descriptors(features, root)
    if kind is None:
        raise InputError(
            f"{str(features)!r} does not say whether its descriptors are SIFT or RootSIFT; pass "
            "--root if they are plain SIFT, --no-root if they are RootSIFT already"
        )
    absent = {name for pair in listed for name in pair}.difference(names)
    if absent:
        raise InputError(
            f"{str(pairs)!r} names {min(absent)!r}, which is not in {str(features)!r}; give the "
            "features that were matched"
        )
    with ColmapDatabase(output) as database:
        cameras = Cameras(database, cast("CameraMode", camera), model, images)
        numbers = {}
        for name in names:
            found = read_features(features, name)
            numbers[name] = database.add_image(name, cameras.of_image(name, found.image_size))
            database.write_features(numbers[name], found, kind)
        if matches is not None:
            for first, second in listed:
                found_pair = read_matches(matches, first, second)
                database.write_matches(numbers[first], numbers[second], found_pair.indices)
    typer.echo(
        f"{len(numbers)} images, {len(cameras)} cameras, {len(listed)} matched pairs -> {output}"
    )
