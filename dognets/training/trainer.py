"""A run from its first update to its last: data, validation, logs and checkpoints."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from dognets.data.cache import ImageCache
from dognets.errors import CheckpointError
from dognets.evaluation import SMALLEST_SIDE, DogPsnr
from dognets.exactness import exact_float32
from dognets.inference import choose_device
from dognets.models import SuperResolver
from dognets.training.checkpoint import (
    check_settings,
    check_unused,
    load_checkpoint,
    save_checkpoint,
)
from dognets.training.distributed import any_process, join, leave
from dognets.training.interrupts import UpdatesAreWhole
from dognets.training.learner import Learner
from dognets.training.loading import batches_of, load_batches
from dognets.training.logs import RunLog
from dognets.training.pace import Pace
from dognets.training.precision import check_precision
from dognets.training.presets import TrainingPreset
from dognets.training.validation import validate
from siftcore.errors import ParameterError

__all__ = ["Progress", "Trainer"]

# Called with the step, the loss, samples a second and the last validation.
Progress = Callable[[int, float, float, DogPsnr | None], None]
LOG_EVERY = 100


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
        Of the convolutions; ``"auto"`` is bfloat16 on GPUs that compute in it where the network
        can be trained in it, else float32.
    checkpoint_seconds : float, default 60
        A checkpoint is saved at the first update after so long, and after the last one.
    cache_folder : path, optional
        For decoded images; see `ImageCache.open`.
    init : path, optional
        Weights to start from, instead of random ones: a weight file or the folder of a run, of the
        same sizes or, for method3, smaller.

    Raises
    ------
    CheckpointError
        When `out` holds a run and `resume` is False, or there is nothing that fits to resume.
    DataError
        When no image can be used.
    DeviceError
        When the device is not there.
    OutputError
        When `out` is a file.
    ParameterError
        When a setting is out of range, or the processes cannot share the batch evenly.
    WeightsError
        When `init` does not fit.
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
        check_precision(precision)
        state = load_checkpoint(self.out) if resume else check_unused(self.out)
        least_side = max(preset.high_side, SMALLEST_SIDE + preset.scale - 1)
        self.cache = ImageCache.open(data, least_side, cache_folder)
        self.training_images, self.held_back = self.cache.split()
        self.step = 0
        self.last: DogPsnr | None = None
        self.place = join(self.device)
        if self.place.world > 1 and self.device.type == "cuda":
            self.device = torch.device("cuda", self.place.local)
        try:
            if preset.batch % self.place.world:
                # Unequal shares would weigh some patches more.
                raise ParameterError(
                    "batch", preset.batch, f"a multiple of the {self.place.world} processes"
                )
            self.learner = Learner(preset, self.device, self.place, precision, init)
            if state is not None:
                self._restore(state)
        except BaseException:
            leave()
            raise

    @property
    def model(self) -> SuperResolver:
        """The network that is trained."""
        return self.learner.model

    @property
    def average(self) -> dict[str, Tensor]:
        """Its averaged weights by name."""
        return self.learner.average

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
            When the loss or its gradient is no longer a number; the last checkpoint is from
            before that.
        """
        try:
            with exact_float32(self.device), UpdatesAreWhole() as interrupt:
                self._run(progress, interrupt)
        finally:
            self.learner.learn_alone()
            leave()
        return self.last if self.last is not None else self.validate()

    def _run(self, progress: Progress | None, interrupt: UpdatesAreWhole) -> None:
        main = self.place.rank == 0
        if main:
            self.out.mkdir(parents=True, exist_ok=True)
        saved = time.monotonic()
        pace = Pace(self.preset.batch)
        with RunLog(self.out, self.step) if main else nullcontext() as log:
            for low, high in self._batches():
                loss = self.learner.update(low, high, self.step)
                self.step += 1
                rate = pace.after_update()
                if self.step % LOG_EVERY == 0 and log is not None:
                    lr = self.learner.learning_rate
                    row = {"loss": loss, "learning_rate": lr, "samples_per_second": rate}
                    log.write("log", self.step, row)
                now = time.monotonic()
                if self._validation_is_due():
                    self.last = self.validate()
                    if log is not None:
                        log.write("validation", self.step, self.last.as_columns())
                if main and progress is not None:
                    progress(self.step, loss, rate, self.last)
                # All of them: a process that went on alone would wait for the others for ever.
                stop = any_process(interrupt.asked is not None, self.place, self.device)
                due = now - saved > self.checkpoint_seconds or self._is_done()
                if main and (due or stop):
                    save_checkpoint(self.out, self._state())
                    saved = now
                if stop:
                    if interrupt.asked is None:
                        raise KeyboardInterrupt
                    # The handler says how, when this is left.
                    return
                pace.resume()

    def _is_done(self) -> bool:
        return self.step >= self.preset.steps

    def _validation_is_due(self) -> bool:
        return self.step % self.preset.validate_every == 0 or self._is_done()

    def _batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        batches = batches_of(self.preset, self.cache, self.training_images, self.place)
        return load_batches(batches, self.step, self.preset.steps, self.device, self.workers)

    def averaged_model(self) -> SuperResolver:
        """A copy of the network with the averaged weights."""
        return self.learner.averaged_model()

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
            "init": self.learner.init.sha256 if self.learner.init else None,
            "world": self.place.world,
            "precision": str(self.learner.half),
        }

    def _state(self) -> dict[str, Any]:
        return {
            "step": self.step,
            "settings": self._settings(),
            **self.learner.state_dict(),
            "last": None if self.last is None else self.last.as_lists(),
        }

    def _restore(self, state: dict[str, Any]) -> None:
        check_settings(self.out, state, self._settings())
        try:
            self.learner.load_state_dict(state)
            self.step = int(state["step"])
            if state["last"] is not None:
                self.last = DogPsnr.from_lists(*state["last"])
        except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise CheckpointError(
                f"the checkpoint in {str(self.out)!r} does not fit this version ({reason}); "
                "start a new run"
            ) from error
