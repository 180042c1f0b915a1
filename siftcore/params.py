"""Settings of every stage: frozen, keyword-only, validated when made.

Each stage has a small class of its own; `SiftParams` inherits them all, so that a user writes
``SiftParams(upright=True, descriptor="rootsift")`` without nesting, and a stage that asks for
`ScaleSpaceParams` takes a `SiftParams` as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any, Literal

from siftcore.errors import ParameterError
from siftcore.validation import check_choice, check_flag, check_integer, check_number

__all__ = [
    "DescriptorParams",
    "DetectorParams",
    "OrientationParams",
    "ScaleSpaceParams",
    "SiftParams",
    "resolve_params",
]

DescriptorKind = Literal["sift", "rootsift"]
LadderName = Literal["lowe", "paper"]
VotesName = Literal["nearest", "linear"]


@dataclass(frozen=True, kw_only=True)
class ScaleSpaceParams:
    """How the scale space is sampled (Lowe 2004, section 3; Otero & Delbracio 2014, section 2).

    Parameters
    ----------
    n_scales_per_octave : int, default 3
        Detection scales per octave, 1 to 10; the `lowe` ladder has ``n + 3`` Gaussian levels.
    sigma0 : float, default 1.6
        Blur of an octave's first level, in samples of the octave's own grid (Lowe 2004, 3.3).
        With the doubled first octave that is 0.8 input pixels.
    input_blur : float, default 0.5
        Blur that the camera left in the image, in pixels of that image. Providers that upsample
        do not read it.
    first_octave : int, default -1
        -1 doubles the image, 0 takes it as it is, ``o > 0`` starts at a step of ``2 ** o`` pixels.
        `PixelSR` counts from the upscaled image; `StackSR`, whose levels are its first octave, does
        not read it.
    n_octaves : int or None, default None
        Largest number of octaves; None goes on down to `min_octave_size`.
    min_octave_size : int, default 12
        Short side, in samples, below which no octave is made.
    ladder : {"lowe", "paper"}, default "lowe"
        Blur of the levels. ``"lowe"``: ``sigma0 * 2 ** (i / n)``. ``"paper"``: the five sigmas of
        Noor et al. (Table 1 and section 2), on top of a blur of 0.5 samples; it has four DoG
        levels, two of them for detection, and reads neither `sigma0` nor `n_scales_per_octave`.
    """

    n_scales_per_octave: int = 3
    sigma0: float = 1.6
    input_blur: float = 0.5
    first_octave: int = -1
    n_octaves: int | None = None
    min_octave_size: int = 12
    ladder: LadderName = "lowe"

    def __post_init__(self) -> None:
        check_integer("n_scales_per_octave", self.n_scales_per_octave, 1, 10)
        check_number("sigma0", self.sigma0, 0.5, 8.0, " (samples)")
        check_number("input_blur", self.input_blur, 0.0, 8.0, " (pixels)")
        check_integer("first_octave", self.first_octave, -1, 8)
        if self.n_octaves is not None:
            check_integer("n_octaves", self.n_octaves, 1, 32)
        check_integer("min_octave_size", self.min_octave_size, 4, 4096)
        check_choice("ladder", self.ladder, ("lowe", "paper"))


@dataclass(frozen=True, kw_only=True)
class DetectorParams:
    """Which extrema become keypoints (Lowe 2004, section 4; Otero & Delbracio 2014, section 3).

    Parameters
    ----------
    contrast_threshold : float, default 0.04 / 3
        Smallest absolute value of the refined DoG, for intensities in [0, 1] and neighbouring
        levels ``2 ** (1/3)`` apart; scaled for other ladders. OpenCV's ``contrastThreshold`` is
        this times its layers per octave.
    edge_ratio : float, default 10
        Largest ratio of the two principal curvatures.
    max_refinements : int, default 5
        Quadratic fits a candidate may take before it is given up.
    """

    contrast_threshold: float = 0.04 / 3
    edge_ratio: float = 10.0
    max_refinements: int = 5

    def __post_init__(self) -> None:
        check_number("contrast_threshold", self.contrast_threshold, 0.0, 1.0)
        check_number("edge_ratio", self.edge_ratio, 1.0, 1e6)
        check_integer("max_refinements", self.max_refinements, 1, 100)


@dataclass(frozen=True, kw_only=True)
class OrientationParams:
    """How keypoints get their angles (Lowe 2004, section 5; Otero & Delbracio 2014, 4.1).

    Parameters
    ----------
    upright : bool, default False
        Give each location a single keypoint, with angle 0, instead.
    n_orientation_bins : int, default 36
        Bins of the gradient histogram, 8 to 360.
    orientation_votes : {"nearest", "linear"}, default "nearest"
        Bins that a gradient votes for. ``"nearest"``: one, as in the reference program.
        ``"linear"``: the two around it, in proportion, as in VLFeat and COLMAP; angles are more
        precise then.
    orientation_peak_ratio : float, default 0.8
        Each local peak of at least this share of the highest becomes a keypoint; 1 keeps the
        highest alone.
    orientation_window : float, default 1.5
        Standard deviation of the histogram's Gaussian window, in units of the keypoint's sigma.
    max_orientations : int or None, default None
        Largest number of keypoints per location, highest peaks first; None keeps all.
    """

    upright: bool = False
    n_orientation_bins: int = 36
    orientation_votes: VotesName = "nearest"
    orientation_peak_ratio: float = 0.8
    orientation_window: float = 1.5
    max_orientations: int | None = None

    def __post_init__(self) -> None:
        check_flag("upright", self.upright)
        check_integer("n_orientation_bins", self.n_orientation_bins, 8, 360)
        check_choice("orientation_votes", self.orientation_votes, ("nearest", "linear"))
        check_number("orientation_peak_ratio", self.orientation_peak_ratio, 0.0, 1.0)
        check_number("orientation_window", self.orientation_window, 0.5, 6.0, " (sigmas)")
        if self.max_orientations is not None:
            check_integer("max_orientations", self.max_orientations, 1, 360)


@dataclass(frozen=True, kw_only=True)
class DescriptorParams:
    """The 4 x 4 x 8 gradient histogram (Lowe 2004, section 6; Otero & Delbracio 2014, 4.2).

    Parameters
    ----------
    descriptor : {"sift", "rootsift"}, default "sift"
        ``"sift"``: L2 norm 1 after the clamp. ``"rootsift"``: then divided by its L1 norm and
        square-rooted (Arandjelovic & Zisserman 2012), which has L2 norm 1 again.
    descriptor_cell : float, default 3
        Side of one of the 4 x 4 cells, in units of the keypoint's sigma.
    descriptor_clamp : float, default 0.2
        No bin exceeds this share of the norm.
    """

    descriptor: DescriptorKind = "sift"
    descriptor_cell: float = 3.0
    descriptor_clamp: float = 0.2

    def __post_init__(self) -> None:
        check_choice("descriptor", self.descriptor, ("sift", "rootsift"))
        check_number("descriptor_cell", self.descriptor_cell, 0.5, 20.0, " (sigmas)")
        check_number("descriptor_clamp", self.descriptor_clamp, 0.01, 1.0)


@dataclass(frozen=True, kw_only=True)
class SiftParams(ScaleSpaceParams, DetectorParams, OrientationParams, DescriptorParams):
    """All settings of `siftcore.extract`; the defaults are the IPOL reference program's.

    Every field of `ScaleSpaceParams`, `DetectorParams`, `OrientationParams` and
    `DescriptorParams`, as keywords.

    Raises
    ------
    ParameterError
        When a value is out of its range.

    Examples
    --------
    >>> SiftParams(upright=True, contrast_threshold=0.01).n_scales_per_octave
    3
    >>> SiftParams.preset("colmap").descriptor
    'rootsift'
    """

    def __post_init__(self) -> None:
        ScaleSpaceParams.__post_init__(self)
        DetectorParams.__post_init__(self)
        OrientationParams.__post_init__(self)
        DescriptorParams.__post_init__(self)

    @classmethod
    def preset(cls, name: str, **changes: Any) -> SiftParams:
        """Settings of another program, by name, with `changes` on top.

        Parameters
        ----------
        name : {"default", "opencv", "colmap", "paper"}
            ``"default"``: the reference program of Otero & Delbracio 2014, but for its limit of 8
            octaves. ``"opencv"``: ``cv2.SIFT_create()``, which goes on to smaller octaves.
            ``"colmap"``: lower threshold, 4 octaves, at most two orientations by linear votes,
            RootSIFT.
            ``"paper"``: the ladder of Noor et al. on the image's own grid.
        **changes
            Fields to override.

        Returns
        -------
        SiftParams
        """
        check_choice("preset", name, tuple(PRESETS))
        known = {field.name for field in fields(cls)}
        for key in changes:
            check_choice("a field of SiftParams", key, tuple(sorted(known)))
        return cls(**{**PRESETS[name], **changes})


PRESETS: MappingProxyType[str, dict[str, Any]] = MappingProxyType(
    {
        "default": {},
        # cv2 makes round(log2(short side)) - 1 octaves, the side being the doubled image's: its
        # smallest has a short side of 4 * sqrt(1/2) to 4 * sqrt(2) samples.
        "opencv": {"min_octave_size": 4},
        "colmap": {
            "contrast_threshold": 0.02 / 3,
            "n_octaves": 4,
            "orientation_votes": "linear",
            "max_orientations": 2,
            "descriptor": "rootsift",
        },
        "paper": {"ladder": "paper", "first_octave": 0},
    }
)


def resolve_params(params: SiftParams | str | None) -> SiftParams:
    """The settings meant by `params`: an object, the name of a preset, or None for the defaults."""
    if params is None:
        return SiftParams()
    if isinstance(params, str):
        return SiftParams.preset(params)
    if not isinstance(params, SiftParams):
        raise ParameterError("params", params, "a SiftParams, the name of a preset, or None")
    return params
