"""EDSR, baseline size (Lim et al. 2017): residual blocks without normalisation, pixel shuffle."""

from __future__ import annotations

import math

from torch import Tensor, nn

from dognets.models.base import Predicts, SuperResolver
from dognets.models.blocks import MEAN_LUMINANCE, Residual, conv3x3, in_single_precision

__all__ = ["Edsr"]


def _block(channels: int) -> Residual:
    return Residual(conv3x3(channels, channels), nn.ReLU(inplace=True), conv3x3(channels, channels))


class Edsr(SuperResolver):
    """On luminance: one plane in, one out.

    Parameters
    ----------
    scale : {2, 4}
    blocks : int, default 16
    channels : int, default 64
    """

    predicts: Predicts = "image"
    trains_in_bfloat16 = False

    def __init__(self, scale: int, blocks: int = 16, channels: int = 64) -> None:
        super().__init__()
        self.scale = scale
        doublings = int(math.log2(scale))
        self.head = conv3x3(1, channels)
        self.body = nn.Sequential(
            *(_block(channels) for _ in range(blocks)), conv3x3(channels, channels)
        )
        steps = [
            layer
            for _ in range(doublings)
            for layer in (conv3x3(channels, 4 * channels), nn.PixelShuffle(2))
        ]
        self.tail = nn.Sequential(*steps, conv3x3(channels, 1))
        self.radius = 2 * blocks + 4

    def forward(self, low: Tensor) -> Tensor:
        """See `SuperResolver`."""
        features = self.head(low - MEAN_LUMINANCE)
        features = features + self.body(features)
        *inner, last = self.tail
        for layer in inner:
            features = layer(features)
        return in_single_precision(last, features) + MEAN_LUMINANCE
