"""PReLU with a backward pass that is vectorised on a CPU."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["PReLU"]


class PReLU(nn.PReLU):
    """`torch.nn.PReLU` of one slope per channel, the same in value, gradient and state.

    PyTorch's own takes as long to train through on a CPU as the convolution before it: its
    backward pass, and in half precision its forward pass too, work sample by sample.

    Parameters
    ----------
    channels : int
    """

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, ...) to the same shape."""
        if features.device.type != "cpu" or not (torch.is_grad_enabled() and self.training):
            return super().forward(features)
        slope = self.weight.to(features.dtype).view(-1, *[1] * (features.dim() - 2))
        result: Tensor = _Apply.apply(features, slope)
        return result


class _Apply(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features: Tensor, slope: Tensor) -> Tensor:
        ctx.save_for_backward(features, slope)
        if features.dtype in (torch.float32, torch.float64):
            return F.prelu(features, slope.flatten())
        return features.clamp(min=0).add_(features.clamp(max=0).mul_(slope))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        features, slope = ctx.saved_tensors
        through = torch.ops.aten.leaky_relu_backward(gradient, features, 0.0, False)
        sloped = gradient - through
        others = [0, *range(2, features.dim())]
        of_slope = (sloped * features).sum(others).view_as(slope)
        return through.add_(sloped.mul_(slope)), of_slope
