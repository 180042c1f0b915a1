"""Method-3, ours: one shared trunk at low resolution for all levels of the scale space.

What is predicted is added to the bicubic enlargement, or to its blurred levels. See
docs/theory/super-resolution.md for why one head is enough, and docs/training/search.md for what
was tried.
"""

from __future__ import annotations

from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from dognets.ladders import LOWE_FILTERS
from dognets.models.base import Predicts, SuperResolver
from dognets.models.blocks import conv3x3, start_near_identity
from dognets.models.filters import BicubicUpsample, GaussianBlur

__all__ = ["Method3", "PlainTrunk", "ResidualTrunk", "UNetTrunk"]

MEAN = 0.45


def _entry(channels: int) -> nn.Sequential:
    # One plane in: a wide kernel costs next to nothing here and widens the view.
    return nn.Sequential(nn.Conv2d(1, channels, 5, padding=2), nn.PReLU(channels))


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
            layers += [conv, nn.PReLU(channels)]
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
            nn.Sequential(
                conv3x3(channels, channels), nn.PReLU(channels), conv3x3(channels, channels)
            )
            for _ in range(depth // 2)
        )
        self.outer = nn.ModuleList(nn.PReLU(channels) for _ in range(depth // 2))
        self.radius = 2 * (depth // 2) + 2

    def forward(self, low: Tensor) -> Tensor:
        """(B, 1, H, W) to (B, C, H, W)."""
        features = self.head(low)
        for inner, outer in zip(self.inner, self.outer, strict=True):
            features = outer(features + inner(features))
        return features


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
                nn.PReLU(channels),
            )
        ]

    def forward(self, low: Tensor) -> Tensor:
        """(B, 1, H, W) to (B, C, H, W)."""
        height, width = low.shape[2:]
        low = F.pad(low, (0, width % 2, 0, height % 2), mode="replicate")
        features = self.before(low)
        coarse = F.pixel_shuffle(self.up(self.middle(self.down(features))), 2)
        return self.after(features + coarse)[:, :, :height, :width]


TRUNKS = {"plain": PlainTrunk, "residual": ResidualTrunk, "unet": UNetTrunk}


class Method3(SuperResolver):
    """A shared trunk at low resolution, one convolution to all samples of the result.

    Parameters
    ----------
    scale : {2, 4}
    channels : int, default 48
    depth : int, default 6
        Convolutions of the trunk after the first.
    trunk : {"plain", "residual", "unet"}, default "plain"
    heads : {"image", "lowe"}, default "image"
        What is predicted: the image itself, from which exact Gaussian filters make every level of
        every ladder; or the six levels of Lowe's ladder, each from a head of its own.
    """

    def __init__(
        self,
        scale: int,
        channels: int = 48,
        depth: int = 6,
        trunk: Literal["plain", "residual", "unet"] = "plain",
        heads: Literal["image", "lowe"] = "image",
    ) -> None:
        super().__init__()
        self.scale = scale
        self.enlarge = BicubicUpsample(scale)
        self.predicts: Predicts = "image" if heads == "image" else "gaussians"
        self.sigmas = () if heads == "image" else LOWE_FILTERS
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
        centred = low - MEAN
        residual = self.head(self.trunk(centred)) + self.linear(centred)
        return self.blur(self.enlarge(low)) + F.pixel_shuffle(residual, self.scale)
