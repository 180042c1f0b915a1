"""Run a network over whole images: device, precision, tiles, and too little memory."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from dognets.errors import DeviceError
from dognets.exactness import exact_float32
from dognets.models.base import SuperResolver
from siftcore.errors import ParameterError
from siftcore.forking import needs_one_thread
from siftcore.validation import check_choice, check_integer

__all__ = ["Runner", "choose_device"]

Precision = Literal["auto", "float32", "float16", "bfloat16"]
_DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
# Mirrored samples put around every image, so that the zeros that convolutions see beyond the border
# stay away from it.
BORDER = 8
SMALLEST_TILE = 32
# Largest tile tried first, in low-resolution pixels per side: bounds the memory of huge images.
FIRST_TILE = 512


def choose_device(device: str = "auto") -> torch.device:
    """The device meant: the best there is for ``"auto"``.

    Parameters
    ----------
    device : {"auto", "cpu", "cuda", "mps"}
        Also ``"cuda:1"`` and the like.

    Raises
    ------
    DeviceError
        When it is not there.
    """
    there = ["cpu"]
    if torch.cuda.is_available():
        there.append("cuda")
    if torch.backends.mps.is_available():
        there.append("mps")
    if device == "auto":
        return torch.device("cuda" if "cuda" in there else there[-1])
    kind, colon, number = str(device).partition(":")
    if kind not in ("cpu", "cuda", "mps"):
        raise ParameterError("device", device, "'auto', 'cpu', 'cuda' or 'mps'")
    if kind not in there or (colon and not number.isdecimal()):
        raise DeviceError(f"device {device!r} is not there; this machine has {', '.join(there)}")
    if kind == "cuda" and number and int(number) >= torch.cuda.device_count():
        raise DeviceError(
            f"device {device!r} is not there; this machine has {torch.cuda.device_count()} GPUs"
        )
    return torch.device(device)


def _is_out_of_memory(error: RuntimeError) -> bool:
    # CPUs and MPS raise a plain RuntimeError; its words depend on the system.
    words = ("not enough memory", "can't allocate memory", "out of memory")
    return isinstance(error, torch.OutOfMemoryError) or any(w in str(error) for w in words)


class Runner:
    """A network made ready for inference.

    Parameters
    ----------
    model : SuperResolver
        Put into evaluation mode and moved.
    device : str, default "auto"
    precision : {"auto", "float32", "float16", "bfloat16"}, default "auto"
        Of the convolutions. ``"auto"`` is float16 on GPUs where the network tolerates it, else
        float32.
    tile : int, optional
        Side of a tile in low-resolution pixels. By default 512, smaller when memory runs out.
        Networks that look at the whole image (`SuperResolver.radius` None) are run in one piece.
    """

    def __init__(
        self,
        model: SuperResolver,
        device: str = "auto",
        precision: Precision = "auto",
        tile: int | None = None,
    ) -> None:
        check_choice("precision", precision, ("auto", *_DTYPES))
        if tile is not None:
            check_integer("tile", tile, 1, 2**31 - 1)
        self.device = choose_device(device)
        half_pays = self.device.type in ("cuda", "mps") and model.tolerates_half
        # Of the convolutions inside; the enlargement and the sum stay in single precision, because
        # DoGs are small differences of levels.
        self.dtype = _DTYPES.get(precision, torch.float16 if half_pays else torch.float32)
        self.model = model.eval().requires_grad_(False).to(self.device, torch.float32)
        self.model = self.model.to(memory_format=torch.channels_last)
        self.tile = tile

    def __call__(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """Predict for one image.

        Parameters
        ----------
        image : ndarray, (H, W) float32
            In [0, 1].

        Returns
        -------
        ndarray, (planes, s H, s W) float32
        """
        return self.batch([image])[0]

    def batch(self, images: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Predict for images of one size: one upload, one download.

        Parameters
        ----------
        images : sequence of (H, W) float32

        Returns
        -------
        ndarray, (n, planes, s H, s W) float32

        Raises
        ------
        MemoryError
            When even the smallest tiles, or one piece where tiles are not exact, do not fit.
        """
        shapes = {image.shape for image in images}
        if len(shapes) != 1:
            raise ParameterError("images", sorted(shapes), "images of one size")
        if needs_one_thread() and self.device.type == "cpu":
            # At every call: OpenMP keeps the setting of every thread apart.
            torch.set_num_threads(1)
        padded = [np.pad(image, BORDER, mode="symmetric") for image in images]
        stack = np.stack(padded).astype(np.float32, copy=False)
        low = torch.from_numpy(stack)[:, None].to(self.device)
        height, width = images[0].shape
        half = torch.autocast(self.device.type, self.dtype, enabled=self.dtype is not torch.float32)
        with torch.inference_mode(), half, exact_float32(self.device):
            result = self._predict(low, height, width)
        return result.float().cpu().numpy()

    def _predict(self, low: torch.Tensor, height: int, width: int) -> torch.Tensor:
        tile = max(height, width) if self.model.radius is None else (self.tile or FIRST_TILE)
        while True:
            try:
                return self._in_tiles(low, height, width, tile)
            except RuntimeError as error:
                smaller = min(tile, max(height, width)) // 2
                if not _is_out_of_memory(error):
                    raise
                if self.model.radius is None or smaller < SMALLEST_TILE:
                    raise MemoryError(
                        f"not enough memory on {self.device} for an image of {width} x {height}; "
                        "use a smaller image or device='cpu'"
                    ) from error
            if self.device.type == "cuda":
                torch.cuda.empty_cache()
            warnings.warn(
                f"out of memory on {self.device} with tiles of {tile} pixels; trying {smaller}",
                RuntimeWarning,
                stacklevel=4,
            )
            self.tile = tile = smaller

    def _in_tiles(self, low: torch.Tensor, height: int, width: int, tile: int) -> torch.Tensor:
        """Every tile with its surroundings, so that each output sees what it would in one piece."""
        s = self.model.scale
        # Even starts, for networks that halve the resolution inside.
        tile = max(2, tile - tile % 2)
        planes = self.model.channels_out
        out = torch.empty(
            (len(low), planes, s * height, s * width), dtype=torch.float32, device=self.device
        )
        for y in range(0, height, tile):
            for x in range(0, width, tile):
                h, w = min(tile, height - y), min(tile, width - x)
                top, bottom = self._reach(y, h, low.shape[2])
                left, right = self._reach(x, w, low.shape[3])
                part = low[:, :, top:bottom, left:right]
                part = part.contiguous(memory_format=torch.channels_last)
                y0, x0 = s * (y + BORDER - top), s * (x + BORDER - left)
                result = self.model(part)[:, :, y0 : y0 + s * h, x0 : x0 + s * w]
                out[:, :, s * y : s * (y + h), s * x : s * (x + w)] = result
        return out

    def _reach(self, start: int, length: int, size: int) -> tuple[int, int]:
        """Rows or columns, of the bordered image, that those of a tile depend on."""
        radius = size if self.model.radius is None else self.model.radius
        first = max(0, start + BORDER - radius)
        return first - first % 2, min(size, start + length + BORDER + radius)
