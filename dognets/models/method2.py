"""Method-2 of Noor et al.: one network per Gaussian level; DoGs by subtraction.

Source: Noor et al., section 2, figure 4, equation 9.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from dognets.models.base import Predicts, SuperResolver
from dognets.models.filters import BicubicUpsample, GaussianBlur
from dognets.models.method1 import make_levels
from siftcore.scalespace.geometry import PAPER_SIGMAS

__all__ = ["Method2"]


class Method2(SuperResolver):
    """Five networks predict the blurred levels of the high-resolution image, without predictor.

    Parameters
    ----------
    scale : {2, 4}
    blocks : sequence of int, default (16, 12, 10, 8, 6)
        Residual blocks of each network, finest level first.
    channels : int, default 64
    squeeze : bool, default True
        False leaves squeeze-and-excitation out, which the paper has.
    predictor : bool, default False
        True adds the levels of the bicubically enlarged input, as Method-1 adds its DoGs, which
        the paper does not; then the last layers start at zero.
    """

    predicts: Predicts = "gaussians"
    sigmas = PAPER_SIGMAS
    trains_in_bfloat16 = False

    def __init__(
        self,
        scale: int,
        blocks: Sequence[int] = (16, 12, 10, 8, 6),
        channels: int = 64,
        squeeze: bool = True,
        predictor: bool = False,
    ) -> None:
        super().__init__()
        self.scale = scale
        self.levels = make_levels(scale, self.channels_out, blocks, channels, squeeze)
        reach = 0
        self.predictor: nn.Module | None = None
        if predictor:
            blur = GaussianBlur(self.sigmas)
            self.predictor = nn.Sequential(BicubicUpsample(scale), blur)
            reach = -(-blur.radius // scale) + BicubicUpsample.REACH
            for level in self.levels:
                last = level[-1]
                nn.init.zeros_(last.weight)
                nn.init.zeros_(last.bias)
        self.radius = None if squeeze else max(reach, *(n.radius for n in self.levels))

    def forward(self, low: Tensor) -> Tensor:
        """See `SuperResolver`."""
        found = torch.cat([level(low) for level in self.levels], 1)
        return found if self.predictor is None else self.predictor(low) + found
