"""Method-1 of Noor et al.: one network per DoG level, each adding to the input's own DoG.

Source: Noor et al., section 2, figures 2 and 3, equations 5 and 11.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from dognets.models.base import Predicts, SuperResolver
from dognets.models.blocks import SeResidualBlock, conv3x3, in_single_precision
from dognets.models.filters import BicubicUpsample, GaussianBlur
from siftcore.scalespace.geometry import PAPER_SIGMAS

__all__ = ["LevelNetwork", "Method1", "make_levels"]


class LevelNetwork(nn.Sequential):
    """Convolution, residual blocks with squeeze-and-excitation, deconvolution to one plane.

    Parameters
    ----------
    scale : int
        Stride of the deconvolution; its kernel has twice that size.
    blocks : int
    channels : int
    squeeze : bool
    """

    def __init__(self, scale: int, blocks: int, channels: int, squeeze: bool) -> None:
        super().__init__(
            conv3x3(1, channels),
            *(SeResidualBlock(channels, squeeze) for _ in range(blocks)),
            nn.ConvTranspose2d(channels, 1, 2 * scale, stride=scale, padding=scale // 2),
        )
        self.radius = 2 * blocks + 2

    def forward(self, low: Tensor) -> Tensor:
        """(B, 1, H, W) to (B, 1, s H, s W)."""
        *inner, last = self
        for layer in inner:
            low = layer(low)
        return in_single_precision(last, low)


def make_levels(
    scale: int, planes: int, blocks: Sequence[int], channels: int, squeeze: bool
) -> nn.ModuleList:
    """A `LevelNetwork` per plane, finest first.

    Raises
    ------
    ValueError
        When there is not one number of blocks per plane.
    """
    if len(blocks) != planes or min(blocks) < 0:
        raise ValueError(f"blocks must be {planes} numbers, one per plane, not negative")
    return nn.ModuleList(LevelNetwork(scale, n, channels, squeeze) for n in blocks)


class Method1(SuperResolver):
    """Four networks predict the DoGs of the high-resolution image.

    The predictor, the DoG of the bicubically enlarged input, is added to each output, so that the
    networks learn the residue; their last layers start at zero. A DoG is the more blurred level
    minus the less blurred one, as everywhere in this project: the negative of equation 11.

    Parameters
    ----------
    scale : {2, 4}
    blocks : sequence of int, default (16, 12, 10, 8)
        Residual blocks of each network, finest level first.
    channels : int, default 64
    squeeze : bool, default True
        False leaves squeeze-and-excitation out, which the paper has.
    """

    predicts: Predicts = "dogs"
    sigmas = PAPER_SIGMAS

    def __init__(
        self,
        scale: int,
        blocks: Sequence[int] = (16, 12, 10, 8),
        channels: int = 64,
        squeeze: bool = True,
    ) -> None:
        super().__init__()
        self.scale = scale
        self.enlarge = BicubicUpsample(scale)
        self.blur = GaussianBlur(self.sigmas)
        self.levels = make_levels(scale, self.channels_out, blocks, channels, squeeze)
        for level in self.levels:
            last = level[-1]
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)
        enlarged = -(-self.blur.radius // scale) + BicubicUpsample.REACH
        self.radius = None if squeeze else max(enlarged, *(n.radius for n in self.levels))

    def forward(self, low: Tensor) -> Tensor:
        """See `SuperResolver`."""
        predictor = self.blur(self.enlarge(low)).diff(dim=1)
        return predictor + torch.cat([level(low) for level in self.levels], 1)
