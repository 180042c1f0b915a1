"""Other SIFT programs under the same settings, as extractors."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bench.extractors.extractor import Extractor
from bench.extractors.providers import scale_of
from bench.peers import CONTRAST, opencv_sift, opencv_version, pycolmap_extractor, skimage_sift
from siftcore.errors import ParameterError
from siftcore.scalespace.enlarging import upscale_bicubic
from siftcore.types import Features

__all__ = ["PEERS", "make_peer"]

Extract = Callable[[NDArray[np.uint8], int], Features]


def make_peer(name: str) -> Extractor:
    """One of `PEERS`. ``NAME-default`` has the program's own settings, kornia no others.

    ``NAME@bicubic-x2`` lets the program see the image enlarged by bicubic interpolation; positions
    and scales are those of the image before.
    """
    plain, _, enlarged = name.partition("@")
    make, package, keep = PEERS[plain]
    extract = make()
    if enlarged:
        if not enlarged.startswith("bicubic-x") or scale_of(enlarged) < 2:
            raise ParameterError("provider", name, f"{plain}@bicubic-x2 or {plain}@bicubic-x4")
        extract = _on_enlarged(extract, scale_of(enlarged))
    found = opencv_version() if package is None else version(package)
    identity = {"program": name, "version": found, "contrast": CONTRAST}
    return Extractor(name, extract, identity, keep, scale_of(enlarged))


def _on_enlarged(extract: Extract, scale: int) -> Extract:
    def run(image: NDArray[np.uint8], budget: int) -> Features:
        large = upscale_bicubic(image.astype(np.float32), scale)
        found = extract(np.clip(np.rint(large), 0, 255).astype(np.uint8), budget)
        height, width = image.shape
        return _features(
            (found.xy + 0.5) / scale - 0.5,
            found.sigma / scale,
            found.angle,
            found.descriptors,
            (width, height),
            found.provider,
            found.response,
        )

    return run


def _opencv(precise: bool) -> Extract:
    sift = opencv_sift(precise)

    def run(image: NDArray[np.uint8], budget: int) -> Features:
        found, descriptors = sift.detectAndCompute(image, None)
        # nfeatures keeps ties with the last, so the cut is made here.
        order = np.argsort([-k.response for k in found], kind="stable")[:budget]
        kept = [found[i] for i in order]
        return _features(
            np.array([k.pt for k in kept]).reshape(-1, 2),
            np.array([k.size / 2 for k in kept]),
            np.deg2rad([k.angle for k in kept]),
            np.zeros((0, 128)) if descriptors is None else descriptors[order],
            (image.shape[1], image.shape[0]),
            "opencv",
            np.array([k.response for k in kept]),
        )

    return run


def _pycolmap(comparable: bool) -> Extract:
    import pycolmap

    def run(image: NDArray[np.uint8], budget: int) -> Features:
        extractor = pycolmap_extractor(1, budget, comparable)
        points, descriptors = extractor.extract(pycolmap.Bitmap.from_array(image))
        sigma = np.array([p.compute_scale() for p in points])
        # It has no response. Like the program itself, keep the largest.
        order = np.argsort(-sigma, kind="stable")[:budget]
        xy = np.array([(p.x, p.y) for p in points]).reshape(-1, 2) - 0.5
        angle = np.array([p.compute_orientation() for p in points])
        data = np.asarray(descriptors.data, np.float64).reshape(-1, 128)
        size = (image.shape[1], image.shape[0])
        return _features(xy[order], sigma[order], angle[order], data[order], size, "pycolmap")

    return run


def _skimage() -> Extract:
    def run(image: NDArray[np.uint8], budget: int) -> Features:
        size = (image.shape[1], image.shape[0])
        sift = skimage_sift()
        try:
            sift.detect_and_extract(image)
        except RuntimeError as error:
            if "SIFT found no features" not in str(error):
                raise
            return Features.empty(size, "scikit-image")
        # No response either.
        order = np.argsort(-sift.sigmas, kind="stable")[:budget]
        return _features(
            sift.positions[order, ::-1],
            sift.sigmas[order],
            # It measures from the rows.
            np.pi / 2 - sift.orientations[order],
            sift.descriptors[order].astype(np.float64),
            size,
            "scikit-image",
        )

    return run


def _kornia() -> Extract:
    import torch
    from kornia.feature import SIFTFeatureScaleSpace

    from siftcore.io.kornia import from_kornia

    def run(image: NDArray[np.uint8], budget: int) -> Features:
        # It fills a budget up with whatever there is, down to responses of nothing.
        detector = SIFTFeatureScaleSpace(num_features=min(budget, _KORNIA_MOST))
        with torch.inference_mode():
            found = detector(torch.tensor(image)[None, None] / 255.0)
        size = (image.shape[1], image.shape[0])
        features = from_kornia(*found, image_size=size)
        return features[np.argsort(-features.response, kind="stable")]

    return run


# Its own default; every feature is described as a patch, whatever it is worth.
_KORNIA_MOST = 8000
Keep = Literal["strongest", "largest"]

# How each is made, its package (None: several have it), and what a budget keeps of it.
PEERS: dict[str, tuple[Callable[[], Extract], str | None, Keep]] = {
    "opencv": (lambda: _opencv(True), None, "strongest"),
    "opencv-default": (lambda: _opencv(False), None, "strongest"),
    "pycolmap": (lambda: _pycolmap(True), "pycolmap", "largest"),
    "pycolmap-default": (lambda: _pycolmap(False), "pycolmap", "largest"),
    "scikit-image": (_skimage, "scikit-image", "largest"),
    "kornia": (_kornia, "kornia", "strongest"),
}


def _features(
    xy: NDArray[Any],
    sigma: NDArray[Any],
    angle: NDArray[Any],
    descriptors: NDArray[Any],
    size: tuple[int, int],
    program: str,
    response: NDArray[Any] | None = None,
) -> Features:
    n = len(xy)
    norms = np.linalg.norm(descriptors, axis=1, keepdims=True)
    return Features(
        xy=np.asarray(xy, np.float32).reshape(n, 2),
        sigma=np.asarray(sigma, np.float32),
        angle=np.asarray(angle, np.float32) % np.float32(2 * np.pi),
        response=np.zeros(n, np.float32) if response is None else response,
        octave=np.zeros(n, np.int16),
        level=np.zeros(n, np.float32),
        descriptors=np.asarray(descriptors / np.maximum(norms, 1e-12), np.float32),
        image_size=size,
        provider=program,
    )
