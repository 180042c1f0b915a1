"""What every network of this package promises, so that one trainer and one provider serve all."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

__all__ = ["Predicts", "SuperResolver"]

Predicts = Literal["image", "gaussians", "dogs"]


class SuperResolver(nn.Module):
    """A network from low-resolution luminance to a high-resolution image or stack.

    Attributes
    ----------
    scale : int
        Upsampling factor s.
    predicts : {"image", "gaussians", "dogs"}
        ``"image"`` is the high-resolution image itself, ``"gaussians"`` its blurred levels,
        ``"dogs"`` their differences, each level minus the one before it.
    sigmas : tuple of float
        For stacks: sigmas of the Gaussian filters, in high-resolution samples, that turn the
        high-resolution image into the levels. Empty for ``"image"``.
    radius : int or None
        No output depends on inputs farther than this many low-resolution pixels; None where the
        network looks at the whole image (squeeze-and-excitation), so that tiles are not exact.
    tolerates_half : bool
        Whether half precision inside leaves at least 99 % of the keypoints within 0.1 pixel.
    trains_in_bfloat16 : bool
        Whether what it adds to its input is small, so that rounding to 8 bits of mantissa does not
        drown what is to be learned.
    """

    scale: int
    predicts: Predicts
    sigmas: tuple[float, ...] = ()
    radius: int | None = None
    tolerates_half: bool = True
    trains_in_bfloat16: bool = True

    @property
    def channels_out(self) -> int:
        """How many planes `forward` returns."""
        return {"image": 1, "gaussians": len(self.sigmas), "dogs": len(self.sigmas) - 1}[
            self.predicts
        ]

    def forward(self, low: Tensor) -> Tensor:
        """Predict.

        Parameters
        ----------
        low : Tensor, (B, 1, H, W)
            Luminance in [0, 1].

        Returns
        -------
        Tensor, (B, channels_out, s H, s W)
        """
        raise NotImplementedError

    def count_parameters(self) -> int:
        """Trained numbers."""
        return sum(p.numel() for p in self.parameters())

    @torch.no_grad()
    def count_multiply_adds(self) -> float:
        """Multiply-adds of all convolutions and matrix products, per low-resolution pixel.

        Fixed filters (bicubic enlargement, Gaussian blur) are left out, as they are wherever such
        figures are published.
        """
        side, total = 32, 0.0

        def count(module: nn.Module, _: tuple[Tensor, ...], output: Tensor) -> None:
            nonlocal total
            weight = module.weight
            assert isinstance(weight, Tensor)
            if isinstance(module, nn.ConvTranspose2d):
                # Each weight meets each input sample once.
                total += weight.numel() * output[0, 0].numel() / module.stride[0] ** 2
            else:
                total += weight.numel() * output[0].numel() / output.shape[1]

        counted = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)
        hooks = [m.register_forward_hook(count) for m in self.modules() if isinstance(m, counted)]
        training = self.training
        try:
            first = next(self.parameters())
            self.eval()(torch.zeros(1, 1, side, side, device=first.device, dtype=first.dtype))
        finally:
            self.train(training)
            for hook in hooks:
                hook.remove()
        return total / side**2
