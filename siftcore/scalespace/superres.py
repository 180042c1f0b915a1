"""Scale spaces whose finest octave comes from a super-resolved image.

Super-resolution by s splits each pixel's area into s x s samples, so its grid starts at
``(1/s - 1)/2``, not at 0 as the linearly doubled grid does. The result is taken as an image with a
blur of half of *its own* pixels, because it stands in for the high-resolution original.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from siftcore.errors import ParameterError, ProviderError
from siftcore.params import ScaleSpaceParams
from siftcore.scalespace.enlarging import (
    SUPER_RESOLVED_BLUR,
    call_function,
    checked_scale,
    found_scale,
    upscale_bicubic,
)
from siftcore.scalespace.gaussian import check_blur, octaves_of_image
from siftcore.scalespace.geometry import Grid
from siftcore.scalespace.protocol import Octave, ScaleSpace, check_build_image

if TYPE_CHECKING:
    from siftcore.params import SiftParams
    from siftcore.rows import ImageRows

__all__ = ["Bicubic", "PixelSR"]


class PixelSR:
    """Any upscaler, then the classical scale space on its grid.

    Parameters
    ----------
    upscale : callable
        (H, W) float32 in [0, 1] to (s H, s W) floats, which are clipped to [0, 1].
    scale : int, optional
        s, if it is to be checked; else it is read off the result.
    name : str, default "pixel-sr"
    blur : float, default 0.5
        Blur that the result is taken to have, in its own pixels.
    reach : int, optional
        No row of the result depends on rows of the image farther away than so many. Large images
        are then enlarged in strips; without it, and without `scale`, in one piece.

    Notes
    -----
    What `DogProvider` does to an image is done to the upscaled one: by default its first octave is
    the upscaled image doubled once more, because most keypoints of the high-resolution original
    lie there. ``first_octave=0`` starts on the upscaled grid itself, in a quarter of the time. The
    parameter ``input_blur`` is not read.

    Examples
    --------
    >>> import numpy as np
    >>> provider = PixelSR(lambda image: np.kron(image, np.ones((2, 2))), name="nearest-x2")
    >>> space = provider.build(np.zeros((24, 32), np.float32), ScaleSpaceParams())
    >>> octave = next(iter(space))
    >>> octave.delta, octave.origin
    (0.25, -0.25)
    """

    def __init__(
        self,
        upscale: Callable[[NDArray[np.float32]], Any],
        *,
        scale: int | None = None,
        name: str = "pixel-sr",
        blur: float = SUPER_RESOLVED_BLUR,
        reach: int | None = None,
    ) -> None:
        if not callable(upscale):
            raise ParameterError("upscale", upscale, "a function of an image")
        self.upscale = upscale
        self.scale = checked_scale(scale)
        self.name = name
        self.blur = blur
        self.reach = reach

    @property
    def in_strips(self) -> bool:
        """Whether `build_in_strips` can be used."""
        return self.reach is not None and self.scale is not None

    def enlarge(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """The upscaled image that the scale space is made of.

        Parameters
        ----------
        image : ndarray, (H, W) float32
            Intensities in [0, 1].

        Returns
        -------
        ndarray, (s H, s W) float32
            Clipped to [0, 1].

        Raises
        ------
        ProviderError
            When the upscaler returns something else than an enlarged image.
        """
        upscaled = call_function(self.upscale, image, self.name, ndim=2)
        found_scale(upscaled, image, self.scale, self.name)
        return upscaled.clip(0.0, 1.0)

    def build(self, image: NDArray[np.float32], params: ScaleSpaceParams) -> ScaleSpace:
        """The scale space of the upscaled `image`; see `ScaleSpaceProvider`.

        Raises
        ------
        ProviderError
            When the upscaler returns something else than an enlarged image.
        """
        image = check_build_image(image)
        height, width = image.shape
        check_blur("the blur of the upscaled image", self.blur, params)

        def make_octaves() -> Iterator[Octave]:
            # Popped, so that this frame does not keep the enlarged image alive.
            enlarged = [self.enlarge(image)]
            grid = Grid.area_upsampling(enlarged[0].shape[0] // height)
            yield from octaves_of_image(enlarged.pop(), grid, self.blur, params)

        return ScaleSpace(make_octaves, (width, height), self.name)

    def build_in_strips(self, rows: ImageRows, params: SiftParams, core: int) -> ScaleSpace:
        """The same of an image that comes in rows; see `StripProvider`.

        Raises
        ------
        ProviderError
            When `scale` or `reach` is not known.
        """
        from siftcore.scalespace.strips import octaves_in_strips, windows

        if self.reach is None or self.scale is None:
            raise ProviderError(f"provider {self.name!r} needs scale and reach to work in strips")
        s, reach = self.scale, self.reach
        height, width = rows.shape
        check_blur("the blur of the upscaled image", self.blur, params)

        def enlarged() -> Iterator[NDArray[np.float32]]:
            for window in windows(rows.blocks(core), height, core, reach):
                large = self.enlarge(np.ascontiguousarray(window.rows))
                first = s * (window.start - window.first_row)
                yield large[first : first + s * (window.stop - window.start)]

        def make_octaves() -> Iterator[Octave]:
            shape = s * height, s * width
            grid = Grid.area_upsampling(s)
            return octaves_in_strips(enlarged(), shape, grid, self.blur, params, core)

        return ScaleSpace(make_octaves, (width, height), self.name)


class Bicubic(PixelSR):
    """Bicubic upsampling, then the classical scale space: the baseline of super-resolution.

    Parameters
    ----------
    scale : int
    """

    def __init__(self, scale: int) -> None:
        super().__init__(
            lambda image: upscale_bicubic(image, scale),
            scale=scale,
            name=f"bicubic-x{scale}",
            reach=2,
        )
