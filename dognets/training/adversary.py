"""The adversarial part of SRGAN's training."""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor

from dognets.models.srgan import Discriminator

__all__ = ["Adversary"]

# Weight of the adversarial term beside a content term near 1 (Ledig et al. 2017 use 0.001 beside
# a larger one).
WEIGHT = 5e-3


class Adversary:
    """A discriminator and its optimiser.

    Parameters
    ----------
    device : torch.device
    lr : float
        Of Adam, all the time.
    """

    def __init__(self, device: torch.device, lr: float) -> None:
        self.network = Discriminator().to(device)
        self.optimiser = torch.optim.Adam(self.network.parameters(), lr=lr, betas=(0.9, 0.99))

    def learn(self, generated: Tensor, true: Tensor) -> None:
        """One step towards telling them apart.

        Parameters
        ----------
        generated, true : Tensor, (B, 1, h, w) float32
            At least 16 samples a side. No gradient flows back to `generated`.
        """
        logits_true = self.network(true)
        logits_generated = self.network(generated.detach())
        loss = F.softplus(-logits_true).mean() + F.softplus(logits_generated).mean()
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        if dist.is_initialized():
            for p in self.network.parameters():
                dist.all_reduce(p.grad)
                p.grad /= dist.get_world_size()
        self.optimiser.step()

    def judge(self, generated: Tensor) -> Tensor:
        """How far the generator is from being believed, weighted: a scalar.

        Parameters
        ----------
        generated : Tensor, (B, 1, h, w) float32
        """
        return WEIGHT * F.softplus(-self.network(generated)).mean()

    def state_dict(self) -> dict[str, Any]:
        """For the checkpoint."""
        return {"network": self.network.state_dict(), "optimiser": self.optimiser.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Back from the checkpoint."""
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
