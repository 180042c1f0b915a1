"""Networks small enough for tests, one of every kind; imported where torch is known to be there."""

from __future__ import annotations

import torch

from dognets.models import SuperResolver, build_model

SMALL = {
    "edsr": ("edsr", {"blocks": 1, "channels": 8}),
    "method1": ("method1", {"blocks": (2, 1, 1, 1), "channels": 16}),
    "method2": ("method2", {"blocks": (2, 1, 1, 1, 1), "channels": 16}),
    "method1-plain": (
        "method1",
        {"blocks": (2, 1, 1, 1), "channels": 16, "squeeze": False},
    ),
    "method2-predictor": (
        "method2",
        {"blocks": (2, 1, 1, 1, 1), "channels": 16, "squeeze": False, "predictor": True},
    ),
    "method3": ("method3", {"channels": 8, "depth": 2}),
    "method3-mixer": ("method3", {"channels": 8, "depth": 2, "trunk": "mixer"}),
    "method3-wide": ("method3", {"channels": 8, "depth": 2, "trunk": "wide"}),
    "method3-residual": ("method3", {"channels": 8, "depth": 2, "trunk": "residual"}),
    "method3-unet": ("method3", {"channels": 16, "depth": 2, "trunk": "unet"}),
    "method3-lowe": ("method3", {"channels": 8, "depth": 2, "heads": "lowe"}),
    "method3-paper": ("method3", {"channels": 8, "depth": 2, "heads": "paper"}),
    "srcnn": ("srcnn", {}),
    "srgan": ("srgan", {"blocks": 1, "channels": 8}),
    "vdsr": ("vdsr", {"layers": 4, "channels": 8}),
}


def small_model(name: str, scale: int = 2) -> SuperResolver:
    """A fresh network, the same at every call."""
    torch.manual_seed(1)
    architecture, options = SMALL[name]
    return build_model(architecture, scale, **options)


@torch.no_grad()
def stirred(model: SuperResolver) -> SuperResolver:
    """The network with no weight left at zero, so that every path through it carries something."""
    torch.manual_seed(2)
    for p in model.parameters():
        p.add_(0.03 * torch.randn_like(p))
    return model
