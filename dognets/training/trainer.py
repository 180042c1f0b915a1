"""The training loop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from dognets.data.cache import ImageCache
from dognets.data.patches import PatchBatches
from dognets.errors import CheckpointError
from dognets.evaluation import SMALLEST_SIDE, DogPsnr
from dognets.inference import choose_device
from dognets.models import SuperResolver, build_model
from dognets.pretrained import WeightsEntry, load_model
from dognets.training.adversary import Adversary
from dognets.training.averaging import follow
from dognets.training.checkpoint import FILE_NAME, load_checkpoint, save_checkpoint
from dognets.training.distributed import join, leave
from dognets.training.growth import start_from
from dognets.training.interrupts import UpdatesAreWhole
from dognets.training.loading import load_batches
from dognets.training.logs import RunLog
from dognets.training.losses import Target, make_loss
from dognets.training.optimisers import make_optimisers, rate_share, set_rates
from dognets.training.presets import TrainingPreset
from dognets.training.validation import validate
from siftcore.errors import OutputError, ParameterError

__all__ = ["Progress", "Trainer"]

# Called with the step, the loss, samples a second and the last validation.
Progress = Callable[[int, float, float, DogPsnr | None], None]
LOG_EVERY = 100
PRECISIONS = {"float32": None, "bfloat16": torch.bfloat16, "float16": torch.float16}


class Trainer:
    """One run of one preset.

    The result depends on the preset, the images, the number of processes, the kind of machine and
    the number of threads, and on nothing else: not on kills and resumptions, nor on the workers.

    Parameters
    ----------
    preset : TrainingPreset
    data : path
        Folder of images.
    out : path
        Folder of the run; made if missing.
    device : str, default "auto"
    resume : bool, default False
        Continue from the last checkpoint in `out`.
    workers : int, default 0
        Processes that cut patches; 0 cuts them in between.
    precision : {"auto", "float32", "bfloat16", "float16"}, default "auto"
        Of the convolutions; ``"auto"`` is bfloat16 on GPUs that have it where the network can be
        trained in it, else float32.
    checkpoint_seconds : float, default 60
    cache_folder : path, optional
    init : path, optional
        Weights to start from, instead of random ones: a weight file or the folder of a run, of the
        same sizes or, for method3, smaller.
    """

    def __init__(
        self,
        preset: TrainingPreset,
        data: str | Path,
        out: str | Path,
        *,
        device: str = "auto",
        resume: bool = False,
        workers: int = 0,
        precision: str = "auto",
        checkpoint_seconds: float = 60.0,
        cache_folder: str | Path | None = None,
        init: str | Path | None = None,
    ) -> None:
        self.preset = preset
        self.out = Path(out)
        self.device = choose_device(device)
        self.workers = workers
        self.checkpoint_seconds = checkpoint_seconds
        if precision not in ("auto", *PRECISIONS):
            raise ParameterError("precision", precision, f"'auto' or one of {sorted(PRECISIONS)}")
        if self.out.exists() and not self.out.is_dir():
            raise OutputError(
                f"cannot write to {str(self.out)!r}: it is a file, not a folder; choose another"
            )
        if (self.out / FILE_NAME).exists() and not resume:
            raise CheckpointError(
                f"{str(self.out)!r} holds a run already; continue it with --resume or choose "
                "another folder"
            )
        state = load_checkpoint(self.out) if resume else None
        self.cache = ImageCache.open(data, self._least_side(), cache_folder)
        self.place = join(self.device)
        if self.place.world > 1 and self.device.type == "cuda":
            self.device = torch.device("cuda", self.place.local)
        try:
            if preset.batch % self.place.world:
                # Unequal shares would weigh some patches more.
                raise ParameterError(
                    "batch", preset.batch, f"a multiple of the {self.place.world} processes"
                )
            self.init: WeightsEntry | None = None
            self._set_up(precision, init)
            if state is not None:
                self._restore(state)
        except BaseException:
            leave()
            raise

    def _least_side(self) -> int:
        p = self.preset
        return max(p.scale * (p.patch + 2 * p.halo), SMALLEST_SIDE + p.scale - 1)

    def _set_up(self, precision: str, init: str | Path | None) -> None:
        p = self.preset
        torch.manual_seed(p.seed)
        torch.backends.cudnn.deterministic = True
        torch.backends.cudnn.benchmark = False
        self.step = 0
        self.last: DogPsnr | None = None
        model = build_model(p.architecture, p.scale, **p.options)
        if init is not None:
            trained, self.init = load_model(init)
            start_from(model, trained, self.init, p.options)
        if precision == "auto":
            half = self.device.type == "cuda" and torch.cuda.is_bf16_supported()
            precision = "bfloat16" if half and model.trains_in_bfloat16 else "float32"
        self.half = PRECISIONS[precision]
        model = model.to(self.device)
        self.model = model.to(memory_format=torch.channels_last)
        self.average = {k: v.detach().clone() for k, v in model.state_dict().items()}
        self.target = Target(model).to(self.device)
        # Levels reach beyond the patch: what is judged shrinks so that they are exact.
        self.margin = max(p.scale * p.halo, self.target.radius)
        side = p.scale * (p.patch + 2 * p.halo) - 2 * self.margin
        if side < 8:
            raise ParameterError(
                "patch", p.patch, f"larger: the levels need {self.target.radius} samples around"
            )
        self.loss = make_loss(p.loss, model, side).to(self.device)
        self.optimisers = make_optimisers(p.optimiser, model, p.learning_rate)
        self.adversary = (
            Adversary(self.device, p.learning_rate) if p.loss == "adversarial" else None
        )
        self.scaler = torch.amp.GradScaler(
            self.device.type, enabled=self.half is torch.float16 and self.device.type == "cuda"
        )
        self.network: nn.Module = model
        if self.place.world > 1:
            ids = [self.place.local] if self.device.type == "cuda" else None
            # The fixed filters never change, and what normalisation measures is that of rank 0
            # either way. (PyTorch cannot broadcast a lone buffer that is channels-last.)
            self.network = nn.parallel.DistributedDataParallel(
                model, device_ids=ids, broadcast_buffers=False
            )
        self.training_images, self.held_back = self.cache.split()

    # The run ---------------------------------------------------------------------------------

    def run(self, progress: Progress | None = None) -> DogPsnr:
        """Train to the last step; returns the last validation.

        Raises
        ------
        KeyboardInterrupt
            When the update in progress is done and a checkpoint is saved; at the second
            interrupt at once.
        OutputError
            When the disk is full; the last checkpoint is whole.
        CheckpointError
            When the loss is no longer a number; the last checkpoint is from before that.
        """
        main = self.place.rank == 0
        if main:
            self.out.mkdir(parents=True, exist_ok=True)
        log = RunLog(self.out, self.step) if main else None
        saved = started = time.monotonic()
        first = self.step
        try:
            with UpdatesAreWhole() as interrupt:
                for low, high in self._batches():
                    loss = self._update(low, high)
                    if not math.isfinite(loss):
                        raise CheckpointError(
                            f"the loss of step {self.step} is {loss}; start again with a smaller "
                            "--learning-rate, or in float32 if it was half precision"
                        )
                    self.step += 1
                    now = time.monotonic()
                    rate = self.preset.batch * (self.step - first) / max(now - started, 1e-9)
                    if self.step % LOG_EVERY == 0 and log is not None:
                        lr = self.optimisers[0].param_groups[0]["lr"]
                        row = {"loss": loss, "learning_rate": lr, "samples_per_second": rate}
                        log.write("log", self.step, row)
                    if self._validation_is_due():
                        self.last = self.validate()
                        if log is not None:
                            log.write("validation", self.step, _columns(self.last))
                    if main and progress is not None:
                        progress(self.step, loss, rate, self.last)
                    due = now - saved > self.checkpoint_seconds or self._is_done()
                    if main and (due or interrupt.asked):
                        save_checkpoint(self.out, self._state())
                        saved = now
                    if interrupt.asked:
                        break
        finally:
            if log is not None:
                log.close()
            leave()
        return self.last if self.last is not None else self.validate()

    def _is_done(self) -> bool:
        return self.step >= self.preset.steps

    def _validation_is_due(self) -> bool:
        return self.step % self.preset.validate_every == 0 or self._is_done()

    def _batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        p = self.preset
        batches = PatchBatches(
            self.cache,
            self.training_images,
            p.scale,
            p.patch,
            p.halo,
            p.batch,
            p.seed,
            p.degradation,
            self.place.rank,
            self.place.world,
        )
        return load_batches(batches, self.step, p.steps, self.device, self.workers)

    def _update(self, low: Tensor, high: Tensor) -> float:
        p = self.preset
        self.network.train()
        set_rates(self.optimisers, rate_share(self.step, p.steps, p.warm_up))
        m, r = self.margin, self.margin - self.target.radius
        truth = self.target(high[:, :, r:-r, r:-r] if r else high)
        autocast = (
            torch.autocast(self.device.type, self.half) if self.half is not None else nullcontext()
        )
        with autocast:
            found = self.network(low.contiguous(memory_format=torch.channels_last))
        found = found[:, :, m:-m, m:-m].float() if m else found.float()
        loss = self.loss(found, truth)
        content = loss
        if self.adversary is not None:
            self.adversary.learn(found, truth)
            loss = loss + self.adversary.judge(found)
        for optimiser in self.optimisers:
            optimiser.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward()
        for optimiser in self.optimisers:
            self.scaler.unscale_(optimiser)
        nn.utils.clip_grad_norm_(self.model.parameters(), p.clip)
        for optimiser in self.optimisers:
            self.scaler.step(optimiser)
        self.scaler.update()
        # Shorter memory at the start, so that the random initial weights are forgotten.
        decay = min(p.ema, (self.step + 1) / (self.step + 10))
        follow(self.average, self.model, decay)
        return float(content.detach())

    # Validation and state --------------------------------------------------------------------

    def averaged_model(self) -> SuperResolver:
        """A copy of the network with the averaged weights."""
        p = self.preset
        model = build_model(p.architecture, p.scale, **p.options)
        model.load_state_dict(self.average)
        return model

    def validate(self) -> DogPsnr:
        """DoG PSNR of the averaged weights on images that are kept back."""
        return validate(
            self.averaged_model(),
            self.cache,
            self.held_back,
            str(self.device),
            self.preset.degradation,
        )

    def _settings(self) -> dict[str, Any]:
        """What must be the same when a run is resumed."""
        return {
            **asdict(self.preset),
            "images": self.cache.fingerprint,
            "init": self.init.sha256 if self.init else None,
            "world": self.place.world,
            "precision": str(self.half),
        }

    def _state(self) -> dict[str, Any]:
        return {
            "step": self.step,
            "settings": self._settings(),
            "model": self.model.state_dict(),
            "average": self.average,
            "loss": self.loss.state_dict(),
            "optimisers": [o.state_dict() for o in self.optimisers],
            "scaler": self.scaler.state_dict(),
            "adversary": self.adversary.state_dict() if self.adversary else None,
            "last": None
            if self.last is None
            else [self.last.predicted.tolist(), self.last.bicubic.tolist(), self.last.images],
        }

    def _restore(self, state: dict[str, Any]) -> None:
        saved, now = state.get("settings") or {}, self._settings()
        changed = [f"{k}: {saved.get(k)!r}, now {v!r}" for k, v in now.items() if saved.get(k) != v]
        if changed:
            raise CheckpointError(
                f"the checkpoint in {str(self.out)!r} was made with other settings "
                f"({'; '.join(changed)}); use the same, or start a new run"
            )
        try:
            self._take_over(state)
        except (KeyError, ValueError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            raise CheckpointError(
                f"the checkpoint in {str(self.out)!r} does not fit this version ({reason}); "
                "start a new run"
            ) from error

    def _take_over(self, state: dict[str, Any]) -> None:
        self.step = int(state["step"])
        self.model.load_state_dict(state["model"])
        for key, value in state["average"].items():
            self.average[key].copy_(value)
        self.loss.load_state_dict(state["loss"])
        for optimiser, saved in zip(self.optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(saved)
        self.scaler.load_state_dict(state["scaler"])
        if self.adversary is not None:
            self.adversary.load_state_dict(state["adversary"])
        if state["last"] is not None:
            predicted, bicubic, images = state["last"]
            self.last = DogPsnr(np.array(predicted), np.array(bicubic), images)


def _columns(psnr: DogPsnr) -> dict[str, float]:
    values = {f"psnr_D{i + 1}": float(v) for i, v in enumerate(psnr.predicted)}
    return values | {f"gain_D{i + 1}": float(v) for i, v in enumerate(psnr.gain)}
