"""Files of the command line: checked before the work, named, and saved whole."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from siftcore.batch.images import NamedImage, check_names, relative_name
from siftcore.errors import ImageReadError, OutputError
from siftcore.io.atomic import atomic_write, check_writable

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["check_inputs", "check_outputs", "image_names", "picture_paths", "save_picture"]


def check_inputs(images: Sequence[Path]) -> None:
    """Raise `ImageReadError` for the first image that is not there, before any is worked on."""
    for image in images:
        if image.is_dir():
            raise ImageReadError(str(image), "it is a folder; name the images in it")
        if not image.exists():
            raise ImageReadError(str(image), "there is no such file")


def check_outputs(
    inputs: Sequence[Path], outputs: Sequence[Path | None], picture: Path | None = None
) -> None:
    """Fail before the work when a result could not be written, or would replace an input.

    Parameters
    ----------
    inputs : sequence of Path
        Images that will be read.
    outputs : sequence of Path or None
        Files that will be written.
    picture : Path or None
        The one of them that is a picture, whose suffix must be a format.

    Raises
    ------
    OutputError
    """
    read = {os.path.realpath(path) for path in inputs}
    written: set[str] = set()
    for path in outputs:
        if path is None:
            continue
        check_writable(path)
        real = os.path.realpath(path)
        if real in read:
            raise OutputError(f"writing {str(path)!r} would replace an input; choose another name")
        if real in written:
            raise OutputError(f"two results would go to {str(path)!r}; give each its own file")
        written.add(real)
    if picture is not None:
        _picture_format(picture)


def image_names(images: Sequence[Path]) -> list[str]:
    """Names of images in a feature file: their paths as given, made relative as tar does.

    Raises
    ------
    InputError
        When two images would have the same name, or a name cannot be in a feature file.
    """
    named = [NamedImage(relative_name(image), str(image)) for image in images]
    check_names(named)
    return [name for name, _ in named]


def picture_paths(folder: Path, names: Sequence[str], used: Sequence[Path]) -> list[Path]:
    """Where each image is drawn, ``folder/name.png``; makes the folders.

    Parameters
    ----------
    folder : Path
    names : sequence of str
        As `image_names` gives them.
    used : sequence of Path
        Inputs and other outputs, which no picture may replace.

    Raises
    ------
    OutputError
    """
    paths = [folder / f"{name}.png" for name in names]
    taken = {os.path.realpath(path) for path in used}
    for path in paths:
        if os.path.realpath(path) in taken:
            raise OutputError(
                f"the picture {str(path)!r} would replace another file of this command; "
                "choose another folder"
            )
    for path in paths:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"cannot make the folder {str(path.parent)!r}: {error.strerror}; choose another"
            ) from error
        check_writable(path)
    return paths


def save_picture(path: Path, picture: Image) -> None:
    """Write `picture` whole or not at all, in the format that the suffix says."""
    picture_format = _picture_format(path)
    # More effort makes a PNG of 4K hardly smaller, and takes seconds.
    options = {"PNG": {"compress_level": 3}, "JPEG": {"quality": 92}}.get(picture_format, {})
    with atomic_write(path) as temporary, open(temporary, "wb") as file:
        picture.save(file, format=picture_format, **options)


def _picture_format(path: Path) -> str:
    from PIL import Image

    known = Image.registered_extensions()
    chosen = known.get(path.suffix.lower())
    if chosen is None or chosen not in Image.SAVE:
        raise OutputError(
            f"cannot tell a picture format from {str(path)!r}; "
            "end its name in .png, .jpg, .webp or .tiff"
        )
    return chosen
