"""What is learned: a network, its averaged weights, and all that changes them."""

from __future__ import annotations

import gc
import math
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from dognets.errors import CheckpointError
from dognets.models import SuperResolver, build_model
from dognets.pretrained import WeightsEntry, load_model
from dognets.training.adversary import Adversary
from dognets.training.averaging import follow
from dognets.training.distributed import Place
from dognets.training.growth import start_from
from dognets.training.losses import Target, make_loss
from dognets.training.optimisers import make_optimisers, rate_share, set_rates
from dognets.training.precision import half_type, make_scaler
from dognets.training.presets import TrainingPreset
from siftcore.errors import ParameterError

__all__ = ["Learner"]

# High-resolution samples of a side; fewer are not worth an update.
_SMALLEST_JUDGED = 8


class Learner:
    """A network in training, fresh from the preset's seed.

    Parameters
    ----------
    preset : TrainingPreset
    device : torch.device
    place : Place
        Of this process among those that train together.
    precision : {"auto", "float32", "bfloat16", "float16"}, default "auto"
        See `half_type`.
    init : path, optional
        Weights to start from, instead of random ones.

    Attributes
    ----------
    model : SuperResolver
    average : dict of str to Tensor
        Moving averages of the weights, by their names in the state dict.
    margin : int
        High-resolution samples on each side of a patch that are not judged.
    init : WeightsEntry or None
        Of the weights that it started from.

    Raises
    ------
    ParameterError
        When the patches are too small for the levels to be exact.
    WeightsError
        When the weights to start from, or the loss, do not fit the network.
    """

    def __init__(
        self,
        preset: TrainingPreset,
        device: torch.device,
        place: Place,
        precision: str = "auto",
        init: str | Path | None = None,
    ) -> None:
        p = self.preset = preset
        torch.manual_seed(p.seed)
        torch.backends.cudnn.deterministic = True
        torch.backends.cudnn.benchmark = False
        model = build_model(p.architecture, p.scale, **p.options)
        self.init: WeightsEntry | None = None
        if init is not None:
            trained, self.init = load_model(init)
            start_from(model, trained, self.init, p.options)
        self.half = half_type(precision, device, model)
        self.device = device
        self.model = model.to(device).to(memory_format=torch.channels_last)
        self.average = {k: v.detach().clone() for k, v in self.model.state_dict().items()}
        self.target = Target(self.model).to(device)
        # Levels reach beyond the patch: what is judged shrinks so that they are exact.
        self.margin = max(p.scale * p.halo, self.target.radius)
        side = p.high_side - 2 * self.margin
        if side < _SMALLEST_JUDGED:
            raise ParameterError(
                "patch", p.patch, f"larger: the levels need {self.target.radius} samples around"
            )
        self.loss = make_loss(p.loss, self.model, side).to(device)
        self.optimisers = make_optimisers(p.optimiser, self.model, p.learning_rate)
        adversarial = p.loss == "adversarial"
        self.adversary = Adversary(device, p.learning_rate) if adversarial else None
        self.scaler = make_scaler(self.half, device)
        self.network: nn.Module = self.model
        if place.world > 1:
            ids = [place.local] if device.type == "cuda" else None
            # The fixed filters never change, and what normalisation measures is that of rank 0
            # either way. (PyTorch cannot broadcast a lone buffer that is channels-last.)
            self.network = nn.parallel.DistributedDataParallel(
                self.model, device_ids=ids, broadcast_buffers=False
            )

    def learn_alone(self) -> None:
        """Let go of the other processes; to be called before `leave`.

        What holds their group while the interpreter ends can abort the process: gloo's threads are
        then still there.
        """
        if self.network is not self.model:
            self.network = self.model
            # It is part of a cycle.
            gc.collect()

    @property
    def learning_rate(self) -> float:
        """Of the first optimiser, as it was last set."""
        return float(self.optimisers[0].param_groups[0]["lr"])

    def update(self, low: Tensor, high: Tensor, step: int) -> float:
        """One update; returns the loss, without what an adversary adds.

        Parameters
        ----------
        low : Tensor, (B, 1, p, p) float32
            In [0, 1]; p is ``patch + 2 halo``.
        high : Tensor, (B, 1, s p, s p) float32
            The same region.
        step : int
            Updates so far.

        Raises
        ------
        CheckpointError
            When the loss or its gradient is no longer a number; the weights are as they were.
            In float16, an update whose gradient overflows is left out instead.
        """
        p = self.preset
        self.network.train()
        set_rates(self.optimisers, rate_share(step, p.steps, p.warm_up))
        content, loss = self._losses(low, high)
        for optimiser in self.optimisers:
            optimiser.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward()
        for optimiser in self.optimisers:
            self.scaler.unscale_(optimiser)
        norm = float(nn.utils.clip_grad_norm_(self.model.parameters(), p.clip))
        value = float(content.detach())
        # The norm is the same in all processes, so that all of them stop.
        if not math.isfinite(value) or not (math.isfinite(norm) or self.scaler.is_enabled()):
            raise CheckpointError(
                f"the loss of step {step} is {value} and the norm of its gradient {norm}; start "
                "again with a smaller --learning-rate, or in float32 if it was half precision"
            )
        # Clipping by such a norm has spoilt the gradients of all optimisers, also of those for
        # which the scaler would not see it.
        if math.isfinite(norm):
            for optimiser in self.optimisers:
                self.scaler.step(optimiser)
        self.scaler.update()
        # Shorter memory at the start, so that the random initial weights are forgotten.
        follow(self.average, self.model, min(p.ema, (step + 1) / (step + 10)))
        return value

    def _losses(self, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
        """The loss of what is predicted, and the same with what the adversary adds."""
        m, r = self.margin, self.margin - self.target.radius
        truth = self.target(high[:, :, r:-r, r:-r] if r else high)
        autocast = (
            nullcontext() if self.half is None else torch.autocast(low.device.type, self.half)
        )
        with autocast:
            found = self.network(low.contiguous(memory_format=torch.channels_last))
        found = (found[:, :, m:-m, m:-m] if m else found).float()
        content = self.loss(found, truth)
        if self.adversary is None:
            return content, content
        self.adversary.learn(found, truth)
        return content, content + self.adversary.judge(found)

    def averaged_model(self) -> SuperResolver:
        """A copy of the network with the averaged weights, on the CPU."""
        p = self.preset
        model = build_model(p.architecture, p.scale, **p.options)
        model.load_state_dict(self.average)
        return model

    def state_dict(self) -> dict[str, Any]:
        """For the checkpoint."""
        return {
            "model": self.model.state_dict(),
            "average": self.average,
            "loss": self.loss.state_dict(),
            "optimisers": [o.state_dict() for o in self.optimisers],
            "scaler": self.scaler.state_dict(),
            "adversary": self.adversary.state_dict() if self.adversary else None,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Back from the checkpoint.

        Raises
        ------
        KeyError, ValueError, RuntimeError
            When it is of another network.
        """
        self.model.load_state_dict(state["model"])
        if state["average"].keys() != self.average.keys():
            raise KeyError("the averaged weights are of another network")
        for key, value in state["average"].items():
            if value.shape != self.average[key].shape:
                raise ValueError(f"the average of {key} has the shape {tuple(value.shape)}")
            self.average[key].copy_(value)
        self.loss.load_state_dict(state["loss"])
        for optimiser, saved in zip(self.optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(saved)
        # Empty where it was not needed, or not used yet by an earlier version.
        if state["scaler"]:
            self.scaler.load_state_dict(state["scaler"])
        if self.adversary is not None:
            self.adversary.load_state_dict(state["adversary"])
