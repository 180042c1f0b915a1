"""Images and reference results that several tests share."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray

GOLDEN_DIR = Path(__file__).parent / "golden" / "data"
GOLDEN_NAMES = ("camera", "astronaut", "brick", "coffee")


class Golden(NamedTuple):
    """One file of golden/data; its README explains the arrays."""

    grey: NDArray[np.uint8]
    keypoints: NDArray[np.float64]
    angle_as_published: NDArray[np.float64]
    descriptors: NDArray[np.uint8]

    @property
    def image(self) -> NDArray[np.float32]:
        """What the reference program saw: it divides by 256, not by 255."""
        return self.grey.astype(np.float32) / 256


def load_golden(name: str) -> Golden:
    """Keypoints as rows of (x, y, sigma, angle)."""
    with np.load(GOLDEN_DIR / f"{name}.npz") as data:
        keypoints = np.stack([data[key] for key in ("x", "y", "sigma", "angle")], axis=1)
        return Golden(data["grey"], keypoints, data["angle_as_published"], data["descriptor"])


@pytest.fixture(params=GOLDEN_NAMES, scope="module")
def golden(request: pytest.FixtureRequest) -> Golden:
    return load_golden(request.param)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """SIGINT interrupts this process and those it starts.

    Jobs that a shell starts in the background begin with SIGINT ignored, and so do their children.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def camera() -> NDArray[np.uint8]:
    """512 x 512, much texture."""
    return skimage.data.camera()


@pytest.fixture(scope="session")
def crop(camera: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """160 wide and 128 high: real, small, and not square, so that swapped axes show."""
    return np.ascontiguousarray(camera[100:228, 180:340])


@pytest.fixture(scope="session")
def motorcycle() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The rectified Middlebury pair, RGB, 741 wide and 500 high."""
    left, right, _ = skimage.data.stereo_motorcycle()
    return left, right
