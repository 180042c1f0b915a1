"""Moves of a view, one property at a time, by which errors of keypoints are measured."""

from __future__ import annotations

import numpy as np

from bench.pairs.warp_kinds import Homography, Warp, about

__all__ = ["MOVES"]

# Of half the view's width: a few pixels, and no whole number of them.
_SHIFT = 0.03


def _shift(rng: np.random.Generator, detail: float) -> Homography:
    return about(1.0, *rng.uniform(-_SHIFT, _SHIFT, 2))


def _turn(rng: np.random.Generator, detail: float) -> Homography:
    angle = np.deg2rad(rng.uniform(5, 175) * rng.choice([-1, 1]))
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])


def _smaller(rng: np.random.Generator, detail: float) -> Homography:
    return about(rng.uniform(0.3, 0.8), 0.0, 0.0)


def _larger(rng: np.random.Generator, detail: float) -> Homography:
    return about(rng.uniform(1.25, 3.0), 0.0, 0.0)


def _affine(rng: np.random.Generator, detail: float) -> Homography:
    turn = _turn(rng, detail)
    return np.asarray(turn @ np.diag([1.0, rng.uniform(0.75, 0.9), 1.0]) @ turn.T)


MOVES: dict[str, Warp] = {
    "shift": Warp("of some pixels and a fraction", _shift),
    "rotation": Warp("by 5 to 175 degrees either way", _turn),
    "smaller": Warp("to 0.3 to 0.8", _smaller),
    "larger": Warp("to 1.25 to 3; only blurred beyond the photograph's own pixels", _larger),
    "affine": Warp("squeezed to 0.75 to 0.9 in any direction", _affine),
}
