"""Other SIFT programs under the same settings, where they are installed."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

import siftcore

__all__ = [
    "CONTRAST",
    "Detector",
    "detectors",
    "opencv_sift",
    "opencv_version",
    "pycolmap_extractor",
    "set_threads",
    "skimage_sift",
]

# Detects and describes; returns how many keypoints.
Detector = Callable[[NDArray[np.uint8]], int]

# On [0, 1], for levels 2 ** (1/3) apart: siftcore's default.
CONTRAST = 0.04 / 3
# More than any image here has: no peer may cap.
_NO_CAP = 1_000_000


def set_threads(n: int) -> None:
    """Threads of siftcore and OpenCV; pycolmap's are set when its detector is made."""
    numba.set_num_threads(n)
    if find_spec("cv2"):
        import cv2

        cv2.setNumThreads(n)


def opencv_version() -> str:
    """As its package has it, which goes by several names."""
    import cv2

    return str(cv2.__version__)


def opencv_sift(precise: bool = True) -> Any:
    """``cv2.SIFT`` without a cap; `precise` enlarges without its shift of a quarter of a pixel."""
    import cv2

    options: dict[str, Any] = {"enable_precise_upscale": True} if precise else {}
    return cv2.SIFT_create(
        nfeatures=0,
        nOctaveLayers=3,
        contrastThreshold=3 * CONTRAST,
        edgeThreshold=10,
        sigma=1.6,
        **options,
    )


def pycolmap_extractor(threads: int, max_features: int, comparable: bool = True) -> Any:
    """COLMAP's SIFT on the CPU: with siftcore's default settings, or with its own."""
    import pycolmap

    pycolmap.logging.minloglevel = 1
    options = pycolmap.FeatureExtractionOptions()
    options.num_threads = threads
    options.use_gpu = False
    options.sift.max_num_features = max_features
    if comparable:
        options.sift.peak_threshold = CONTRAST
        options.sift.num_octaves = 9
        options.sift.max_num_orientations = 4
        options.sift.normalization = pycolmap.Normalization.L2
    return pycolmap.FeatureExtractor.create(options, pycolmap.Device.cpu)


def skimage_sift() -> Any:
    """A new detector of scikit-image: one that is reused keeps its smallest image's octaves."""
    from skimage.feature import SIFT

    return SIFT(upsampling=2, n_octaves=9, n_scales=3, sigma_min=1.6, c_dog=CONTRAST, c_edge=10)


def _siftcore() -> Detector:
    return lambda image: len(siftcore.extract(image))


def _opencv() -> Detector:
    sift = opencv_sift()
    return lambda image: len(sift.detectAndCompute(image, None)[0])


def _pycolmap(threads: int) -> Detector:
    import pycolmap

    extractor = pycolmap_extractor(threads, _NO_CAP)
    return lambda image: len(extractor.extract(pycolmap.Bitmap.from_array(image))[0])


def _skimage() -> Detector:
    def run(image: NDArray[np.uint8]) -> int:
        sift = skimage_sift()
        sift.detect_and_extract(image)
        return len(sift.keypoints)

    return run


def detectors(threads: int) -> dict[str, Detector]:
    """The programs at hand, ours first."""
    found = {"siftcore": _siftcore()}
    if find_spec("cv2"):
        found["OpenCV"] = _opencv()
    if find_spec("pycolmap"):
        found["pycolmap"] = _pycolmap(threads)
    # It has one thread whatever is asked.
    if find_spec("skimage") and threads == 1:
        found["scikit-image"] = _skimage()
    return found
