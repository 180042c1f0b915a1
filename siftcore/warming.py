"""Compile every kernel now, so that no later process waits for it."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

import numpy as np

__all__ = ["compiled_kernels", "warm_up"]


def warm_up() -> dict[str, list[str]]:
    """Compile all kernels, or load them where Numba's disk cache has them.

    Numba keeps machine code for one kind of processor, in ``__pycache__`` beside the source or in
    ``NUMBA_CACHE_DIR``. Run this where the code will run, as the user who will run it: at the end
    of an installation, or while a container is built.

    Returns
    -------
    dict of str to list of str
        As `compiled_kernels`.
    """
    import siftcore

    rng = np.random.default_rng(0)
    image = rng.random((64, 96), dtype=np.float32)
    # The blurs depend on the settings: a kernel for each radius.
    for preset in ("default", "opencv", "colmap", "paper"):
        features = siftcore.extract(image, params=preset)
    siftcore.extract(image, "bicubic-x2")
    siftcore.match_features(features, features)
    return compiled_kernels()


def compiled_kernels() -> dict[str, list[str]]:
    """Signatures of all kernels that this process has compiled or loaded, by name.

    Returns
    -------
    dict of str to list of str
        ``module.kernel`` to the signatures it was compiled for; one each, unless a call with other
        types slipped in.
    """
    from siftcore import kernels
    from siftcore.kernels import blur

    found: dict[str, list[str]] = {}
    for module in pkgutil.iter_modules(kernels.__path__):
        loaded = importlib.import_module(f"siftcore.kernels.{module.name}")
        for name, value in vars(loaded).items():
            if getattr(value, "__module__", None) == loaded.__name__ and hasattr(
                value, "signatures"
            ):
                found[f"{module.name}.{name}"] = [str(s) for s in value.signatures]
    for kernel in blur.compiled_blurs():
        signatures: list[Any] = getattr(kernel, "signatures", [])
        found[f"blur.{kernel.__name__}"] = [str(s) for s in signatures]
    return {name: signatures for name, signatures in sorted(found.items()) if signatures}
