"""VDSR (Kim et al. 2016): twenty convolutions predict the residual of the bicubic enlargement."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dognets.models.base import Predicts, SuperResolver
from dognets.models.filters import BicubicUpsample

__all__ = ["Vdsr"]


class Vdsr(SuperResolver):
    """One set of weights serves every scale, as published.

    Parameters
    ----------
    scale : int
    layers : int, default 20
        Convolutions, the first and the last included.
    channels : int, default 64
    """

    predicts: Predicts = "image"

    def __init__(self, scale: int, layers: int = 20, channels: int = 64) -> None:
        super().__init__()
        self.scale = scale
        self.enlarge = BicubicUpsample(scale)
        widths = [1, *[channels] * (layers - 1), 1]
        self.convs = nn.ModuleList(
            nn.Conv2d(a, b, 3, padding=1, bias=False) for a, b in pairwise(widths)
        )
        for conv in self.convs:
            nn.init.kaiming_normal_(conv.weight)
        nn.init.zeros_(self.convs[-1].weight)
        self.radius = -(-layers // scale) + BicubicUpsample.REACH

    def forward(self, low: Tensor) -> Tensor:
        """See `SuperResolver`."""
        enlarged = self.enlarge(low)
        features = enlarged
        for conv in self.convs[:-1]:
            features = torch.relu(conv(features))
        return enlarged + self.convs[-1](features)

    def load_published(self, weights: Mapping[str, NDArray[np.float32]]) -> None:
        """Take over the weights of github.com/twtygqyy/pytorch-vdsr (MIT), by their names.

        Raises
        ------
        KeyError
            When a layer is missing.
        """
        names = [
            "model.input.weight",
            *(f"model.residual_layer.{i}.conv.weight" for i in range(len(self.convs) - 2)),
            "model.output.weight",
        ]
        self.load_state_dict(
            {
                f"convs.{i}.weight": torch.from_numpy(np.array(weights[name]))
                for i, name in enumerate(names)
            }
        )
