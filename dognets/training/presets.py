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
        Updates; patches an update over all processes; side of a low-resolution patch, and what
        surrounds it unjudged.
    optimiser : {"adam", "muon"}
    learning_rate : float
        Highest; reached after `warm_up` steps, then a cosine to a fiftieth.
    ema : float
        Decay a step of the averaged weights, which are what is validated and exported.
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
    "method3": {2: {"channels": 48, "depth": 6}, 4: {"channels": 48, "depth": 10}},
}

_PUBLISHED: dict[str, dict[str, Any]] = {
    "method1": {"loss": "dogs", "steps": 200_000, "learning_rate": 2e-4},
    "method2": {"loss": "gaussians", "steps": 200_000, "learning_rate": 2e-4},
    "edsr": {"loss": "pixels", "steps": 200_000, "learning_rate": 2e-4},
    "srcnn": {"loss": "pixels", "steps": 50_000, "learning_rate": 1e-3},
    "vdsr": {"loss": "pixels", "steps": 100_000, "learning_rate": 5e-4},
    "srgan": {
        "loss": "adversarial",
        "steps": 100_000,
        "learning_rate": 2e-4,
        "options": {"colours": 1},
    },
}


def _presets() -> dict[str, TrainingPreset]:
    found = {}
    for s in (2, 4):
        method3 = TrainingPreset(
            name=f"method3-x{s}",
            architecture="method3",
            scale=s,
            options=_SIZES["method3"][s],
            loss="bands+pixels",
            steps={2: 20_000, 4: 12_000}[s],
            batch=8,
            patch=36,
            halo=2,
            optimiser="muon",
            learning_rate=0.015,
            validate_every=2000,
        )
        found |= {
            p.name: p
            for p in (
                method3,
                replace(method3, name=f"method3-x{s}-real", degradation="real"),
                replace(
                    method3,
                    name=f"method3-x{s}-lowe",
                    options={**method3.options, "heads": "lowe"},
                    loss="levels",
                ),
                *(
                    TrainingPreset(
                        name=f"{architecture}-x{s}",
                        architecture=architecture,
                        scale=s,
                        halo=4,
                        **how,
                    )
                    for architecture, how in _PUBLISHED.items()
                ),
            )
        }
    return found


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
