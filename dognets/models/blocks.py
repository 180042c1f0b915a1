"""Building blocks that several networks share."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dognets.models.filters import at_least_single

__all__ = [
    "MEAN_LUMINANCE",
    "Residual",
    "SeResidualBlock",
    "SqueezeExcitation",
    "conv3x3",
    "in_single_precision",
    "start_near_identity",
]

# Of natural images; networks see the input less this.
MEAN_LUMINANCE = 0.45


def conv3x3(channels_in: int, channels_out: int) -> nn.Conv2d:
    """A 3 x 3 convolution that keeps the size."""
    return nn.Conv2d(channels_in, channels_out, 3, padding=1)


def in_single_precision(layer: nn.Module, features: Tensor) -> Tensor:
    """Apply `layer` outside of any autocast.

    For last layers whose output is an image or a level: rounded to half precision, their
    differences would be mostly rounding.
    """
    with torch.autocast(features.device.type, enabled=False):
        result: Tensor = layer(at_least_single(features))
    return result


@torch.no_grad()
def start_near_identity(conv: nn.Conv2d, noise: float = 0.3) -> nn.Conv2d:
    """Let `conv` pass its input on, plus `noise` times its usual random start.

    Deep plain networks without skips train from the first step on this way.
    """
    conv.weight.mul_(noise)
    centre = conv.kernel_size[0] // 2
    for channel in range(min(conv.in_channels, conv.out_channels)):
        conv.weight[channel, channel, centre, centre] += 1.0
    if conv.bias is not None:
        conv.bias.zero_()
    return conv


class SqueezeExcitation(nn.Module):
    """Channel weights from the image's mean features (Hu et al. 2018; Noor et al., figure 3).

    Parameters
    ----------
    channels : int
    reduction : int, default 16
        Width of the hidden layer is ``channels / reduction``; the value of Hu et al., as Noor et
        al. give none.
    """

    def __init__(self, channels: int, reduction: int = 16) -> None:
        super().__init__()
        hidden = max(1, channels // reduction)
        self.weigh = nn.Sequential(
            nn.Linear(channels, hidden),
            nn.ReLU(inplace=True),
            nn.Linear(hidden, channels),
            nn.Sigmoid(),
        )

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        return features * self.weigh(features.mean((2, 3)))[:, :, None, None]


class Residual(nn.Module):
    """Layers whose result is added to their input.

    Parameters
    ----------
    *layers : Module
    """

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.body = nn.Sequential(*layers)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        result: Tensor = features + self.body(features)
        return result


class SeResidualBlock(Residual):
    """conv, ReLU, conv, squeeze-and-excitation, plus the block's input (Noor et al., figure 3).

    Parameters
    ----------
    channels : int
    squeeze : bool, default True
        Whether there is squeeze-and-excitation.
    """

    def __init__(self, channels: int, squeeze: bool = True) -> None:
        super().__init__(
            conv3x3(channels, channels),
            nn.ReLU(inplace=True),
            conv3x3(channels, channels),
            *([SqueezeExcitation(channels)] if squeeze else []),
        )
