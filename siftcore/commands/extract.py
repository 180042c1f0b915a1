"""``siftcore extract``: many images into one file."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from siftcore.commands._batch import run_batch
from siftcore.commands.options import (
    Device,
    MaxKeypoints,
    MaxPixels,
    Preset,
    Provider,
    Spread,
    ValueRange,
    app,
    make_providers,
    read_preset,
)

if TYPE_CHECKING:
    from siftcore.batch.images import NamedImage
    from siftcore.batch.jobs import Job
    from siftcore.types import Features

__all__ = ["extract"]


def _named(text: str) -> Path:
    # Path("") is the working folder, which nobody means by an unset variable of the shell.
    if not text:
        raise typer.BadParameter("an empty path stands for no image; is a variable unset?")
    return Path(text)


@app.command(
    epilog=(
        "\b\nExamples:\n"
        "  siftcore extract a.jpg b.jpg -o features.h5 --max-keypoints 4000 --spread\n"
        "  siftcore extract photos/ -o features.h5 --workers 8 --resume\n"
        "  siftcore extract images.txt -o part3.h5 --workers 8 --resume --shard 3/100"
    )
)
def extract(
    images: Annotated[
        list[Path],
        typer.Argument(
            metavar="IMAGE|FOLDER|PATTERN|LIST.txt...",
            parser=_named,
            help="Images, folders of them, quoted patterns such as 'a/**/*.jpg', or text files "
            "with a path on each line.",
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The HDF5 file to write, in hloc's layout.")
    ],
    provider: Provider = "dog",
    max_keypoints: MaxKeypoints = None,
    spread: Spread = False,
    preset: Preset = "default",
    device: Device = "auto",
    workers: Annotated[
        int | None,
        typer.Option("--workers", "-w", min=0, help="Worker processes; 0: only this process."),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Continue the interrupted run in OUTPUT.part, if there is one."
        ),
    ] = False,
    shard: Annotated[
        str | None,
        typer.Option("--shard", help="Only the i-th of n parts of the images, as in 2/8."),
    ] = None,
    engine: Annotated[
        str | None,
        typer.Option("--engine", help="Where workers run: process (here) or ray (a cluster)."),
    ] = None,
    save_every: Annotated[
        int | None,
        typer.Option(
            "--save-every", min=1, help="A kill costs at most this many images; 64 by default."
        ),
    ] = None,
    masks: Annotated[
        Path | None,
        typer.Option(
            "--masks",
            help="Folder of masks, black where nothing is wanted: of a/b.jpg it is a/b.jpg.png.",
        ),
    ] = None,
    value_range: ValueRange = None,
    max_pixels: MaxPixels = None,
    draw: Annotated[
        Path | None,
        typer.Option("--draw", help="Also draw each image's keypoints into this folder."),
    ] = None,
) -> None:
    """Extract features into one HDF5 file. Its layout is hloc's.

    An image's name in the file is its path as given, without a leading "/" or "../", or relative
    to the folder that was given. The file appears when all images are done.

    Of images that are named one by one, each must be readable: on any error nothing is written.
    A folder, pattern or list, or any of --workers, --resume, --engine and --save-every, makes it a
    batch: images that cannot be read are skipped, listed at the end, and the exit code is 3. What
    is finished is kept in OUTPUT.part until the end, also when the run is killed; --resume goes on
    from there.
    """
    from siftcore.batch.images import NamedImage, find_images, is_collection
    from siftcore.batch.jobs import Job
    from siftcore.batch.shards import parse_shard, take_shard

    params = read_preset(preset)
    part = (1, 1) if shard is None else parse_shard(shard)
    job = Job(
        provider,
        device,
        params,
        max_keypoints,
        spread,
        None if masks is None else str(masks),
        value_range,
        max_pixels,
    )
    batch_options = (workers, engine, save_every, resume or None)
    if any(option is not None for option in batch_options) or any(map(is_collection, images)):
        if draw is not None:
            raise typer.BadParameter(
                "--draw is for images that are named one by one; leave it out of a batch"
            )
        run_batch(
            take_shard(find_images(images), *part),
            output,
            job,
            engine=engine or "process",
            workers=workers or 0,
            resume=resume,
            save_every=save_every or 64,
        )
        return
    from siftcore import _outputs

    images = take_shard(images, *part)
    names = _outputs.image_names(images)
    _outputs.check_inputs(images)
    named = [NamedImage(*pair) for pair in zip(names, map(str, images), strict=True)]
    _extract_strictly(named, output, job, draw)


def _extract_strictly(images: list[NamedImage], output: Path, job: Job, draw: Path | None) -> None:
    """All images or nothing."""
    from siftcore import _outputs, _report
    from siftcore.batch.jobs import MaskedImage, allow_pixels

    names = [name for name, _ in images]
    inputs = [Path(path) for _, path in images]
    _outputs.check_outputs(inputs, [output])
    pictures = None if draw is None else _outputs.picture_paths(draw, names, used=[*inputs, output])
    (chosen,) = make_providers((job.provider,), job.device)
    if job.max_pixels is not None:
        allow_pixels(job.max_pixels)

    import siftcore
    from siftcore.io.hdf5 import write_features

    counts: list[int] = []

    def features() -> Iterator[tuple[str, Features]]:
        with _report.progress(len(images)) as advance:
            for index, (name, path) in enumerate(images):
                source = job.source(name, path)
                found = siftcore.extract(
                    path,
                    provider=chosen,
                    params=job.params,
                    max_keypoints=job.max_keypoints,
                    spread=job.spread,
                    value_range=job.value_range,
                    mask=source.mask if isinstance(source, MaskedImage) else None,
                )
                if pictures is not None:
                    from siftcore.drawing import draw_keypoints

                    _outputs.save_picture(
                        pictures[index], draw_keypoints(path, found, value_range=job.value_range)
                    )
                counts.append(len(found))
                yield name, found
                advance(name)

    started = time.perf_counter()
    write_features(output, features(), job.params.descriptor)
    seconds = time.perf_counter() - started
    typer.echo(_report.extract_table(names, counts, output, seconds))
