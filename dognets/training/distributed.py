"""The place of this process among those that ``torchrun`` started."""

from __future__ import annotations

import os
from dataclasses import dataclass

import torch
import torch.distributed as dist

__all__ = ["Place", "any_process", "join", "leave"]


@dataclass(frozen=True)
class Place:
    """Rank of this process, number of processes, and number on this machine."""

    rank: int = 0
    world: int = 1
    local: int = 0


def join(device: torch.device) -> Place:
    """Join the processes that ``torchrun`` started; alone without it."""
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world == 1:
        return Place()
    place = Place(int(os.environ["RANK"]), world, int(os.environ.get("LOCAL_RANK", "0")))
    if device.type == "cuda":
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
