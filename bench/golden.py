"""Reading the published references: files of the IPOL program, and of David Lowe's own."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from siftcore.errors import InputError

__all__ = ["Golden", "LoweReference", "find_golden", "read_golden", "read_lowe"]

_ROOT = Path(__file__).resolve().parent.parent
# All seven images where they are at hand, else the four that the tests carry.
_FOLDERS = (_ROOT.parent / "shared" / "golden", _ROOT / "tests" / "golden" / "data")


class Golden(NamedTuple):
    """One image and what the IPOL reference program found in it.

    Attributes
    ----------
    name : str
    grey : ndarray, (H, W) uint8
    xy, sigma, angle, angle_as_published : ndarray
        In this project's conventions; the descriptors belong to `angle_as_published`.
    descriptor : ndarray, (N, 128) uint8
    stages : dict of str to ndarray, (M, 3)
        x, y, sigma of the survivors of each stage.
    """

    name: str
    grey: NDArray[np.uint8]
    xy: NDArray[np.float64]
    sigma: NDArray[np.float64]
    angle: NDArray[np.float64]
    angle_as_published: NDArray[np.float64]
    descriptor: NDArray[np.uint8]
    stages: dict[str, NDArray[np.float64]]

    @property
    def image(self) -> NDArray[np.float32]:
        """The input as the reference program scaled it: divided by 256."""
        return self.grey.astype(np.float32) / 256


class LoweReference(NamedTuple):
    """An image and the keypoints that David Lowe's program finds in it."""

    grey: NDArray[np.uint8]
    xy: NDArray[np.float64]
    sigma: NDArray[np.float64]
    angle: NDArray[np.float64]


def find_golden(folder: Path | None) -> Path:
    """The folder of golden files: the one given, or the first of the usual places."""
    places = _FOLDERS if folder is None else (folder,)
    for place in places:
        if any(place.glob("*.npz")):
            return place
    raise InputError(
        f"no golden files (*.npz) in {' or '.join(str(p) for p in places)}; pass --golden DIR"
    )


def read_golden(folder: Path) -> list[Golden]:
    """All golden files of a folder, by name."""
    found = []
    for path in sorted(folder.glob("*.npz")):
        with np.load(path, allow_pickle=False) as data:
            found.append(
                Golden(
                    path.stem,
                    data["grey"],
                    np.stack([data["x"], data["y"]], axis=1),
                    data["sigma"],
                    data["angle"],
                    data["angle_as_published"],
                    data["descriptor"],
                    {key[6:]: data[key] for key in data.files if key.startswith("stage_")},
                )
            )
    return found


def read_lowe(folder: Path) -> LoweReference | None:
    """The reference of Lowe's program in ``folder/lowe``, or None where it is not at hand.

    Each feature is ``row column scale orientation`` and 128 integers; the orientation's sign is
    opposite to ours.
    """
    image, features = folder / "lowe" / "box.pgm", folder / "lowe" / "box.sift"
    if not (image.is_file() and features.is_file()):
        return None
    numbers = features.read_text().split()
    n, size = int(numbers[0]), int(numbers[1])
    table = np.array(numbers[2:], np.float64).reshape(n, 4 + size)
    with Image.open(image) as opened:
        grey = np.asarray(opened.convert("L"))
    return LoweReference(grey, table[:, 1::-1].copy(), table[:, 2], -table[:, 3] % (2 * np.pi))
