"""Trunks of method3: from one low-resolution plane to features at the same resolution.

All are convolutions alone. `radius` says how far each looks.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from dognets.models.activations import PReLU
from dognets.models.blocks import Residual, conv3x3, start_near_identity

__all__ = ["TRUNKS", "MixerTrunk", "PlainTrunk", "ResidualTrunk", "UNetTrunk", "WideTrunk"]


def _entry(channels: int) -> nn.Sequential:
    # One plane in: a wide kernel costs next to nothing here and widens the view.
    return nn.Sequential(nn.Conv2d(1, channels, 5, padding=2), PReLU(channels))


class PlainTrunk(nn.Sequential):
    """A 5 x 5, then 3 x 3 convolutions with PReLU, started near the identity.

    Parameters
    ----------
    channels : int
    depth : int
        Convolutions after the first.
    """

    def __init__(self, channels: int, depth: int) -> None:
        layers: list[nn.Module] = [*_entry(channels)]
        for _ in range(depth):
            conv = start_near_identity(conv3x3(channels, channels))
            layers += [conv, PReLU(channels)]
        super().__init__(*layers)
        self.radius = depth + 2


class ResidualTrunk(nn.Module):
    """Pairs of 3 x 3 convolutions with a skip around each pair; PReLU after each.

    Parameters
    ----------
    channels : int
    depth : int
        Convolutions after the first, even.
    """

    def __init__(self, channels: int, depth: int) -> None:
        super().__init__()
        self.head = _entry(channels)
        self.inner = nn.ModuleList(
            nn.Sequential(conv3x3(channels, channels), PReLU(channels), conv3x3(channels, channels))
            for _ in range(depth // 2)
        )
        self.outer = nn.ModuleList(PReLU(channels) for _ in range(depth // 2))
        self.radius = 2 * (depth // 2) + 2

    def forward(self, low: Tensor) -> Tensor:
        """(B, 1, H, W) to (B, C, H, W)."""
        features = self.head(low)
        for inner, outer in zip(self.inner, self.outer, strict=True):
            features = outer(features + inner(features))
        return features


def _mixer_block(channels: int, size: int = 7) -> Residual:
    """A wide depthwise convolution, then a pointwise pair with twice the channels, and a skip."""
    return Residual(
        nn.Conv2d(channels, channels, size, padding=size // 2, groups=channels),
        nn.Conv2d(channels, 2 * channels, 1),
        PReLU(2 * channels),
        nn.Conv2d(2 * channels, channels, 1),
    )


class MixerTrunk(nn.Sequential):
    """Depthwise 7 x 7 and pointwise convolutions by turns (ConvNeXt, ShuffleMixer), no norm.

    Parameters
    ----------
    channels : int
    depth : int
        Blocks.
    """

    def __init__(self, channels: int, depth: int) -> None:
        super().__init__(*_entry(channels), *(_mixer_block(channels) for _ in range(depth)))
        self.radius = 3 * depth + 2


def _wide_block(channels: int) -> Residual:
    """A 3 x 3 convolution to twice the channels, a pointwise one back, and a skip."""
    return Residual(
        conv3x3(channels, 2 * channels),
        PReLU(2 * channels),
        nn.Conv2d(2 * channels, channels, 1),
    )


class WideTrunk(nn.Sequential):
    """Blocks that are wide where the non-linearity is (WDSR; the mixer of SAFMN).

    Parameters
    ----------
    channels : int
    depth : int
        Blocks.
    """

    def __init__(self, channels: int, depth: int) -> None:
        super().__init__(*_entry(channels), *(_wide_block(channels) for _ in range(depth)))
        self.radius = depth + 2


class UNetTrunk(nn.Module):
    """A plain trunk, half of whose convolutions also run at half the resolution.

    Parameters
    ----------
    channels : int
        At full resolution; half as many more at half resolution.
    depth : int
        Convolutions at full resolution after the first, and as many at half resolution.
    """

    def __init__(self, channels: int, depth: int) -> None:
        super().__init__()
        wide = channels * 3 // 16 * 8
        self.before = PlainTrunk(channels, depth // 2)
        self.down = nn.Conv2d(channels, wide, 2, stride=2)
        self.middle = nn.Sequential(*self._plain(wide, depth))
        self.up = nn.Conv2d(wide, 4 * channels, 1)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)  # type: ignore[arg-type]
        self.after = nn.Sequential(*self._plain(channels, depth - depth // 2))
        # Exact for tiles that start at even rows and columns.
        self.radius = 2 * (2 * depth + 2) + 4

    @staticmethod
    def _plain(channels: int, depth: int) -> list[nn.Module]:
        return [
            layer
            for _ in range(depth)
            for layer in (
                start_near_identity(conv3x3(channels, channels)),
                PReLU(channels),
            )
        ]

    def forward(self, low: Tensor) -> Tensor:
        """(B, 1, H, W) to (B, C, H, W)."""
        height, width = low.shape[2:]
        low = F.pad(low, (0, width % 2, 0, height % 2), mode="replicate")
        features = self.before(low)
        coarse = F.pixel_shuffle(self.up(self.middle(self.down(features))), 2)
        return self.after(features + coarse)[:, :, :height, :width]


TRUNKS = {
    "mixer": MixerTrunk,
    "plain": PlainTrunk,
    "residual": ResidualTrunk,
    "unet": UNetTrunk,
    "wide": WideTrunk,
}
