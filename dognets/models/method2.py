"""Method-2 of Noor et al.: one network a Gaussian level; DoGs by subtraction.

Source: Noor et al., section 2, figure 4, equation 9.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from dognets.models.base import Predicts, SuperResolver
from dognets.models.method1 import LevelNetwork
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
    """

    predicts: Predicts = "gaussians"
    sigmas = PAPER_SIGMAS

    def __init__(
        self, scale: int, blocks: Sequence[int] = (16, 12, 10, 8, 6), channels: int = 64
    ) -> None:
        super().__init__()
        self.scale = scale
        self.levels = nn.ModuleList(LevelNetwork(scale, n, channels) for n in blocks)

    def forward(self, low: Tensor) -> Tensor:
        """See `SuperResolver`."""
        return torch.cat([level(low) for level in self.levels], 1)
