"""The interface between a scale space and the detector: what a provider returns.

Nothing here computes. A provider builds a `ScaleSpace`; the later stages read it and never ask
who made it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from siftcore.errors import InputError, ProviderError
from siftcore.params import ScaleSpaceParams

if TYPE_CHECKING:
    from siftcore.params import SiftParams
    from siftcore.rows import ImageRows

__all__ = [
    "Octave",
    "ScaleSpace",
    "ScaleSpaceProvider",
    "Strip",
    "StripProvider",
    "check_build_image",
]


@dataclass(frozen=True)
class Strip:
    """Which rows of an octave are there, when it comes in strips.

    Attributes
    ----------
    first_row : int
        Row of the octave that is the first of `Octave.gaussians`.
    height : int
        Rows of the whole octave.
    start, stop : int
        Rows of the octave whose keypoints this strip gives, `stop` excluded; the other rows are
        the surroundings that those depend on.
    """

    first_row: int
    height: int
    start: int
    stop: int


@dataclass(frozen=True, eq=False)
class Octave:
    """Gaussian levels on one sampling grid (Otero & Delbracio 2014, section 2).

    Attributes
    ----------
    gaussians : ndarray, (levels, H, W) float32, C-contiguous
        Intensities in [0, 1], each level more blurred than the one before. A DoG level is the
        difference of two neighbours; it is never stored.
    sigmas : ndarray, (levels,) float64
        Absolute blur of each level, in input pixels, increasing.
    delta : float
        Sampling step in input pixels.
    origin : float
        Input coordinate of sample 0, along x and y: ``x_input = origin + delta * column``.
    strip : Strip or None
        Which rows `gaussians` holds; None for all of them.
    """

    gaussians: NDArray[np.float32]
    sigmas: NDArray[np.float64]
    delta: float
    origin: float
    strip: Strip | None = None

    @property
    def rows(self) -> Strip:
        """`strip`, or one that holds all rows."""
        height = self.gaussians.shape[1]
        return self.strip or Strip(0, height, 0, height)

    def check(self, provider: str) -> None:
        """Raise `ProviderError` unless the octave keeps its contract."""
        g = self.gaussians
        if not (isinstance(g, np.ndarray) and g.ndim == 3 and g.dtype == np.float32):
            came = f"{getattr(g, 'dtype', type(g).__name__)} of shape {getattr(g, 'shape', '?')}"
            raise ProviderError(
                f"provider {provider!r}: Octave.gaussians must be float32 (levels, H, W); "
                f"got {came}"
            )
        if not g.flags.c_contiguous:
            raise ProviderError(
                f"provider {provider!r}: Octave.gaussians must be C-contiguous; "
                "pass it through np.ascontiguousarray"
            )
        if g.shape[0] < 4:
            raise ProviderError(
                f"provider {provider!r}: an octave needs at least 4 Gaussian levels (3 DoGs) "
                f"to hold a scale-space extremum; got {g.shape[0]}"
            )
        sigmas = np.asarray(self.sigmas, np.float64)
        if sigmas.shape != g.shape[:1] or not (np.diff(sigmas) > 0).all() or sigmas[0] <= 0:
            raise ProviderError(
                f"provider {provider!r}: Octave.sigmas must be {g.shape[0]} increasing positive "
                f"numbers, one per level; got {sigmas}"
            )
        if not (np.isfinite(self.delta) and self.delta > 0 and np.isfinite(self.origin)):
            raise ProviderError(
                f"provider {provider!r}: Octave.delta must be positive and origin finite; "
                f"got {self.delta} and {self.origin}"
            )


def check_build_image(image: Any) -> NDArray[np.float32]:
    """What `ScaleSpaceProvider.build` is given, made C-contiguous; for calls of a user's own.

    Raises
    ------
    InputError
        When it is no (H, W) float32 array.
    """
    if not isinstance(image, np.ndarray) or image.ndim != 2 or image.dtype != np.float32:
        shape = getattr(image, "shape", "no shape")
        raise InputError(
            f"build takes intensities, (H, W) float32 in [0, 1]; got {type(image).__name__} of "
            f"{shape} and dtype {getattr(image, 'dtype', None)}; pass siftcore.load_image(image)"
        )
    return np.ascontiguousarray(image)


@dataclass(frozen=True, eq=False)
class ScaleSpace:
    """Octaves of one image, finest first, made one at a time as they are asked for.

    Attributes
    ----------
    make_octaves : callable
        Each call starts the computation again and yields each `Octave` once. No octave but the
        current one is kept in memory, unless the caller keeps it.
    image_size : (int, int)
        Width and height of the input image.
    provider : str
        Name of the provider.
    """

    make_octaves: Callable[[], Iterator[Octave]]
    image_size: tuple[int, int]
    provider: str

    def __iter__(self) -> Iterator[Octave]:
        for octave in self.make_octaves():
            octave.check(self.provider)
            yield octave
            # Else it would live on while the next one is made.
            del octave


class StripProvider(Protocol):
    """A provider that can also work on images which do not fit into memory.

    Attributes
    ----------
    in_strips : bool
        Whether it can, as it is set up.
    """

    name: str
    in_strips: bool

    def build_in_strips(self, rows: ImageRows, params: SiftParams, core: int) -> ScaleSpace:
        """The scale space of an image that comes in rows.

        Parameters
        ----------
        rows : ImageRows
        params : SiftParams
        core : int
            Rows of an octave whose keypoints one strip gives.

        Returns
        -------
        ScaleSpace
            Of octaves in strips (`Octave.strip`), which hold the samples that `build` would give.
        """
        ...


@runtime_checkable
class ScaleSpaceProvider(Protocol):
    """Anything with a name that turns an image into a scale space.

    Implementations need not inherit from this class.
    """

    name: str

    def build(self, image: NDArray[np.float32], params: ScaleSpaceParams) -> ScaleSpace:
        """The scale space of `image`.

        Parameters
        ----------
        image : ndarray, (H, W) float32, C-contiguous
            Intensities in [0, 1].
        params : ScaleSpaceParams
            Ladder, assumed blur and octaves that the user asked for.

        Returns
        -------
        ScaleSpace
        """
        ...
