"""Other SIFT programs under the same settings, where they are installed."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

import numba
import numpy as np
from numpy.typing import NDArray

import siftcore

__all__ = ["Detector", "detectors", "set_threads"]

# Detects and describes; returns how many keypoints.
Detector = Callable[[NDArray[np.uint8]], int]

_CONTRAST = 0.04 / 3
# More than any image here has: no peer may cap.
_NO_CAP = 1_000_000


def set_threads(n: int) -> None:
    """Threads of siftcore and OpenCV; pycolmap's are set when its detector is made."""
    numba.set_num_threads(n)
    if find_spec("cv2"):
        import cv2

        cv2.setNumThreads(n)


def _siftcore() -> Detector:
    return lambda image: len(siftcore.extract(image))


def _opencv() -> Detector:
    import cv2

    sift = cv2.SIFT_create(
        nfeatures=0,
        nOctaveLayers=3,
        contrastThreshold=3 * _CONTRAST,
        edgeThreshold=10,
        sigma=1.6,
        enable_precise_upscale=True,
    )
    return lambda image: len(sift.detectAndCompute(image, None)[0])


def _pycolmap(threads: int) -> Detector:
    import pycolmap

    pycolmap.logging.minloglevel = 1
    options = pycolmap.FeatureExtractionOptions()
    options.num_threads = threads
    options.use_gpu = False
    options.sift.peak_threshold = _CONTRAST
    options.sift.num_octaves = 9
    options.sift.max_num_features = _NO_CAP
    options.sift.max_num_orientations = 4
    options.sift.normalization = pycolmap.Normalization.L2
    extractor = pycolmap.FeatureExtractor.create(options, pycolmap.Device.cpu)
    return lambda image: len(extractor.extract(pycolmap.Bitmap.from_array(image))[0])


def _skimage() -> Detector:
    from skimage.feature import SIFT

    def run(image: NDArray[np.uint8]) -> int:
        # A detector that is reused keeps the octave count of its smallest image.
        sift = SIFT(
            upsampling=2, n_octaves=9, n_scales=3, sigma_min=1.6, c_dog=_CONTRAST, c_edge=10
        )
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
