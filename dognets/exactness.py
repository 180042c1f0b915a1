"""Float32 convolutions that are float32 on NVIDIA GPUs too.

From Ampere on, cuDNN rounds their inputs to the 10 bits of mantissa of TF32 unless it is told not
to (PyTorch's notes on CUDA semantics, "TensorFloat-32"). Blurs and enlargements rounded so differ
from the engine's by as much as a whole DoG.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

__all__ = ["exact_float32"]

_lock = threading.Lock()
_inside = 0
_switch_back: Callable[[], None] | None = None


@contextmanager
def exact_float32(device: torch.device) -> Iterator[None]:
    """While this lasts, convolutions of float32 on `device` round nothing to TF32.

    The setting is PyTorch's own and counts for the whole process; it is as before when the last
    thread is out. Where `device` is no CUDA device, nothing happens.

    Parameters
    ----------
    device : torch.device
    """
    global _inside, _switch_back
    if device.type != "cuda":
        yield
        return
    with _lock:
        if _inside == 0:
            _switch_back = _switch_off()
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0 and _switch_back is not None:
                _switch_back()


def _switch_off() -> Callable[[], None]:
    """Let cuDNN compute convolutions in nothing but float32; returns what undoes that."""
    owner: Any = torch.backends.cudnn
    name: str = "allow_tf32"
    exact: bool | str = False
    try:
        before = owner.allow_tf32
    except RuntimeError:
        # The program uses the switches of PyTorch 2.9, beside which the old one may not be read.
        owner, name, exact = owner.conv, "fp32_precision", "ieee"
        before = owner.fp32_precision
    setattr(owner, name, exact)
    return lambda: setattr(owner, name, before)
