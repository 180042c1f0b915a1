"""SRGAN (Ledig et al. 2017): generator and discriminator.

The generator has the layout of github.com/leftthomas/SRGAN (MIT), whose published weights fit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dognets.models.base import Predicts, SuperResolver
from dognets.models.blocks import conv3x3, in_single_precision

__all__ = ["Discriminator", "Srgan"]

LUMINANCE = (0.299, 0.587, 0.114)


class _ResidualBlock(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = conv3x3(channels, channels)
        self.bn1 = nn.BatchNorm2d(channels)
        self.prelu = nn.PReLU()
        self.conv2 = conv3x3(channels, channels)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, features: Tensor) -> Tensor:
        return features + self.bn2(self.conv2(self.prelu(self.bn1(self.conv1(features)))))


class _Doubling(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = conv3x3(channels, 4 * channels)
        self.shuffle = nn.PixelShuffle(2)
        self.prelu = nn.PReLU()

    def forward(self, features: Tensor) -> Tensor:
        return self.prelu(self.shuffle(self.conv(features)))


class Srgan(SuperResolver):
    """The generator. With three colours, grey goes in as R = G = B and luminance comes out.

    Parameters
    ----------
    scale : {2, 4}
    blocks : int, default 5
    channels : int, default 64
    colours : {1, 3}, default 3
        3 for the published weights.
    """

    predicts: Predicts = "image"
    # Texture made up from noise changes with the noise of rounding, and keypoints with it.
    tolerates_half = False

    def __init__(self, scale: int, blocks: int = 5, channels: int = 64, colours: int = 3) -> None:
        super().__init__()
        self.scale = scale
        self.colours = colours
        # Names as in the published weights.
        self.block1 = nn.Sequential(nn.Conv2d(colours, channels, 9, padding=4), nn.PReLU())
        for i in range(blocks):
            self.add_module(f"block{2 + i}", _ResidualBlock(channels))
        self.residual_names = [f"block{2 + i}" for i in range(blocks)]
        self.block7 = nn.Sequential(conv3x3(channels, channels), nn.PReLU())
        doublings = [_Doubling(channels) for _ in range(int(math.log2(scale)))]
        self.block8 = nn.Sequential(*doublings, nn.Conv2d(channels, colours, 9, padding=4))
        self.register_buffer(
            "luminance", torch.tensor(LUMINANCE).reshape(1, 3, 1, 1), persistent=False
        )
        self.radius = 4 + 2 * blocks + 1 + 4

    def forward(self, low: Tensor) -> Tensor:
        """See `SuperResolver`."""
        first = self.block1(low.expand(-1, self.colours, -1, -1))
        features = first
        for name in self.residual_names:
            features = self.get_submodule(name)(features)
        features = first + self.block7(features)
        *inner, last = self.block8
        for layer in inner:
            features = layer(features)
        image = (torch.tanh(in_single_precision(last, features)) + 1.0) / 2.0
        if self.colours == 1:
            return image
        return (image * self.luminance).sum(1, keepdim=True)

    def load_published(self, weights: Mapping[str, NDArray[np.generic]]) -> None:
        """Take over the weights of github.com/leftthomas/SRGAN (MIT), by their names.

        Raises
        ------
        KeyError
            When a layer is missing.
        """
        own = self.state_dict()
        self.load_state_dict(
            {
                key: torch.from_numpy(np.array(weights[key])).reshape(value.shape)
                if key in weights or "num_batches" not in key
                else value
                for key, value in own.items()
            }
        )


class Discriminator(nn.Module):
    """Tells true images from generated ones: one logit per image, any size from 16 x 16.

    Parameters
    ----------
    channels : int, default 64
        Of the first layer; doubled three times.
    """

    def __init__(self, channels: int = 64) -> None:
        super().__init__()
        layers: list[nn.Module] = [conv3x3(1, channels), nn.LeakyReLU(0.2, inplace=True)]
        width = channels
        for stage in range(4):
            wider = channels * 2 ** min(stage, 3)
            for next_width, stride in ((wider, 1), (wider, 2)) if stage else ((width, 2),):
                layers += [
                    nn.Conv2d(width, next_width, 3, stride=stride, padding=1),
                    nn.BatchNorm2d(next_width),
                    nn.LeakyReLU(0.2, inplace=True),
                ]
                width = next_width
        layers += [
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(width, 2 * width, 1),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(2 * width, 1, 1),
        ]
        self.body = nn.Sequential(*layers)

    def forward(self, image: Tensor) -> Tensor:
        """(B, 1, H, W) to (B,) logits; positive means true."""
        return self.body(image).flatten()
