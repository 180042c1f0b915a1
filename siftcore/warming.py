"""Compile every kernel now, so that no later process waits for it."""

from __future__ import annotations

import importlib
import pkgutil

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
    from siftcore.kernels import _jit

    for module in pkgutil.iter_modules(kernels.__path__):
        importlib.import_module(f"siftcore.kernels.{module.name}")
    found: dict[str, list[str]] = {}
    for kernel in _jit.compiled():
        module_name = kernel.__module__.rpartition(".")[2]
        found[f"{module_name}.{kernel.__name__}"] = [str(s) for s in kernel.signatures]
    return dict(sorted(found.items()))
