"""What a network is asked to make small."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dognets.errors import WeightsError
from dognets.models.base import SuperResolver
from dognets.models.filters import GaussianBlur
from dognets.training.band_losses import (
    BandAndPixelLoss,
    BandLoss,
    KeypointLoss,
    UsualError,
)
from siftcore.errors import ParameterError

__all__ = ["LevelLoss", "PixelLoss", "StackLoss", "Target", "make_loss"]


class LevelLoss(nn.Module):
    """Errors of predicted Gaussians and of their differences, each by its usual size.

    Parameters
    ----------
    levels : int
    """

    def __init__(self, levels: int) -> None:
        super().__init__()
        self.weigh = UsualError([1.0] * (2 * levels - 1))

    def forward(self, predicted: Tensor, target: Tensor) -> Tensor:
        """(B, levels, h, w) each, to a scalar."""
        error = (predicted - target).float()
        squared = torch.cat([error.diff(dim=1).square(), error.square()], 1)
        return self.weigh(squared.mean((2, 3)))


class StackLoss(nn.Module):
    """Mean squared error, summed over the levels: equations 5 and 9 of Noor et al.

    The means over pixels in place of sums change only the unit of the learning rate.
    """

    def forward(self, predicted: Tensor, target: Tensor) -> Tensor:
        """(B, levels, h, w) each, to a scalar."""
        return (predicted - target).float().square().mean((0, 2, 3)).sum()


class PixelLoss(nn.Module):
    """Mean absolute error, as EDSR trains."""

    def forward(self, predicted: Tensor, target: Tensor) -> Tensor:
        """(B, 1, h, w) each, to a scalar."""
        return (predicted - target).float().abs().mean()


def make_loss(name: str, model: SuperResolver, side: int) -> nn.Module:
    """The loss of that name for what `model` predicts.

    Parameters
    ----------
    name : str
        ``"adversarial"`` gives its content part; the trainer adds the discriminator.
    model : SuperResolver
    side : int
        Of the judged square, in high-resolution samples.

    Raises
    ------
    ParameterError
        When there is no loss of that name.
    WeightsError
        When it is not for what `model` predicts.
    """
    predicts = {
        "bands": "image",
        "bands+pixels": "image",
        "keypoints": "image",
        "pixels": "image",
        "adversarial": "image",
        "gaussians": "gaussians",
        "levels": "gaussians",
        "dogs": "dogs",
    }
    if name not in predicts:
        raise ParameterError("loss", name, f"one of {', '.join(sorted(predicts))}")
    if predicts[name] != model.predicts:
        raise WeightsError(
            f"loss {name!r} is for networks that predict {predicts[name]}; this one predicts "
            f"{model.predicts}"
        )
    if name in ("bands", "adversarial"):
        return BandLoss(side)
    if name == "bands+pixels":
        return BandAndPixelLoss(side)
    if name == "keypoints":
        return KeypointLoss(side)
    if name == "pixels":
        return PixelLoss()
    return LevelLoss(len(model.sigmas)) if name == "levels" else StackLoss()


class Target(nn.Module):
    """From patches of the high-resolution image to what a network predicts, exactly.

    Parameters
    ----------
    model : SuperResolver
    """

    def __init__(self, model: SuperResolver) -> None:
        super().__init__()
        self.predicts = model.predicts
        self.blur = GaussianBlur(model.sigmas, "valid") if model.sigmas else None

    @property
    def radius(self) -> int:
        """High-resolution samples around the judged square that the levels need."""
        return 0 if self.blur is None else self.blur.radius

    def forward(self, high: Tensor) -> Tensor:
        """(B, 1, h + 2 radius, w + 2 radius) in [0, 1] to (B, planes, h, w)."""
        if self.blur is None:
            return high
        levels = self.blur(high)
        return levels.diff(dim=1) if self.predicts == "dogs" else levels
