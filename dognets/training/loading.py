"""Batches of patches on the device, cut by other processes where there are some."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from dognets.data.cache import ImageCache
from dognets.data.patches import PatchBatches
from dognets.training.distributed import Place
from dognets.training.presets import TrainingPreset

__all__ = ["batches_of", "load_batches"]


class _Steps(Dataset[tuple[NDArray[np.uint8], NDArray[np.uint8]]]):
    def __init__(self, batches: PatchBatches, start: int, stop: int) -> None:
        self.batches, self.start, self.stop = batches, start, stop

    def __len__(self) -> int:
        return self.stop - self.start

    def __getitem__(self, index: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        return self.batches[self.start + index]


def batches_of(
    preset: TrainingPreset, cache: ImageCache, images: Sequence[int], place: Place
) -> PatchBatches:
    """The patches of a preset that one process cuts.

    Parameters
    ----------
    preset : TrainingPreset
    cache : ImageCache
    images : sequence of int
        Which of the cache.
    place : Place
    """
    return PatchBatches(
        cache,
        images,
        scale=preset.scale,
        patch=preset.patch,
        halo=preset.halo,
        batch=preset.batch,
        seed=preset.seed,
        degradation=preset.degradation,
        rank=place.rank,
        world=place.world,
    )


def load_batches(
    batches: PatchBatches, start: int, stop: int, device: torch.device, workers: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """The batches of steps `start` to `stop`, low and high resolution.

    Parameters
    ----------
    batches : PatchBatches
    start, stop : int
    device : torch.device
    workers : int
        Processes that cut patches; 0 cuts them in between.

    Yields
    ------
    Tensor, Tensor
        (batch, 1, side, side) float32 in [0, 1].
    """
    loader: DataLoader[Any] = DataLoader(
        _Steps(batches, start, stop),
        batch_size=None,
        num_workers=workers,
        pin_memory=device.type == "cuda",
        prefetch_factor=4 if workers else None,
        worker_init_fn=_leave_interrupts_to_the_main_process,
    )
    for low, high in loader:
        yield _ready(low, device), _ready(high, device)


def _leave_interrupts_to_the_main_process(worker: int) -> None:
    # Ctrl-C reaches all processes of a terminal; without patches the update could not be ended.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _ready(patches: Tensor, device: torch.device) -> Tensor:
    return patches[:, None].to(device, non_blocking=True).float() / 255.0
