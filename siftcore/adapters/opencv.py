"""siftcore with the interface of ``cv2.SIFT``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from siftcore.io.opencv import from_keypoints, to_descriptors, to_keypoints
from siftcore.params import SiftParams
from siftcore.types import Features
from siftcore.validation import check_integer, check_number

if TYPE_CHECKING:
    from siftcore.scalespace.protocol import ScaleSpaceProvider

__all__ = ["SIFT"]

_LOWE_STEP = 2.0 ** (1.0 / 3.0) - 1.0


class SIFT:
    """Detector and descriptor with the names and numbers of ``cv2.SIFT_create``.

    Parameters
    ----------
    nfeatures : int, default 0
        Keep the strongest `nfeatures` keypoints; 0 keeps all.
    nOctaveLayers : int, default 3
        Detection scales per octave, 1 to 10.
    contrastThreshold : float, default 0.04
        Divided by `nOctaveLayers`, as OpenCV does.
    edgeThreshold : float, default 10
        Largest ratio of the two principal curvatures, at least 1.
    sigma : float, default 1.6
        Blur of an octave's first level, in samples of the octave's own grid, 0.5 to 8.
    provider : str or ScaleSpaceProvider, default "dog"
        The scale space; OpenCV has no such choice.

    Notes
    -----
    What differs from OpenCV: positions have no shift of 0.25 px, as with its
    ``enable_precise_upscale=True``. `nfeatures` is exact, and the mask is applied before it.
    Keypoints come strongest first. Images may also be of uint16 or floats in [0, 1], and are not
    rounded to 8 bits when they are made grey. OpenCV drops keypoints within 5 samples of the border
    of their octave; siftcore keeps them. Without keypoints the descriptors are an array of
    shape (0, 128), not None. Bad arguments raise `siftcore.SiftError`, not ``cv2.error``.

    Examples
    --------
    >>> import numpy as np
    >>> y, x = np.mgrid[:64, :96]
    >>> blob = 255 * np.exp(-((x - 40.3) ** 2 + (y - 30.6) ** 2) / (2 * 4.0**2))
    >>> sift = SIFT(nfeatures=1)
    >>> features = sift.extract(blob.astype(np.uint8))
    >>> features.xy.round(1)
    array([[40.3, 30.6]], dtype=float32)
    """

    def __init__(
        self,
        nfeatures: int = 0,
        nOctaveLayers: int = 3,  # noqa: N803 - OpenCV's names
        contrastThreshold: float = 0.04,  # noqa: N803
        edgeThreshold: float = 10.0,  # noqa: N803
        sigma: float = 1.6,
        *,
        provider: str | ScaleSpaceProvider = "dog",
    ) -> None:
        self._budget = check_integer("nfeatures", nfeatures, 0, 2**31 - 1) or None
        layers = check_integer("nOctaveLayers", nOctaveLayers, 1, 10)
        threshold = check_number("contrastThreshold", contrastThreshold, 0.0, 10.0)
        # OpenCV states the DoG for its own ladder, siftcore for 3 layers per octave.
        self._spacing = _LOWE_STEP / (2.0 ** (1.0 / layers) - 1.0)
        self._provider = provider
        self._params = SiftParams.preset(
            "opencv",
            n_scales_per_octave=layers,
            contrast_threshold=min(threshold / layers * self._spacing, 1.0),
            edge_ratio=check_number("edgeThreshold", edgeThreshold, 1.0, 1e6),
            sigma0=check_number("sigma", sigma, 0.5, 8.0, " (samples)"),
        )

    @classmethod
    def create(cls, *args: Any, **kwargs: Any) -> SIFT:
        """The constructor, as ``cv2.SIFT.create``."""
        return cls(*args, **kwargs)

    def extract(self, image: NDArray[Any], mask: NDArray[Any] | None = None) -> Features:
        """The same as `detectAndCompute`, as `Features`; needs no OpenCV.

        Parameters
        ----------
        image : ndarray, (H, W) or (H, W, 3 or 4)
            Grey, or colour in BGR order as OpenCV reads it.
        mask : ndarray, (H, W), optional
            Keypoints are kept where it is not zero.

        Returns
        -------
        Features
        """
        import siftcore

        return siftcore.extract(
            _rgb(image), self._provider, self._params, mask=mask, max_keypoints=self._budget
        )

    def detect(self, image: NDArray[Any], mask: NDArray[Any] | None = None) -> list[Any]:
        """Keypoints, as a list of ``cv2.KeyPoint``; parameters as for `extract`."""
        return self._keypoints(self.extract(image, mask))

    def _keypoints(self, features: Features) -> list[Any]:
        return to_keypoints(replace(features, response=features.response / self._spacing))

    def compute(
        self, image: NDArray[Any], keypoints: Sequence[Any]
    ) -> tuple[list[Any], NDArray[np.float32]]:
        """Descriptors of given keypoints.

        Parameters
        ----------
        image : ndarray
            As for `extract`.
        keypoints : sequence of cv2.KeyPoint
            Inside the image. The Gaussian level is that nearest to ``size``; ``octave`` is not
            read.

        Returns
        -------
        keypoints : list of cv2.KeyPoint
            The same objects.
        descriptors : ndarray, (N, 128) float32
        """
        import siftcore

        grey = siftcore.load_image(_rgb(image))
        height, width = grey.shape
        given = from_keypoints(keypoints, None, (width, height))
        if len(given) == 0:
            return [], to_descriptors(given)
        described = siftcore.describe(
            grey, given.xy, given.sigma, given.angle, self._provider, self._params
        )
        return list(keypoints), to_descriptors(described)

    def detectAndCompute(  # noqa: N802 - OpenCV's name
        self, image: NDArray[Any], mask: NDArray[Any] | None = None
    ) -> tuple[list[Any], NDArray[np.float32]]:
        """Keypoints and their descriptors.

        Parameters
        ----------
        image, mask
            As for `extract`.

        Returns
        -------
        keypoints : list of cv2.KeyPoint
        descriptors : ndarray, (N, 128) float32
            In OpenCV's scale: integers from 0 to 255.
        """
        features = self.extract(image, mask)
        return self._keypoints(features), to_descriptors(features)


def _rgb(image: NDArray[Any]) -> NDArray[Any]:
    pixels = np.asarray(image)
    return pixels[..., 2::-1] if pixels.ndim == 3 and pixels.shape[2] in (3, 4) else pixels
