"""Peak resident memory of one extraction, in a process of its own.

A process that has worked before keeps freed memory, and its peak never falls: so each figure needs
a fresh one. ``python -m bench.peak_memory NAME IMAGE.npy`` is that process.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["peak", "peak_memory"]

_ROOT = Path(__file__).resolve().parents[1]
_STATUS = Path("/proc/self/status")
_WARM_UP = (64, 64)
# glibc moves its threshold with every large block that is freed, so that blocks stay resident or
# not by the order in which threads free them: a network's peak varied by a factor of two. Fixed at
# its initial value, freed blocks go back to the system.
_STEADY = {"MALLOC_MMAP_THRESHOLD_": "131072"}


def peak_memory(provider: str, image: NDArray[np.uint8]) -> float | None:
    """Growth of the resident memory while features of `image` are extracted, at its peak.

    The image itself, the provider (with its weights) and the compiled kernels are there before and
    do not count.

    Parameters
    ----------
    provider : str
        Name, ``NAME@RUN``, or ``opencv`` for OpenCV's own SIFT.
    image : ndarray, (H, W) uint8

    Returns
    -------
    float or None
        MiB. None where it cannot be measured: the system does not tell, or only this process knows
        the provider.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "image.npy"
        np.save(path, image)
        # The working folder stays: the run in NAME@RUN may be relative to it.
        paths = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        done = subprocess.run(
            [sys.executable, "-m", "bench.peak_memory", provider, str(path)],
            env=os.environ | _STEADY | {"PYTHONPATH": os.pathsep.join(paths)},
            capture_output=True,
            text=True,
        )
    try:
        return float(done.stdout) if done.returncode == 0 else None
    except ValueError:
        return None


def _measure(provider: str, image: NDArray[np.uint8]) -> float | None:
    extract = _extractor(provider)
    # Loads the kernels and starts the threads.
    extract(np.ascontiguousarray(image[: _WARM_UP[0], : _WARM_UP[1]]))
    before = _restarted_peak()
    extract(image)
    after = peak()
    return None if before is None or after is None else (after - before) / 2**20


def _extractor(provider: str) -> Callable[[NDArray[np.uint8]], object]:
    if provider == "opencv":
        from bench.peers import opencv_sift

        sift = opencv_sift()
        return lambda image: sift.detectAndCompute(image, None)
    import siftcore
    from bench.extractors.providers import provider_of

    made = provider_of(provider)
    return lambda image: siftcore.extract(image, provider=made)


def _restarted_peak() -> int | None:
    """The peak in bytes, started again from what is resident now where the system can do that."""
    # Linux: "5" sets VmHWM to VmRSS (proc_pid_clear_refs(5)). Elsewhere the peak of the warm-up is
    # the baseline, and as much of the growth stays hidden.
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return peak()


def peak() -> int | None:
    """Peak resident memory of this process in bytes."""
    try:
        lines = _STATUS.read_text().splitlines()
        kib = next(line.split()[1] for line in lines if line.startswith("VmHWM"))
        return 1024 * int(kib)
    except (OSError, StopIteration):
        return _peak_of_rusage()


def _peak_of_rusage() -> int | None:
    try:
        import resource
    except ImportError:
        return None
    # KiB on Linux and the BSDs, bytes on macOS.
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def _main(provider: str, path: str) -> None:
    grown = _measure(provider, np.load(path, allow_pickle=False))
    print("" if grown is None else f"{grown:.3f}")


if __name__ == "__main__":
    _main(*sys.argv[1:])
