"""The place of this process among those that ``torchrun`` started."""

from __future__ import annotations

import os
from dataclasses import dataclass

import torch
import torch.distributed as dist

from dognets.errors import DeviceError

__all__ = ["Place", "any_process", "join", "leave"]


@dataclass(frozen=True)
class Place:
    """Of one process among those that train together.

    Attributes
    ----------
    rank : int
        Its number; 0 writes.
    world : int
        How many there are.
    local : int
        Its number on this machine, and that of its GPU.
    """

    rank: int = 0
    world: int = 1
    local: int = 0


def join(device: torch.device) -> Place:
    """Join the processes that ``torchrun`` started; alone without it.

    Parameters
    ----------
    device : torch.device
        Of what kind each process computes on.

    Raises
    ------
    DeviceError
        When this machine has fewer GPUs than processes.
    """
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world == 1:
        return Place()
    place = Place(int(os.environ["RANK"]), world, int(os.environ.get("LOCAL_RANK", "0")))
    if device.type == "cuda":
        if place.local >= torch.cuda.device_count():
            raise DeviceError(
                f"process {place.local} of this machine has no GPU of its own: there are "
                f"{torch.cuda.device_count()}; start fewer with --nproc-per-node"
            )
        torch.cuda.set_device(place.local)
    if not dist.is_initialized():
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    return place


def any_process(asked: bool, place: Place, device: torch.device) -> bool:
    """Whether any of the processes asks; all of them must call it, and get the same answer."""
    if place.world == 1:
        return asked
    found = torch.tensor(int(asked), device=device)
    dist.all_reduce(found, dist.ReduceOp.MAX)
    return bool(found)


def leave() -> None:
    """Undo `join`."""
    if dist.is_initialized():
        dist.destroy_process_group()
