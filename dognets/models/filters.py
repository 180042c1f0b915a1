"""Fixed filters as layers: bicubic enlargement and Gaussian blur, equal to siftcore's own."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["BicubicUpsample", "GaussianBlur", "at_least_single", "gaussian_kernel"]


def at_least_single(values: Tensor) -> Tensor:
    """`values`, in single precision if they are in half."""
    return values.float() if values.dtype in (torch.float16, torch.bfloat16) else values


def _keys(distance: float) -> float:
    """Keys' cubic convolution kernel with a = -0.5."""
    d = abs(distance)
    if d <= 1.0:
        return (1.5 * d - 2.5) * d * d + 1.0
    return ((-0.5 * d + 2.5) * d - 4.0) * d + 2.0 if d < 2.0 else 0.0


class BicubicUpsample(nn.Module):
    """Bicubic enlargement (Keys, a = -0.5) on the area grid, as Pillow and MATLAB do it.

    One convolution to s x s phases and a shuffle. Near the border the kernel is cut and its rest
    normalised, as Pillow does.

    Parameters
    ----------
    scale : int
    """

    REACH = 2

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.scale = scale
        taps = range(-self.REACH, self.REACH + 1)
        offsets = [(phase + 0.5) / scale - 0.5 for phase in range(scale)]
        line = torch.tensor([[_keys(tap - offset) for tap in taps] for offset in offsets])
        kernel = line[:, None, :, None] * line[None, :, None, :]
        size = len(taps)
        self.register_buffer(
            "kernel", kernel.reshape(scale * scale, 1, size, size), persistent=False
        )

    def forward(self, image: Tensor) -> Tensor:
        """(B, 1, H, W) to (B, 1, s H, s W)."""
        # Never in half precision: what networks add to it is small.
        with torch.autocast(image.device.type, enabled=False):
            image = at_least_single(image)
            kernel = self.kernel.to(image.dtype)
            enlarged = F.conv2d(image, kernel, padding=self.REACH)
            inside = F.conv2d(torch.ones_like(image[:1]), kernel, padding=self.REACH)
        return F.pixel_shuffle(enlarged / inside, self.scale)


def gaussian_kernel(sigma: float) -> Tensor:
    """All taps of a normalised Gaussian kernel of radius ``ceil(4 sigma)``, as the engine's."""
    from siftcore.kernels.blur import gaussian_taps

    half = torch.from_numpy(gaussian_taps(sigma))
    return torch.cat([half.flip(0)[:-1], half])


class GaussianBlur(nn.Module):
    """One Gaussian blur per level.

    Parameters
    ----------
    sigmas : sequence of float
        In samples. Each gives one output plane.
    padding : {"mirror", "valid"}, default "mirror"
        ``"mirror"`` keeps the size and repeats the edge sample, as the engine does; ``"valid"``
        returns only samples whose widest kernel lies inside.
    """

    def __init__(self, sigmas: tuple[float, ...], padding: str = "mirror") -> None:
        super().__init__()
        kernels = [gaussian_kernel(sigma) for sigma in sigmas]
        self.radius = max(len(kernel) // 2 for kernel in kernels)
        self.padding = padding
        stack = torch.stack([F.pad(k, [self.radius - len(k) // 2] * 2) for k in kernels])
        self.register_buffer("kernels", stack[:, None], persistent=False)

    def forward(self, image: Tensor) -> Tensor:
        """(B, 1, H, W) to (B, levels, H, W), or smaller by the radius on each side."""
        image = at_least_single(image)
        kernels = self.kernels.to(image.dtype)
        if self.padding == "mirror":
            image = _mirrored(_mirrored(image, self.radius, 2), self.radius, 3)
        with torch.autocast(image.device.type, enabled=False):
            rows = F.conv2d(image, kernels[..., None])
            return F.conv2d(rows, kernels[:, :, None, :], groups=len(kernels))


def _mirrored(image: Tensor, radius: int, axis: int) -> Tensor:
    size = image.shape[axis]
    index = torch.arange(-radius, size + radius, device=image.device)
    # A tensor as the divisor, because ONNX has no other remainder.
    index = index.remainder(index.new_full((1,), 2 * size))
    return image.index_select(axis, torch.minimum(index, 2 * size - 1 - index))
