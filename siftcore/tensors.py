"""Values of torch tensors as NumPy arrays, without importing torch."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from siftcore.errors import InputTypeError

__all__ = ["tensor_values"]


def tensor_values(tensor: Any, what: str) -> NDArray[Any]:
    """The values of a tensor on any device, floats of half precision as float32.

    Parameters
    ----------
    tensor : torch.Tensor
    what : str
        Its name in an error.

    Raises
    ------
    InputTypeError
        When NumPy has no such values: sparse, quantized and meta tensors.
    """
    try:
        held = tensor.detach().cpu()
        # Where they have such things: newer tensors put a change of sign off.
        if hasattr(held, "resolve_neg"):
            held = held.resolve_conj().resolve_neg()
        # bfloat16 has no NumPy twin.
        return np.asarray(held.float() if held.is_floating_point() else held)
    # Each kind of tensor has errors of its own.
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputTypeError(
            f"{what} must be a dense torch tensor of values that NumPy has; got one of "
            f"{tensor.dtype}: {error}"
        ) from None
