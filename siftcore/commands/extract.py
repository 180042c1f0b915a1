"""``siftcore extract``: many images into one file."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from siftcore.commands.options import (
    Device,
    MaxKeypoints,
    Preset,
    Provider,
    Spread,
    app,
    make_providers,
    read_preset,
)

if TYPE_CHECKING:
    from siftcore.types import Features

__all__ = ["extract"]


@app.command(
    epilog=(
        "\b\nExample:\n  siftcore extract photos/*.jpg -o features.h5 --max-keypoints 4000 --spread"
    )
)
def extract(
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE...", help="Images.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The HDF5 file to write, in hloc's layout.")
    ],
    provider: Provider = "dog",
    max_keypoints: MaxKeypoints = None,
    spread: Spread = False,
    preset: Preset = "default",
    device: Device = "auto",
    shard: Annotated[
        str | None,
        typer.Option("--shard", help="Only the i-th of n parts of the images, as in 2/8."),
    ] = None,
    draw: Annotated[
        Path | None,
        typer.Option("--draw", help="Also draw each image's keypoints into this folder."),
    ] = None,
) -> None:
    """Extract features into one HDF5 file. Its layout is hloc's.

    An image's name in the file is its path as given, without a leading "/" or "../". The file
    appears when all images are done; on any error nothing is written.
    """
    from siftcore import _outputs, _report
    from siftcore.batch.shards import parse_shard, take_shard

    params = read_preset(preset)
    if shard is not None:
        images = take_shard(images, *parse_shard(shard))
    names = _outputs.image_names(images)
    _outputs.check_inputs(images)
    _outputs.check_outputs(images, [output])
    pictures = None if draw is None else _outputs.picture_paths(draw, names)
    (chosen,) = make_providers((provider,), device)

    import siftcore
    from siftcore.io.hdf5 import write_features

    counts: list[int] = []

    def features() -> Iterator[tuple[str, Features]]:
        with _report.progress(len(images)) as advance:
            for index, (image, name) in enumerate(zip(images, names, strict=True)):
                found = siftcore.extract(
                    image,
                    provider=chosen,
                    params=params,
                    max_keypoints=max_keypoints,
                    spread=spread,
                )
                if pictures is not None:
                    from siftcore.drawing import draw_keypoints

                    _outputs.save_picture(pictures[index], draw_keypoints(image, found))
                counts.append(len(found))
                yield name, found
                advance(name)

    started = time.perf_counter()
    write_features(output, features())
    seconds = time.perf_counter() - started
    typer.echo(_report.extract_table(names, counts, output, seconds))
