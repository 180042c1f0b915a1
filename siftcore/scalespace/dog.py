"""The provider `dog`: the classical scale space of the image, doubled first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from siftcore.params import ScaleSpaceParams
from siftcore.scalespace.gaussian import check_blur, octaves_of_image
from siftcore.scalespace.geometry import Grid
from siftcore.scalespace.protocol import Octave, ScaleSpace, check_build_image

if TYPE_CHECKING:
    from siftcore.params import SiftParams
    from siftcore.rows import ImageRows

__all__ = ["DogProvider"]


class DogProvider:
    """The classical scale space: the image doubled by linear interpolation, blurred, decimated.

    Examples
    --------
    >>> import numpy as np
    >>> space = DogProvider().build(np.zeros((48, 64), np.float32), ScaleSpaceParams())
    >>> [octave.gaussians.shape for octave in space]
    [(6, 96, 128), (6, 48, 64), (6, 24, 32), (6, 12, 16)]
    """

    name = "dog"
    in_strips = True

    def build(self, image: NDArray[np.float32], params: ScaleSpaceParams) -> ScaleSpace:
        """The classical scale space of `image`; see `ScaleSpaceProvider`.

        Raises
        ------
        ParameterError
            When ``sigma0`` asks for less blur than the image is assumed to have.
        """
        image = check_build_image(image)
        height, width = image.shape
        check_blur("input_blur", params.input_blur, params)

        def make_octaves() -> Iterator[Octave]:
            return octaves_of_image(image, Grid(1.0, 0.0), params.input_blur, params)

        return ScaleSpace(make_octaves, (width, height), self.name)

    def build_in_strips(self, rows: ImageRows, params: SiftParams, core: int) -> ScaleSpace:
        """The same of an image that comes in rows; see `StripProvider`."""
        from siftcore.scalespace.strips import octaves_in_strips

        height, width = rows.shape
        check_blur("input_blur", params.input_blur, params)

        def make_octaves() -> Iterator[Octave]:
            blocks = rows.blocks(core)
            grid = Grid(1.0, 0.0)
            return octaves_in_strips(blocks, rows.shape, grid, params.input_blur, params, core)

        return ScaleSpace(make_octaves, (width, height), self.name)
