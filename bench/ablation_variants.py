"""Variants of one cost, trained alike, and the questions that they answer.

All are trained at x2 on the same patches, by the same optimiser, for as many updates, and cost 130
to 160 thousand multiply-adds a low-resolution pixel, as many as ``method3-x2``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dognets.training.presets import TrainingPreset, get_preset

__all__ = ["ALIKE", "QUESTIONS", "SCALE", "VARIANTS", "Variant"]

SCALE = 2
# method3's patches and optimiser, at a rate that the deepest of them bears.
ALIKE: dict[str, Any] = {
    "batch": 8,
    "patch": 36,
    "halo": 2,
    "optimiser": "muon",
    "learning_rate": 0.006,
}


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One network to be compared.

    Attributes
    ----------
    what : str
        In words, for the table.
    preset : str
        That it changes; also the provider that runs it.
    changes : mapping
        Of the preset.
    seed : int
        Added to that of all trainings.
    """

    what: str
    preset: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0

    def training(self, steps: int, seed: int) -> TrainingPreset:
        """What is trained.

        Parameters
        ----------
        steps : int
        seed : int
            Of all trainings that are compared.
        """
        return get_preset(
            self.preset, **ALIKE | {"steps": steps, "seed": seed + self.seed} | dict(self.changes)
        )


def _levels(blocks: Sequence[int], **options: Any) -> dict[str, Any]:
    return {"options": {"blocks": list(blocks), "channels": 24, **options}}


_FIVE_HEADS = {"channels": 48, "depth": 6, "heads": "paper"}

VARIANTS = {
    "method1": Variant(
        what="Method-1: four networks, DoGs",
        preset="method1-x2",
        changes=_levels((5, 4, 3, 2)),
    ),
    "method2": Variant(
        what="Method-2: five networks, Gaussians",
        preset="method2-x2",
        changes=_levels((5, 4, 3, 2, 1)),
    ),
    "method2-predictor": Variant(
        what="Method-2 on Method-1's predictor",
        preset="method2-x2",
        changes=_levels((5, 4, 3, 2, 1), predictor=True),
    ),
    "method2-no-squeeze": Variant(
        what="Method-2 without squeeze-and-excitation",
        preset="method2-x2",
        changes=_levels((5, 4, 3, 2, 1), squeeze=False),
    ),
    "method2-equal-blocks": Variant(
        what="Method-2, three blocks in every network",
        preset="method2-x2",
        changes=_levels((3, 3, 3, 3, 3)),
    ),
    "shared-heads": Variant(
        what="one trunk, a head a level, the loss of Method-2",
        preset="method3-x2",
        changes={"options": _FIVE_HEADS, "loss": "gaussians"},
    ),
    "shared-heads-levels": Variant(
        what="one trunk, a head a level, each level by its usual error",
        preset="method3-x2",
        changes={"options": _FIVE_HEADS, "loss": "levels"},
    ),
    "image-pixels": Variant(
        what="one trunk, the image, absolute error of its pixels",
        preset="method3-x2",
        changes={"loss": "pixels"},
    ),
    "image-bands": Variant(
        what="one trunk, the image, errors of its DoGs",
        preset="method3-x2",
        changes={"loss": "bands"},
    ),
    "image-bands-seed": Variant(
        what="the same from another seed",
        preset="method3-x2",
        changes={"loss": "bands"},
        seed=1000,
    ),
    "image-bands-pixels": Variant(
        what="one trunk, the image, DoGs and pixels",
        preset="method3-x2",
        changes={"loss": "bands+pixels"},
    ),
    "image-keypoints": Variant(
        what="one trunk, the image, DoGs that count more at extrema",
        preset="method3-x2",
        changes={"loss": "keypoints"},
    ),
}

QUESTIONS = {
    "Gaussians or DoGs": ("method1", "method2", "method2-predictor"),
    "Squeeze-and-excitation, and blocks by level": (
        "method2", "method2-no-squeeze", "method2-equal-blocks",
    ),
    "A network for each level, or one trunk": (
        "method2-predictor", "shared-heads", "shared-heads-levels", "image-bands",
    ),
    "DoGs or pixels, and which loss keeps keypoints": (
        "image-pixels", "image-bands", "image-bands-seed", "image-bands-pixels", "image-keypoints",
    ),
}  # fmt: skip
