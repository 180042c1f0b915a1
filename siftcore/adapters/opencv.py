"""siftcore with the interface of ``cv2.SIFT``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from siftcore.adapters._opencv_settings import CV_8U, CV_32F, OpenCVSettings
from siftcore.errors import InputError
from siftcore.io.opencv import from_keypoints, to_descriptors, to_keypoints
from siftcore.types import Features

if TYPE_CHECKING:
    from siftcore.scalespace.protocol import ScaleSpaceProvider

__all__ = ["SIFT"]

# What OpenCV's default doubling adds to x and y.
_OPENCV_SHIFT = 0.25


class SIFT(OpenCVSettings):
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
    descriptorType : int, default ``cv2.CV_32F``
        Or ``cv2.CV_8U``: the same integers as uint8. OpenCV takes it by position only.
    enable_precise_upscale : bool, default True
        OpenCV's default is False. With False its shift of 0.25 px is added to what is found, and
        taken off what is given to `compute`, to agree with positions that were stored from it.
    provider : str or ScaleSpaceProvider, default "dog"
        The scale space; OpenCV has no such choice.
    value_range : (float, float), optional
        Values of black and white in the images, where they differ from those of their dtype.

    Notes
    -----
    What differs from OpenCV: positions have no shift of 0.25 px, as with its
    ``enable_precise_upscale=True``. `nfeatures` is exact, and the mask is applied before it.
    Keypoints come strongest first. Images may also be of uint16 or floats in [0, 1], and are not
    rounded to 8 bits when they are made grey. OpenCV drops keypoints within 5 samples of the border
    of their octave; siftcore keeps them. Without keypoints the descriptors are an array of
    shape (0, 128), not None. Bad arguments raise `SiftError`, not ``cv2.error``. It is no
    ``cv2.Feature2D``: OpenCV's functions of C++ that take a detector refuse it. It pickles.

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
        descriptorType: int = CV_32F,  # noqa: N803
        enable_precise_upscale: bool = True,
        *,
        provider: str | ScaleSpaceProvider = "dog",
        value_range: tuple[float, float] | None = None,
    ) -> None:
        super().__init__(
            nfeatures,
            nOctaveLayers,
            contrastThreshold,
            edgeThreshold,
            sigma,
            descriptorType,
            enable_precise_upscale,
        )
        self._provider = provider
        self._value_range = value_range
        # Settings that siftcore does not take are refused here, not at the first image.
        self.to_params()

    @classmethod
    def create(cls, *args: Any, **kwargs: Any) -> SIFT:
        """The constructor, as ``cv2.SIFT.create``."""
        return cls(*args, **kwargs)

    def extract(self, image: Any, mask: NDArray[Any] | None = None) -> Features:
        """The same as `detectAndCompute`, as `Features`; needs no OpenCV.

        Parameters
        ----------
        image : ndarray, (H, W) or (H, W, 1, 3 or 4), or cv2.UMat
            Grey, or colour in BGR order as OpenCV reads it.
        mask : ndarray, (H, W), or cv2.UMat, optional
            Keypoints are kept where it is not zero.

        Returns
        -------
        Features
            Without OpenCV's shift.
        """
        import siftcore

        return siftcore.extract(
            _rgb(image),
            self._provider,
            self.to_params(),
            mask=_downloaded(mask),
            max_keypoints=self.budget,
            value_range=self._value_range,
        )

    def detect(self, image: Any, mask: NDArray[Any] | None = None) -> list[Any]:
        """Keypoints, as a list of ``cv2.KeyPoint``; parameters as for `extract`."""
        return self._keypoints(self.extract(image, mask))

    def compute(self, image: Any, keypoints: Sequence[Any]) -> tuple[list[Any], NDArray[Any]]:
        """Descriptors of given keypoints.

        Parameters
        ----------
        image : ndarray or cv2.UMat
            As for `extract`.
        keypoints : sequence of cv2.KeyPoint
            The Gaussian level is that nearest to ``size``; ``octave`` is not read. Of keypoints
            that were detected, about one in twenty has its extremum a level beside that, and
            another descriptor than `detectAndCompute` gives.

        Returns
        -------
        keypoints : list of cv2.KeyPoint
            The same objects, without those outside the image.
        descriptors : ndarray, (N, 128), float32 or uint8
        """
        import siftcore

        grey = siftcore.load_image(_rgb(image), self._value_range)
        height, width = grey.shape
        given = from_keypoints(keypoints, None, (width, height))
        xy = given.xy - self._shift()
        inside = np.all((xy >= -0.5) & (xy <= (width - 0.5, height - 0.5)), axis=1)
        kept = [keypoints[row] for row in np.flatnonzero(inside).tolist()]
        if not kept:
            return [], self._rows(given[:0])
        described = siftcore.describe(
            grey,
            xy[inside],
            given.sigma[inside],
            given.angle[inside],
            self._provider,
            self.to_params(),
        )
        return kept, self._rows(described)

    def detectAndCompute(  # noqa: N802 - OpenCV's name
        self, image: Any, mask: NDArray[Any] | None = None
    ) -> tuple[list[Any], NDArray[Any]]:
        """Keypoints and their descriptors.

        Parameters
        ----------
        image, mask
            As for `extract`.

        Returns
        -------
        keypoints : list of cv2.KeyPoint
        descriptors : ndarray, (N, 128), float32 or uint8
            In OpenCV's scale: integers from 0 to 255.
        """
        features = self.extract(image, mask)
        return self._keypoints(features), self._rows(features)

    def _shift(self) -> np.float32:
        return np.float32(0.0 if self._precise else _OPENCV_SHIFT)

    def _keypoints(self, features: Features) -> list[Any]:
        return to_keypoints(
            replace(
                features,
                xy=features.xy + self._shift(),
                response=features.response / np.float32(self.spacing),
            )
        )

    def _rows(self, features: Features) -> NDArray[Any]:
        rows = to_descriptors(features)
        return rows.astype(np.uint8) if self.descriptorType() == CV_8U else rows


def _downloaded(array: Any) -> Any:
    """The pixels of a ``cv2.UMat``; anything else as it is."""
    return array.get() if type(array).__module__ == "cv2" and hasattr(array, "get") else array


def _rgb(image: Any) -> NDArray[Any]:
    if image is None:
        raise InputError(
            "image must be an array; got None, which cv2.imread returns for a file that it cannot "
            "read; check the path"
        )
    if isinstance(image, (str, bytes)):
        raise InputError(
            f"image must be an array; got {image!r}; read it, for example by cv2.imread"
        )
    pixels = np.asarray(_downloaded(image))
    return pixels[..., 2::-1] if pixels.ndim == 3 and pixels.shape[2] in (3, 4) else pixels
