"""Published weights of others, as weight files of this package."""

from __future__ import annotations

from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from dognets.data.cache import ImageCache
from dognets.errors import WeightsError
from dognets.models import build_model
from dognets.models.srgan import Srgan
from dognets.models.vdsr import Vdsr
from dognets.pretrained import WeightsEntry, save_weights
from dognets.training.validation import validate
from siftcore.io.atomic import check_writable

__all__ = ["SOURCES", "convert_published"]

SOURCES = {
    "vdsr": "github.com/twtygqyy/pytorch-vdsr",
    "srgan": "github.com/leftthomas/SRGAN",
}
LICENCE = "MIT"
SMALLEST_SIDE = 64


def convert_published(
    architecture: str, scale: int, npz: str | Path, data: str | Path, out: str | Path
) -> WeightsEntry:
    """Write ``{architecture}-x{scale}.safetensors``, in half precision, and its manifest line.

    Parameters
    ----------
    architecture : {"vdsr", "srgan"}
    scale : {2, 4}
    npz : path
        Arrays by the names of the published state dict.
    data : path
        Folder of images; those kept back from training are validated on.
    out : path
        Folder.

    Raises
    ------
    WeightsError
        When there are no published weights for the architecture, or the file does not hold them.
    OutputError
        When the file cannot be written.
    """
    if architecture not in SOURCES:
        raise WeightsError(
            f"no published weights are known for {architecture!r}; only for {', '.join(SOURCES)}"
        )
    model = build_model(architecture, scale)
    assert isinstance(model, (Vdsr, Srgan))
    path = Path(out) / f"{architecture}-x{scale}.safetensors"
    # Before the work, which takes minutes.
    check_writable(path)
    try:
        # NumPy leaves a file open that it opened itself and could not read.
        with open(npz, "rb") as file, np.load(file, allow_pickle=False) as arrays:
            model.load_published(dict(arrays))
    # np.load gives a bare array for a .npy, which is no context; what it says of damage varies.
    except (
        OSError, ValueError, KeyError, RuntimeError, TypeError, EOFError, BadZipFile
    ) as error:  # fmt: skip
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise WeightsError(
            f"{str(npz)!r} does not hold {architecture} weights: {reason}"
        ) from error
    # What is measured is what is written.
    model.half().float()
    cache = ImageCache.open(data, SMALLEST_SIDE)
    psnr = validate(model, cache, cache.split()[1])
    return save_weights(
        model,
        path,
        {
            "name": f"{architecture}-x{scale}",
            "architecture": architecture,
            "ladder": "image",
            "data": f"as published at {SOURCES[architecture]}",
            "iterations": 0,
            "samples": 0,
            "converged": "as published",
            "command": f"dognets convert --architecture {architecture} --scale {scale} "
            f"--npz {Path(npz).name} --data {Path(data).name} --out weights",
            "commit": SOURCES[architecture],
            "licence": LICENCE,
            "validation": psnr.as_dict(),
        },
        half=True,
    )
