"""Whether this process was forked from one that may have started threads of OpenMP.

In a forked child GNU's OpenMP, which torch and FAISS bring, waits forever for the threads of its
parent, unless the child asks for a single thread.
"""

from __future__ import annotations

import os
import sys

__all__ = ["needs_one_thread"]

_WITH_OPENMP = ("torch", "faiss", "sklearn")

_forked_with_openmp = False


def _remember() -> None:
    global _forked_with_openmp
    # What was loaded before may have started its threads; what was not cannot.
    _forked_with_openmp |= any(package in sys.modules for package in _WITH_OPENMP)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_remember)


def needs_one_thread() -> bool:
    """Whether code with OpenMP must ask for a single thread, or else it would wait forever."""
    return _forked_with_openmp
