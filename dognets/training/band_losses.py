"""Losses of predicted images that look at them as SIFT does: through its DoGs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn

from siftcore.scalespace.geometry import PAPER_SIGMAS

__all__ = ["BandAndPixelLoss", "BandLoss", "KeypointLoss", "UsualError"]

IMAGE_BLUR = 0.5
# The octave below the high-resolution grid's and that grid's own, three levels per octave.
LOWE_EDGES = tuple(0.8 * 2.0 ** (i / 3) for i in range(9))
PAPER_EDGES = tuple(math.hypot(s, IMAGE_BLUR) for s in PAPER_SIGMAS)
# Most keypoints lie on the fine levels, and those are the hardest to bring back.
LOWE_WEIGHTS = (0.7, 1.0, 1.5, 1.5, 0.7, 0.4, 0.3, 0.3)
PAPER_WEIGHTS = (2.0, 1.0, 0.5, 0.4)
_SOFT = 0.01
_SMALLEST = 1e-14


class UsualError(nn.Module):
    """Running mean of each term's error, so that terms of unlike size can be added.

    Dividing each by its usual size makes the sum fall with the mean of the logarithms, that is,
    with the mean PSNR.
    """

    def __init__(self, weights: Sequence[float]) -> None:
        super().__init__()
        self.register_buffer("usual", torch.zeros(len(weights)))
        share = torch.tensor(weights) / sum(weights)
        self.register_buffer("share", share, persistent=False)

    def forward(self, errors: Tensor) -> Tensor:
        """(B, terms) squared errors to a scalar."""
        with torch.no_grad():
            mean = errors.mean(0)
            if dist.is_initialized():
                dist.all_reduce(mean)
                mean = mean / dist.get_world_size()
            weight = 0.02 if bool(self.usual.any()) else 1.0
            self.usual.lerp_(mean, weight)
        # The root makes every patch count, not only the few with the largest errors.
        # A first batch without any error must not divide by zero.
        usual = self.usual.clamp_min(_SMALLEST)
        return ((errors / usual + _SOFT).sqrt() * self.share).sum(1).mean()


class BandLoss(nn.Module):
    """Errors of an image in the bands that SIFT looks at: its DoGs, on both ladders.

    A DoG is linear, so the error of a DoG is the DoG of the error, and by Parseval its mean square
    is a weighted sum over one spectrum: equation 5 for all levels at once, for the price of a
    Fourier transform.

    Parameters
    ----------
    side : int
        Of the square that is judged, in high-resolution samples.
    """

    def __init__(self, side: int) -> None:
        super().__init__()
        fy = torch.fft.fftfreq(side, dtype=torch.float64)[:, None]
        fx = torch.fft.rfftfreq(side, dtype=torch.float64)[None]
        squared = (2.0 * math.pi) ** 2 * (fy**2 + fx**2)

        def blur(sigma: float) -> Tensor:
            return torch.exp(-squared * (sigma**2 - IMAGE_BLUR**2) / 2.0)

        bands = [*pairwise(LOWE_EDGES), *pairwise(PAPER_EDGES)]
        transfers = torch.stack([blur(b) - blur(a) for a, b in bands])
        self.register_buffer("transfers", transfers.float(), persistent=False)
        gains = transfers**2
        # The half spectrum stands for both halves, but for its own first and last column.
        twice = torch.full((fx.shape[1],), 2.0, dtype=torch.float64)
        twice[0] = 1.0
        if side % 2 == 0:
            twice[-1] = 1.0
        gains = (gains * twice / side**4).reshape(len(bands), -1).T
        self.register_buffer("gains", gains.float().contiguous(), persistent=False)
        self.weigh = UsualError([*LOWE_WEIGHTS, *PAPER_WEIGHTS])

    def band_errors(self, predicted: Tensor, target: Tensor) -> Tensor:
        """Mean squared error of each DoG: (B, bands)."""
        spectrum = torch.fft.rfft2((predicted - target)[:, 0].float())
        power = spectrum.real**2 + spectrum.imag**2
        return power.flatten(1) @ self.gains

    def forward(self, predicted: Tensor, target: Tensor) -> Tensor:
        """(B, 1, side, side) each, to a scalar."""
        return self.weigh(self.band_errors(predicted, target))


class KeypointLoss(BandLoss):
    """`BandLoss` that counts more where the true DoGs have extrema: where SIFT will look.

    Parameters
    ----------
    side : int
        Of the square that is judged, in high-resolution samples.
    """

    # Of an extremum, for levels 2^(1/3) apart: the engine's first test.
    CONTRAST = 0.8 * 0.04 / 3
    NEAR = 2
    WEIGHT = 4.0

    def __init__(self, side: int) -> None:
        super().__init__(side)
        self.side = side

    def dogs(self, image: Tensor) -> Tensor:
        """DoGs of both ladders, the patch repeated at its borders: (B, bands, side, side)."""
        spectrum = torch.fft.rfft2(image.float()) * self.transfers
        return torch.fft.irfft2(spectrum, s=(self.side, self.side))

    @torch.no_grad()
    def near_extrema(self, dogs: Tensor) -> Tensor:
        """Ones within two samples of an extremum of Lowe's ladder: (B, 1, side, side)."""
        lowe = dogs[:, : len(LOWE_WEIGHTS)]
        found = torch.zeros_like(lowe[:, :1])
        for signed in (lowe, -lowe):
            highest = F.max_pool3d(signed[:, None], 3, stride=1, padding=1)[:, 0]
            is_extremum = (signed == highest) & (signed > self.CONTRAST)
            found = torch.maximum(found, is_extremum[:, 1:-1].float().amax(1, keepdim=True))
        return F.max_pool2d(found, 2 * self.NEAR + 1, stride=1, padding=self.NEAR)

    def forward(self, predicted: Tensor, target: Tensor) -> Tensor:
        """(B, 1, side, side) each, to a scalar."""
        weight = 1.0 + self.WEIGHT * self.near_extrema(self.dogs(target))
        errors = self.dogs(predicted - target).square() * weight
        return self.weigh(errors.mean((2, 3)) / weight.mean((2, 3)))


class BandAndPixelLoss(BandLoss):
    """`BandLoss`, and the mean absolute error of the pixels with the same weight.

    Parameters
    ----------
    side : int
        Of the square that is judged, in high-resolution samples.
    """

    def __init__(self, side: int) -> None:
        super().__init__(side)
        self.weigh_pixels = UsualError([1.0])

    def forward(self, predicted: Tensor, target: Tensor) -> Tensor:
        """(B, 1, side, side) each, to a scalar."""
        absolute = (predicted - target).float().abs().mean((1, 2, 3))
        pixels = self.weigh_pixels(absolute[:, None].square())
        return 0.5 * super().forward(predicted, target) + 0.5 * pixels
