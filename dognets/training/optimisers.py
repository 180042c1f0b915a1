"""Adam, or Muon for the convolutions inside the network; and their learning rates."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from siftcore.errors import ParameterError

__all__ = ["Muon", "make_optimisers", "rate_share", "set_rates"]

ADAM_BESIDE_MUON = 2e-3
# Squared errors of DoGs have gradients of 1e-8 and less. Adam's usual 1e-8 beside them would stop
# the networks of the coarse levels.
_ADAM_EPS = 1e-16
_TINY = 1e-30


def _orthogonalised(matrix: Tensor, steps: int = 5) -> Tensor:
    """Nearly the closest matrix with equal singular values, by a quintic Newton-Schulz iteration.

    Coefficients from K. Jordan et al., "Muon: an optimizer for hidden layers", 2024.
    """
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / x.norm().clamp_min(_TINY)
    for _ in range(steps):
        gram = x @ x.T
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return x.T if tall else x


class Muon(torch.optim.Optimizer):
    """Momentum whose update of each kernel, taken as a matrix, is orthogonalised.

    torch.optim.Muon takes matrices only; a convolution's kernel is one of C_out rows here.

    Parameters
    ----------
    parameters : iterable of Tensor
        At least two-dimensional.
    lr : float
        Step, relative to a matrix of singular values 1.
    momentum : float, default 0.95
    """

    def __init__(self, parameters: Iterable[Tensor], lr: float, momentum: float = 0.95) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:  # type: ignore[override]
        """One update; `closure`, where given, makes the gradients anew and returns the loss."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if "momentum" not in state:
                    state["momentum"] = torch.zeros_like(p)
                mean = state["momentum"].lerp_(p.grad, 1.0 - group["momentum"])
                update = p.grad.lerp(mean, group["momentum"]).flatten(1)
                stretch = max(1.0, update.shape[0] / update.shape[1]) ** 0.5
                step = _orthogonalised(update.float()).to(p.dtype).reshape(p.shape)
                p.add_(step, alpha=-group["lr"] * stretch)
        return loss


def make_optimisers(name: str, model: nn.Module, lr: float) -> list[torch.optim.Optimizer]:
    """Optimisers for all parameters of `model`; each group keeps its peak as ``base_lr``."""
    parameters = list(model.named_parameters())
    if name == "adam":
        optimisers: list[torch.optim.Optimizer] = [
            torch.optim.Adam([p for _, p in parameters], lr=lr, betas=(0.9, 0.99), eps=_ADAM_EPS)
        ]
    elif name == "muon":
        inside = {
            f"{path}.weight"
            for path, module in model.named_modules()
            if isinstance(module, nn.Conv2d)
            and module.groups == 1
            and min(module.in_channels, module.out_channels) > 16
            and path != "head"
        }
        optimisers = [
            torch.optim.Adam(
                [p for key, p in parameters if key not in inside],
                lr=ADAM_BESIDE_MUON,
                betas=(0.9, 0.99),
                eps=_ADAM_EPS,
            ),
        ]
        # Narrow networks have no kernel for Muon.
        if inside:
            optimisers.insert(0, Muon([p for key, p in parameters if key in inside], lr=lr))
    else:
        raise ParameterError("optimiser", name, "'adam' or 'muon'")
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group["base_lr"] = group["lr"]
    return optimisers


def rate_share(step: int, steps: int, warm_up: int) -> float:
    """Of the peak learning rate: linear warm-up, then a cosine to a fiftieth."""
    rise = min(1.0, (step + 1) / max(1, min(warm_up, steps // 10)))
    return rise * (0.02 + 0.98 * 0.5 * (1.0 + math.cos(math.pi * step / steps)))


def set_rates(optimisers: Iterable[torch.optim.Optimizer], share: float) -> None:
    """Give every group that share of its peak."""
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group["lr"] = group["base_lr"] * share
