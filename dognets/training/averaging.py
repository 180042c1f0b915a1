"""The moving average of a network's weights."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

__all__ = ["follow"]


@torch.no_grad()
def follow(average: Mapping[str, Tensor], model: nn.Module, decay: float) -> None:
    """Move the averages towards the weights, which count 1 - `decay`; counters are copied.

    Parameters
    ----------
    average : mapping of str to Tensor
        By the names of the state dict; changed in place.
    model : Module
        On the same device.
    decay : float
        In [0, 1).
    """
    for key, value in model.state_dict().items():
        if value.is_floating_point():
            average[key].lerp_(value, 1.0 - decay)
        else:
            average[key].copy_(value)
