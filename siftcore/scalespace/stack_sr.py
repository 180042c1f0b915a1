"""Scale spaces whose finest octave is predicted, level by level."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from siftcore.errors import ParameterError, ProviderError
from siftcore.kernels.blur import gaussian_blur
from siftcore.params import ScaleSpaceParams
from siftcore.scalespace.enlarging import (
    SUPER_RESOLVED_BLUR,
    call_function,
    checked_scale,
    found_scale,
    upscale_bicubic,
)
from siftcore.scalespace.gaussian import added_blur, octaves_from
from siftcore.scalespace.geometry import Grid, count_octaves, ladder_sigmas
from siftcore.scalespace.protocol import Octave, ScaleSpace, check_build_image

__all__ = ["StackSR"]


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
        self.scale = checked_scale(scale)
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
            stack = call_function(self.predict, image, self.name, ndim=3)
            scale = found_scale(stack, image, self.scale, self.name)
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
