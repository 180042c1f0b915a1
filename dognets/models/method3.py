"""Method-3, ours: one shared trunk at low resolution for all levels of the scale space.

What is predicted is added to the bicubic enlargement, or to its blurred levels. See
docs/theory/super-resolution.md for why one head is enough, and docs/training/search.md for what
was tried.
"""

from __future__ import annotations

from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from dognets.ladders import LADDERS
from dognets.models.base import Predicts, SuperResolver
from dognets.models.blocks import MEAN_LUMINANCE, in_single_precision
from dognets.models.filters import BicubicUpsample, GaussianBlur
from dognets.models.trunks import TRUNKS

__all__ = ["Method3"]


class Method3(SuperResolver):
    """A shared trunk at low resolution, one convolution to all samples of the result.

    Parameters
    ----------
    scale : {2, 4}
    channels : int, default 48
    depth : int, default 6
        Convolutions of the trunk after the first, or its blocks.
    trunk : {"mixer", "plain", "residual", "unet", "wide"}, default "plain"
    heads : {"image", "lowe", "paper"}, default "image"
        What is predicted: the image itself, from which exact Gaussian filters make every level of
        every ladder; or the levels of Lowe's ladder or of the paper's, each from a head of its own.
    """

    def __init__(
        self,
        scale: int,
        channels: int = 48,
        depth: int = 6,
        trunk: Literal["mixer", "plain", "residual", "unet", "wide"] = "plain",
        heads: Literal["image", "lowe", "paper"] = "image",
    ) -> None:
        super().__init__()
        self.scale = scale
        self.enlarge = BicubicUpsample(scale)
        self.predicts: Predicts = "image" if heads == "image" else "gaussians"
        self.sigmas = () if heads == "image" else LADDERS[heads]
        self.blur = GaussianBlur(self.sigmas) if self.sigmas else nn.Identity()
        self.trunk = TRUNKS[trunk](channels, depth)
        planes = self.channels_out * scale * scale
        self.head = nn.Conv2d(channels, planes, 5, padding=2)
        # What a linear filter can restore need not take up the trunk.
        self.linear = nn.Conv2d(1, planes, 9, padding=4, bias=False)
        for start in (self.head.weight, self.head.bias, self.linear.weight):
            assert start is not None
            nn.init.zeros_(start)
        reach = -(-self.blur.radius // scale) if isinstance(self.blur, GaussianBlur) else 0
        self.radius = max(self.trunk.radius + 2, reach + BicubicUpsample.REACH)

    def forward(self, low: Tensor) -> Tensor:
        """See `SuperResolver`."""
        centred = low - MEAN_LUMINANCE
        residual = self.head(self.trunk(centred)) + in_single_precision(self.linear, centred)
        return self.blur(self.enlarge(low)) + F.pixel_shuffle(residual, self.scale)
