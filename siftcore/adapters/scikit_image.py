"""siftcore with the interface of ``skimage.feature.SIFT``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from siftcore.errors import InputError, ParameterError
from siftcore.io.scikit_image import ScikitImageArrays, from_arrays, to_arrays
from siftcore.params import SiftParams
from siftcore.validation import check_number

if TYPE_CHECKING:
    from siftcore.scalespace.protocol import ScaleSpaceProvider

__all__ = ["SIFT"]

_THEIR_NAME = {
    "n_octaves": "n_octaves",
    "n_scales_per_octave": "n_scales",
    "sigma0": "sigma_min",
    "input_blur": "sigma_in",
    "contrast_threshold": "c_dog",
    "edge_ratio": "c_edge",
    "n_orientation_bins": "n_bins",
    "orientation_window": "lambda_ori",
    "orientation_peak_ratio": "c_max",
}


class SIFT:
    """Detector and descriptor with the names and defaults of ``skimage.feature.SIFT``.

    Parameters
    ----------
    upsampling : {1, 2}, default 2
        For 4 use ``provider="bicubic-x4"``.
    n_octaves : int, default 8
        Upper limit; small images have fewer.
    n_scales : int, default 3
        Detection scales per octave.
    sigma_min : float, default 1.6
        Blur of an octave's first level, in samples of the octave's own grid.
    sigma_in : float, default 0.5
        Blur of the image, in its pixels.
    c_dog : float, default 0.04 / 3
        Contrast threshold, for intensities in [0, 1].
    c_edge : float, default 10
        Largest ratio of the two principal curvatures.
    n_bins : int, default 36
        Bins of the orientation histogram.
    lambda_ori : float, default 1.5
        Standard deviation of that histogram's window, in units of the keypoint's sigma.
    c_max : float, default 0.8
        Each local peak above this share of the highest becomes a keypoint.
    lambda_descr : float, default 6
        Half the side of the descriptor's window, in units of the keypoint's sigma.
    n_hist, n_ori : int
        4 and 8; siftcore's descriptor has no others.
    provider : str or ScaleSpaceProvider, default "dog"
        The scale space; scikit-image has no such choice.
    value_range : (float, float), optional
        Values of black and white in the images, where they differ from those of their dtype.
        scikit-image takes floats as they are, whatever their range.

    Attributes
    ----------
    keypoints, positions, sigmas, orientations, octaves, scales, descriptors : ndarray or None
        As in `siftcore.io.scikit_image.ScikitImageArrays`; None before the call that makes them.

    Notes
    -----
    What differs from scikit-image: positions have no shift of 0.25 px at the default `upsampling`.
    Keypoints come strongest first. An image without any gives empty arrays, not a RuntimeError.
    Images may be of colour, in RGB order. Angles lack its rounding down to a bin's edge.

    Examples
    --------
    >>> import numpy as np
    >>> y, x = np.mgrid[:64, :96]
    >>> blob = np.exp(-((x - 40.3) ** 2 + (y - 30.6) ** 2) / (2 * 4.0**2))
    >>> sift = SIFT()
    >>> sift.detect_and_extract(blob)
    >>> sift.positions[0].round(1)
    array([30.6, 40.3])
    """

    keypoints: NDArray[np.int64] | None
    positions: NDArray[np.float64] | None
    sigmas: NDArray[np.float64] | None
    orientations: NDArray[np.float64] | None
    octaves: NDArray[np.int64] | None
    scales: NDArray[np.int64] | None
    descriptors: NDArray[np.uint8] | None

    def __init__(
        self,
        upsampling: int = 2,
        n_octaves: int = 8,
        n_scales: int = 3,
        sigma_min: float = 1.6,
        sigma_in: float = 0.5,
        c_dog: float = 0.04 / 3,
        c_edge: float = 10.0,
        n_bins: int = 36,
        lambda_ori: float = 1.5,
        c_max: float = 0.8,
        lambda_descr: float = 6.0,
        n_hist: int = 4,
        n_ori: int = 8,
        *,
        provider: str | ScaleSpaceProvider = "dog",
        value_range: tuple[float, float] | None = None,
    ) -> None:
        if upsampling not in (1, 2):
            raise ParameterError("upsampling", upsampling, "1 or 2 (4: provider='bicubic-x4')")
        for name, count, only in (("n_hist", n_hist, 4), ("n_ori", n_ori, 8)):
            if count != only:
                raise ParameterError(name, count, f"{only}, which siftcore's descriptor has")
        self.upsampling = upsampling
        self._provider = provider
        self._value_range = value_range
        half_side = check_number("lambda_descr", lambda_descr, 1.0, 40.0, " (sigmas)")
        try:
            self._params = SiftParams(
                first_octave=0 if upsampling == 1 else -1,
                n_octaves=n_octaves,
                n_scales_per_octave=n_scales,
                sigma0=sigma_min,
                input_blur=sigma_in,
                contrast_threshold=c_dog,
                edge_ratio=c_edge,
                n_orientation_bins=n_bins,
                orientation_window=lambda_ori,
                orientation_peak_ratio=c_max,
                # Four cells make up the descriptor's side.
                descriptor_cell=half_side / 2.0,
            )
        except ParameterError as error:
            name = _THEIR_NAME[error.name]
            raise ParameterError(name, error.value, error.expected) from None
        self._keep(None)

    def detect(self, image: NDArray[Any]) -> None:
        """Find keypoints; `descriptors` becomes None.

        Parameters
        ----------
        image : ndarray, (H, W) or (H, W, 3)
        """
        self.detect_and_extract(image)
        self.descriptors = None

    def extract(self, image: NDArray[Any]) -> None:
        """Describe the keypoints that `detect` found, perhaps in another image.

        The Gaussian level is that nearest to the keypoint's sigma. About one keypoint in twenty
        has its extremum a level beside that, and another descriptor than `detect_and_extract`
        gives.

        Parameters
        ----------
        image : ndarray, (H, W) or (H, W, 3)

        Raises
        ------
        InputError
            When nothing was detected yet, or a keypoint is outside the image.
        """
        import siftcore

        if self.positions is None or self.sigmas is None or self.orientations is None:
            raise InputError("there are no keypoints to describe; call detect first")
        grey = siftcore.load_image(image, self._value_range)
        height, width = grey.shape
        given = from_arrays(self.positions, self.sigmas, self.orientations, None, (width, height))
        described = siftcore.describe(
            grey, given.xy, given.sigma, given.angle, self._provider, self._params
        )
        self.descriptors = to_arrays(described).descriptors

    def detect_and_extract(self, image: NDArray[Any]) -> None:
        """Find keypoints and describe them.

        Parameters
        ----------
        image : ndarray, (H, W) or (H, W, 3)
            Integers are divided by their dtype's maximum, floats lie in [0, 1], unless
            `value_range` was given.
        """
        import siftcore

        features = siftcore.extract(
            image, self._provider, self._params, value_range=self._value_range
        )
        self._keep(to_arrays(features, self.upsampling))

    def _keep(self, arrays: ScikitImageArrays | None) -> None:
        for name in ScikitImageArrays._fields:
            setattr(self, name, None if arrays is None else getattr(arrays, name))
