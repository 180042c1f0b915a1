"""Scale spaces whose finest octave comes from a super-resolved image or stack.

Super-resolution by s splits each pixel's area into s x s samples, so its grid starts at
``(1/s - 1)/2``, not at 0 as the linearly doubled grid does. The result is taken as an image with a
blur of half of *its own* pixels, because it stands in for the high-resolution original.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from siftcore.errors import ParameterError, ProviderError
from siftcore.kernels.blur import gaussian_blur
from siftcore.params import ScaleSpaceParams
from siftcore.scalespace.gaussian import (
    added_blur,
    check_blur,
    octaves_from,
    octaves_of_image,
)
from siftcore.scalespace.geometry import Grid, count_octaves, ladder_sigmas
from siftcore.scalespace.protocol import Octave, ScaleSpace, check_build_image

if TYPE_CHECKING:
    from siftcore.params import SiftParams
    from siftcore.rows import ImageRows

__all__ = ["Bicubic", "PixelSR", "StackSR", "upscale_bicubic"]

# Blur of a super-resolved image, in its own pixels: that of the original it stands for.
SUPER_RESOLVED_BLUR = 0.5


def upscale_bicubic(image: NDArray[np.float32], scale: int) -> NDArray[np.float32]:
    """Bicubic interpolation (Keys, a = -0.5) on the area grid, as Pillow and MATLAB do it.

    Parameters
    ----------
    image : ndarray, (H, W) float32
    scale : int

    Returns
    -------
    ndarray, (scale H, scale W) float32
        May overshoot the range of `image`.
    """
    height, width = image.shape
    size = (scale * width, scale * height)
    return np.array(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC), np.float32)


def _called(
    function: Callable[[NDArray[np.float32]], Any], image: NDArray[np.float32], name: str, ndim: int
) -> NDArray[np.float32]:
    """What the user's function makes of a copy of `image`, checked and as float32."""
    result = function(image.copy())
    if type(result).__module__.partition(".")[0] == "torch":
        result = result.detach().cpu().float().numpy()
    result = np.asarray(result)
    if result.ndim != ndim or result.dtype.kind != "f":
        form = "(H, W)" if ndim == 2 else "(levels, H, W)"
        raise ProviderError(
            f"provider {name!r}: its function must return floats of shape {form}; "
            f"got {result.dtype} of shape {result.shape}"
        )
    result = np.ascontiguousarray(result, np.float32)
    if not np.isfinite(result).all():
        raise ProviderError(f"provider {name!r}: its function returned NaN or infinity")
    return result


def _found_scale(
    result: NDArray[np.float32], image: NDArray[np.float32], scale: int | None, name: str
) -> int:
    """The upsampling factor, which must be one integer along both axes."""
    height, width = image.shape
    found = max(1, round(result.shape[-1] / width)) if scale is None else scale
    if result.shape[-2:] != (found * height, found * width):
        factor = "an integer factor" if scale is None else f"{scale}"
        raise ProviderError(
            f"provider {name!r}: its function must enlarge both sides of a {height} x {width} "
            f"image by {factor}; got {result.shape[-2]} x {result.shape[-1]}"
        )
    return found


def _checked_scale(scale: int | None) -> int | None:
    if scale is not None and (isinstance(scale, bool) or scale not in range(1, 17)):
        raise ParameterError("scale", scale, "an integer from 1 to 16, or None to find out")
    return scale


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
        self.scale = _checked_scale(scale)
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
        upscaled = _called(self.upscale, image, self.name, ndim=2)
        _found_scale(upscaled, image, self.scale, self.name)
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


class StackSR:
    """A function that predicts the finest octave's levels; coarser octaves follow classically.

    Parameters
    ----------
    predict : callable
        (H, W) float32 in [0, 1] to a stack of floats: (levels, s H, s W) Gaussians, or
        (levels - 1, s H, s W) DoGs, ``gaussians[i + 1] - gaussians[i]``.
    sigmas : sequence of float, optional
        Absolute blur of the Gaussian levels, in samples of the predicted grid, increasing. By
        default Lowe's ladder, ``1.6 * 2 ** (i / 3)`` for six levels.
    predicts : {"gaussians", "dogs"}, default "gaussians"
        With ``"dogs"`` the Gaussians are rebuilt from the top one down: the top level is the
        bicubic enlargement, blurred (smooth enough to be nearly exact), and each level below it
        subtracts the predicted difference.
    scale : int, optional
        s, if it is to be checked; else it is read off the result.
    name : str, default "stack-sr"

    Notes
    -----
    ``n_octaves`` and ``min_octave_size`` are all that is read of the parameters.
    """

    def __init__(
        self,
        predict: Callable[[NDArray[np.float32]], Any],
        *,
        sigmas: Sequence[float] | None = None,
        predicts: Literal["gaussians", "dogs"] = "gaussians",
        scale: int | None = None,
        name: str = "stack-sr",
    ) -> None:
        if not callable(predict):
            raise ParameterError("predict", predict, "a function of an image")
        if predicts not in ("gaussians", "dogs"):
            raise ParameterError("predicts", predicts, "'gaussians' or 'dogs'")
        self.predict = predict
        self.sigmas = np.array(
            ladder_sigmas(ScaleSpaceParams()) if sigmas is None else sigmas, np.float64
        )
        if self.sigmas.ndim != 1 or len(self.sigmas) < 4 or not (np.diff(self.sigmas) > 0).all():
            raise ParameterError("sigmas", sigmas, "at least four increasing numbers")
        self.predicts = predicts
        self.scale = _checked_scale(scale)
        self.name = name

    def _gaussians(
        self, image: NDArray[np.float32], stack: NDArray[np.float32], scale: int
    ) -> NDArray[np.float32]:
        expected = len(self.sigmas) - (self.predicts == "dogs")
        if len(stack) != expected:
            raise ProviderError(
                f"provider {self.name!r}: its function must return {expected} levels for "
                f"{len(self.sigmas)} sigmas; got {len(stack)}"
            )
        if self.predicts == "gaussians":
            return stack
        gaussians = np.empty((len(self.sigmas), *stack.shape[1:]), np.float32)
        top = added_blur(self.sigmas[-1], SUPER_RESOLVED_BLUR)
        gaussian_blur(upscale_bicubic(image, scale), top, out=gaussians[-1])
        for i in reversed(range(len(stack))):
            np.subtract(gaussians[i + 1], stack[i], out=gaussians[i])
        return gaussians

    def build(self, image: NDArray[np.float32], params: ScaleSpaceParams) -> ScaleSpace:
        """The predicted octave of `image` and those that follow; see `ScaleSpaceProvider`.

        Raises
        ------
        ProviderError
            When the function returns something else than the promised stack.
        """
        image = check_build_image(image)
        height, width = image.shape

        def make_octaves() -> Iterator[Octave]:
            stack = _called(self.predict, image, self.name, ndim=3)
            scale = _found_scale(stack, image, self.scale, self.name)
            grid = Grid.area_upsampling(scale)
            n = count_octaves(min(stack.shape[1:]), params)
            if n < 1:
                return
            gaussians = [self._gaussians(image, stack, scale)]
            del stack
            # Popped, so that only the iteration keeps the predicted octave alive.
            yield from octaves_from(
                Octave(gaussians.pop(), self.sigmas * grid.delta, grid.delta, grid.origin),
                self.sigmas,
                n,
            )

        return ScaleSpace(make_octaves, (width, height), self.name)
