"""Gaussian filters that turn a high-resolution image into the levels of a ladder.

Sigmas are in its samples; its own blur is half of one.
"""

from __future__ import annotations

from siftcore.params import ScaleSpaceParams
from siftcore.scalespace.geometry import PAPER_SIGMAS, ladder_sigmas

__all__ = ["LADDERS", "LOWE_FILTERS", "ladder_name"]

LOWE_FILTERS = tuple(float((s * s - 0.25) ** 0.5) for s in ladder_sigmas(ScaleSpaceParams()))
LADDERS = {"paper": PAPER_SIGMAS, "lowe": LOWE_FILTERS}


def ladder_name(filters: tuple[float, ...]) -> str:
    """``"paper"`` or ``"lowe"``; ``"image"`` where there are none, as of a predicted image."""
    return next((name for name, known in LADDERS.items() if known == filters), "image")
