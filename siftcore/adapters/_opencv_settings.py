"""The settings of ``cv2.SIFT_create``, by OpenCV's names, and what they are in siftcore's."""

from __future__ import annotations

from typing import Any

from siftcore.errors import ParameterError
from siftcore.params import SiftParams
from siftcore.validation import check_flag, check_integer, check_number

__all__ = ["CV_32F", "CV_8U", "OpenCVSettings"]

# As in cv2, which need not be installed.
CV_8U = 0
CV_32F = 5
_LOWE_STEP = 2.0 ** (1.0 / 3.0) - 1.0


class OpenCVSettings:
    """Settings with OpenCV's getters and setters; each is checked when it is set."""

    def __init__(
        self,
        nfeatures: int,
        n_octave_layers: int,
        contrast_threshold: float,
        edge_threshold: float,
        sigma: float,
        descriptor_type: int,
        enable_precise_upscale: bool,
    ) -> None:
        # One of OpenCV's two signatures has no descriptorType; its sixth argument is the flag.
        if isinstance(descriptor_type, bool):
            enable_precise_upscale, descriptor_type = descriptor_type, CV_32F
        if descriptor_type not in (CV_8U, CV_32F):
            raise ParameterError(
                "descriptorType", descriptor_type, f"cv2.CV_32F ({CV_32F}) or cv2.CV_8U ({CV_8U})"
            )
        check_flag("enable_precise_upscale", enable_precise_upscale)
        self._descriptor_type = descriptor_type
        self._precise = enable_precise_upscale
        self._layers = check_integer("nOctaveLayers", n_octave_layers, 1, 10)
        self.setNFeatures(nfeatures)
        self.setContrastThreshold(contrast_threshold)
        self.setEdgeThreshold(edge_threshold)
        self.setSigma(sigma)

    @property
    def spacing(self) -> float:
        """A DoG between Lowe's levels over one between levels of OpenCV's ladder."""
        # OpenCV takes the DoG of its own ladder, siftcore states it for 3 layers an octave.
        return float(_LOWE_STEP / (2.0 ** (1.0 / self._layers) - 1.0))

    @property
    def budget(self) -> int | None:
        """Number of keypoints to keep, None for all."""
        return self._nfeatures or None

    def to_params(self) -> SiftParams:
        """The same settings in siftcore's terms."""
        return SiftParams.preset(
            "opencv",
            n_scales_per_octave=self._layers,
            contrast_threshold=min(self._contrast / self._layers * self.spacing, 1.0),
            edge_ratio=self._edge,
            sigma0=self._sigma,
        )

    def getNFeatures(self) -> int:  # noqa: N802 - OpenCV's names, here and below
        """Number of keypoints to keep, 0 for all."""
        return self._nfeatures

    def setNFeatures(self, maxFeatures: int) -> None:  # noqa: N802, N803
        """Keep so many keypoints, strongest first; 0 keeps all."""
        try:
            self._nfeatures = check_integer("nfeatures", maxFeatures, 0, 2**31 - 1)
        except ParameterError:
            raise ParameterError(
                "nfeatures", maxFeatures, "0 for all, or a positive integer"
            ) from None

    def getNOctaveLayers(self) -> int:  # noqa: N802
        """Detection scales an octave."""
        return self._layers

    def setNOctaveLayers(self, nOctaveLayers: int) -> None:  # noqa: N802, N803
        """Detection scales an octave, 1 to 10."""
        self._layers = check_integer("nOctaveLayers", nOctaveLayers, 1, 10)

    def getContrastThreshold(self) -> float:  # noqa: N802
        """OpenCV's threshold, which is divided by the number of layers."""
        return self._contrast

    def setContrastThreshold(self, contrastThreshold: float) -> None:  # noqa: N802, N803
        """OpenCV's threshold, which is divided by the number of layers."""
        self._contrast = check_number("contrastThreshold", contrastThreshold, 0.0, 10.0)

    def getEdgeThreshold(self) -> float:  # noqa: N802
        """Largest ratio of the principal curvatures."""
        return self._edge

    def setEdgeThreshold(self, edgeThreshold: float) -> None:  # noqa: N802, N803
        """Largest ratio of the principal curvatures."""
        self._edge = check_number("edgeThreshold", edgeThreshold, 1.0, 1e6)

    def getSigma(self) -> float:  # noqa: N802
        """Blur of an octave's first level, in its samples."""
        return self._sigma

    def setSigma(self, sigma: float) -> None:  # noqa: N802
        """Blur of an octave's first level, in its samples."""
        self._sigma = check_number("sigma", sigma, 0.5, 8.0)

    def getDefaultName(self) -> str:  # noqa: N802
        """``"Feature2D.SIFT"``, as in OpenCV."""
        return "Feature2D.SIFT"

    def descriptorSize(self) -> int:  # noqa: N802
        """128."""
        return 128

    def descriptorType(self) -> int:  # noqa: N802
        """``cv2.CV_32F``, or ``cv2.CV_8U`` where it was asked for."""
        return self._descriptor_type

    def defaultNorm(self) -> int:  # noqa: N802
        """``cv2.NORM_L2``."""
        return 4

    def empty(self) -> bool:
        """Always True, as of ``cv2.SIFT``: there is nothing trained in it."""
        return True

    def clear(self) -> None:
        """Do nothing; OpenCV's algorithms have it."""

    def __repr__(self) -> str:
        values: dict[str, Any] = {
            "nfeatures": self._nfeatures,
            "nOctaveLayers": self._layers,
            "contrastThreshold": self._contrast,
            "edgeThreshold": self._edge,
            "sigma": self._sigma,
        }
        return f"SIFT({', '.join(f'{name}={value}' for name, value in values.items())})"
