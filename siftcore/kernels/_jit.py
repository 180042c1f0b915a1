"""The one place that chooses how kernels are compiled.

Kernels are plain ``nogil`` functions over a range of their output; `siftcore.kernels._threads`
runs ranges side by side. Numba's own ``prange`` is not used: its OpenMP layer waits actively, so
that a busy second core slows it down, dies after ``fork``, and its ``workqueue`` layer is not safe
under concurrent Python threads. Compiling without ``parallel=True`` is also faster.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
from numba import types

__all__ = ["FASTMATH", "array", "compiled", "kernel", "scratch"]

# "contract" allows fused multiply-adds, "nsz" ignores the sign of zero. Reassociation is left out
# so that a sum has one order on every path, and "nnan"/"ninf" because they break NaN tests.
FASTMATH = {"contract", "nsz"}

_compiled: list[Any] = []


def compiled() -> list[Any]:
    """The kernels that this process has compiled or loaded so far."""
    return list(_compiled)


def array(dtype: Any, ndim: int) -> types.Array:
    """Numba type of a C-contiguous array that the kernel only reads (writable ones fit too)."""
    return types.Array(dtype, ndim, "C", readonly=True)


def scratch(dtype: Any, ndim: int) -> types.Array:
    """Numba type of a C-contiguous array that the kernel writes."""
    return types.Array(dtype, ndim, "C")


def kernel(*signature: Any, returns: Any = types.void) -> Callable[[Callable[..., Any]], Any]:
    """Compile for exactly one signature, without the GIL, cached on disk.

    An explicit signature makes a wrong dtype an error instead of a silent second compilation.
    """
    compile_function = numba.njit(
        returns(*signature),
        nogil=True,
        cache=True,
        error_model="numpy",
        fastmath=FASTMATH,
    )

    def decorator(function: Callable[..., Any]) -> Any:
        made = compile_function(function)
        _compiled.append(made)
        return made

    return decorator
