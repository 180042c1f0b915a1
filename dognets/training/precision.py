"""Of which type the convolutions are while a network is trained."""

from __future__ import annotations

import torch

from dognets.models import SuperResolver
from siftcore.errors import ParameterError

__all__ = ["check_precision", "half_type", "make_scaler"]

_TYPES = {"float32": None, "bfloat16": torch.bfloat16, "float16": torch.float16}
# Where GradScaler has the kernels it needs in every version of PyTorch that is supported.
_SCALED = ("cpu", "cuda")


def check_precision(precision: str) -> None:
    """Raise `ParameterError` for a name that is not known."""
    if precision not in ("auto", *_TYPES):
        raise ParameterError("precision", precision, f"'auto' or one of {sorted(_TYPES)}")


def half_type(precision: str, device: torch.device, model: SuperResolver) -> torch.dtype | None:
    """What autocast computes in; None for float32.

    Parameters
    ----------
    precision : {"auto", "float32", "bfloat16", "float16"}
        ``"auto"`` is bfloat16 on GPUs that compute in it, where the network can be trained in it.
    device : torch.device
    model : SuperResolver
    """
    if precision == "auto":
        # By default PyTorch counts GPUs that only store it, and convert at every step.
        half = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
        precision = "bfloat16" if half and model.trains_in_bfloat16 else "float32"
    return _TYPES[precision]


def make_scaler(half: torch.dtype | None, device: torch.device) -> torch.amp.GradScaler:
    """What keeps gradients of float16 from vanishing; without effect for the other types."""
    enabled = half is torch.float16 and device.type in _SCALED
    return torch.amp.GradScaler(device.type, enabled=enabled)
