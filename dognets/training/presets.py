"""What is trained how, by name."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

from dognets.data.degradation import DEGRADATIONS
from siftcore.errors import ParameterError

__all__ = ["PRESETS", "TrainingPreset", "get_preset"]


_LEAST = {"steps": 1, "batch": 1, "patch": 16, "halo": 0, "seed": 0, "validate_every": 1}
_KNOWN = {"optimiser": ("adam", "muon"), "degradation": tuple(sorted(DEGRADATIONS))}


@dataclass(frozen=True, kw_only=True)
class TrainingPreset:
    """All that decides the result of a run besides the images.

    Attributes
    ----------
    name : str
    architecture : str
    scale : {2, 4}
    options : dict
        Sizes of the network.
    loss : str
        ``"bands"``, ``"bands+pixels"``, ``"keypoints"``, ``"pixels"`` or ``"adversarial"`` for
        networks that predict an image; ``"gaussians"``, ``"levels"`` or ``"dogs"`` for levels.
    steps, batch, patch, halo : int
        Updates; patches per update over all processes; side of a low-resolution patch, and what
        surrounds it unjudged.
    optimiser : {"adam", "muon"}
    learning_rate : float
        Highest; with Muon, of the kernels that it takes, and the other parameters have
        `dognets.training.optimisers.ADAM_BESIDE_MUON`.
    warm_up : int
        Steps of a linear rise, at most a tenth of all, under a cosine to a fiftieth.
    ema : float
        Decay per step of the averaged weights, which are what is validated and exported.
    clip : float
        Largest norm of the gradient.
    degradation : {"clean", "real"}
    seed : int
    validate_every : int
        Steps.
    """

    name: str
    architecture: str
    scale: int
    options: dict[str, Any] = field(default_factory=dict)
    loss: str
    steps: int
    batch: int = 16
    patch: int = 32
    halo: int = 0
    optimiser: str = "adam"
    learning_rate: float = 1e-3
    warm_up: int = 100
    ema: float = 0.999
    clip: float = 1.0
    degradation: str = "clean"
    seed: int = 0
    validate_every: int = 1000

    @property
    def high_side(self) -> int:
        """Side of a patch with what surrounds it, in high-resolution samples."""
        return self.scale * (self.patch + 2 * self.halo)

    def __post_init__(self) -> None:
        for name, least in _LEAST.items():
            if getattr(self, name) < least:
                raise ParameterError(name, getattr(self, name), f"at least {least}")
        for name in ("learning_rate", "clip"):
            if not 0.0 < getattr(self, name) < math.inf:
                raise ParameterError(name, getattr(self, name), "a positive number")
        if not 0.0 <= self.ema < 1.0:
            raise ParameterError("ema", self.ema, "at least 0 and below 1")
        for name, known in _KNOWN.items():
            if getattr(self, name) not in known:
                wanted = " or ".join(repr(value) for value in known)
                raise ParameterError(name, getattr(self, name), wanted)


_SIZES: dict[str, dict[int, dict[str, Any]]] = {
    "tiny": {2: {"channels": 24, "depth": 4}, 4: {"channels": 24, "depth": 6}},
    "default": {2: {"channels": 48, "depth": 6}, 4: {"channels": 48, "depth": 10}},
    "large": {2: {"channels": 64, "depth": 16}, 4: {"channels": 64, "depth": 16}},
}

# Of the paper's systems, which it trains with Adam; half the width is for training on a CPU.
_LOSSES = {"method1": "dogs", "method2": "gaussians"}
_STEPS = {"srcnn": 50_000, "vdsr": 100_000, "srgan": 100_000}
_RATES = {"srcnn": 1e-3, "vdsr": 5e-4}
_HALVES = ("method1", "method2", "edsr")


def _method3(scale: int) -> list[TrainingPreset]:
    default = TrainingPreset(
        name=f"method3-x{scale}",
        architecture="method3",
        scale=scale,
        options=_SIZES["default"][scale],
        loss="bands+pixels",
        steps={2: 20_000, 4: 12_000}[scale],
        batch=8,
        patch=36,
        halo=2,
        optimiser="muon",
        learning_rate=0.015,
        validate_every=2000,
    )
    other_sizes = [
        replace(default, name=f"method3-x{scale}-{size}", options=_SIZES[size][scale])
        for size in ("tiny", "large")
    ]
    lowe = {**default.options, "heads": "lowe"}
    return [
        default,
        *other_sizes,
        replace(default, name=f"method3-x{scale}-real", degradation="real"),
        replace(default, name=f"method3-x{scale}-lowe", options=lowe, loss="levels"),
    ]


def _published(architecture: str, scale: int) -> list[TrainingPreset]:
    full = TrainingPreset(
        name=f"{architecture}-x{scale}",
        architecture=architecture,
        scale=scale,
        options={"colours": 1} if architecture == "srgan" else {},
        loss=_LOSSES.get(architecture, "adversarial" if architecture == "srgan" else "pixels"),
        steps=_STEPS.get(architecture, 200_000),
        halo=4,
        learning_rate=_RATES.get(architecture, 2e-4),
    )
    if architecture not in _HALVES:
        return [full]
    half = replace(
        full,
        name=f"{full.name}-half",
        options={"channels": 32},
        steps=20_000,
        batch=8,
        optimiser="muon",
        learning_rate=0.003,
    )
    return [full, half]


def _presets() -> dict[str, TrainingPreset]:
    architectures = (*_LOSSES, "edsr", "srcnn", "vdsr", "srgan")
    found = [
        preset
        for scale in (2, 4)
        for presets in (_method3(scale), *(_published(a, scale) for a in architectures))
        for preset in presets
    ]
    return {preset.name: preset for preset in found}


PRESETS = _presets()


def get_preset(name: str, **changes: Any) -> TrainingPreset:
    """The preset of that name, with changes.

    Raises
    ------
    ParameterError
        When there is none of that name, or a change is out of range.
    """
    if name not in PRESETS:
        raise ParameterError("preset", name, f"one of {', '.join(sorted(PRESETS))}")
    return replace(PRESETS[name], **changes)
