"""SRCNN (Dong et al. 2016): three convolutions on the bicubic enlargement."""

from __future__ import annotations

from torch import Tensor, nn

from dognets.models.base import Predicts, SuperResolver
from dognets.models.filters import BicubicUpsample

__all__ = ["Srcnn"]


class Srcnn(SuperResolver):
    """The 9-5-5 network: patches, non-linear mapping, reconstruction.

    Its output is added to the enlarged input, which its authors did not do yet; it changes what
    is learned fast, not what can be learned.

    Parameters
    ----------
    scale : int
    """

    predicts: Predicts = "image"

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.scale = scale
        self.enlarge = BicubicUpsample(scale)
        self.body = nn.Sequential(
            nn.Conv2d(1, 64, 9, padding=4),
            nn.ReLU(inplace=True),
            nn.Conv2d(64, 32, 5, padding=2),
            nn.ReLU(inplace=True),
            nn.Conv2d(32, 1, 5, padding=2),
        )
        nn.init.zeros_(self.body[-1].weight)
        nn.init.zeros_(self.body[-1].bias)
        self.radius = -(-8 // scale) + BicubicUpsample.REACH

    def forward(self, low: Tensor) -> Tensor:
        """See `SuperResolver`."""
        enlarged = self.enlarge(low)
        return enlarged + self.body(enlarged)
