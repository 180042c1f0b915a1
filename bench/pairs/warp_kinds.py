"""What happens to the second view of a synthetic pair: how it is moved, and what spoils it."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

__all__ = ["KINDS", "Homography", "Warp", "about", "to_bytes"]

Homography = NDArray[np.float64]
# (generator, photograph's pixels a pixel of the first view) to a homography about the centre, in
# units of half the width.
Move = Callable[[np.random.Generator, float], Homography]
# Grey values of 0 to 255, before they are rounded.
Spoil = Callable[[NDArray[np.float64], np.random.Generator], NDArray[np.float64]]


@dataclass(frozen=True)
class Warp:
    """What happens to the second view.

    Attributes
    ----------
    about : str
    move : callable
    spoil : tuple of callable
    """

    about: str
    move: Move
    spoil: tuple[Spoil, ...] = ()


def to_bytes(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Grey values as images have them: rounded, from 0 to 255."""
    return np.rint(values.clip(0, 255)).astype(np.uint8)


def about(scale: float, x: float, y: float) -> Homography:
    """Scaled about the origin, which then goes to (x, y)."""
    return np.array([[scale, 0.0, x], [0.0, scale, y], [0.0, 0.0, 1.0]])


def _turned(angle: float) -> Homography:
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])


def _nudge(rng: np.random.Generator, detail: float) -> Homography:
    """So little that only what else happens matters, but no two pixel grids coincide."""
    shift = rng.uniform(-0.05, 0.05, 2)
    return about(rng.uniform(0.95, 1.05), *shift) @ _turned(np.deg2rad(rng.uniform(-5, 5)))


def _rotation(rng: np.random.Generator, detail: float) -> Homography:
    return _turned(np.deg2rad(rng.uniform(10, 170) * rng.choice([-1, 1])))


def _scale(rng: np.random.Generator, detail: float) -> Homography:
    factor = 2.0 ** rng.uniform(0.3, 1.0)
    # Closer than the photograph has detail for would only be blurred.
    closer = rng.random() < 0.5 and factor <= detail
    return about(factor if closer else 1.0 / factor, 0.0, 0.0)


def _perspective(rng: np.random.Generator, detail: float) -> Homography:
    direction = rng.uniform(0.0, 2.0 * np.pi)
    tilt = rng.uniform(0.1, 0.25) * np.array([np.cos(direction), np.sin(direction)])
    squeeze = np.diag([1.0, rng.uniform(0.7, 0.9), 1.0])
    turn = _turned(rng.uniform(0, np.pi))
    return np.array([[1, 0, 0], [0, 1, 0], [*tilt, 1]]) @ turn @ squeeze @ turn.T


def _everywhere(rng: np.random.Generator, detail: float) -> Homography:
    turn = _turned(np.deg2rad(rng.uniform(-45, 45)))
    zoom = about(2.0 ** rng.uniform(-0.6, min(0.6, np.log2(detail))), 0.0, 0.0)
    return zoom @ turn @ _perspective(rng, detail)


def _blur(view: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    return np.asarray(ndimage.gaussian_filter(view, rng.uniform(1.0, 2.0), mode="nearest"))


def _jpeg(view: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    file = io.BytesIO()
    Image.fromarray(to_bytes(view)).save(file, "JPEG", quality=int(rng.integers(15, 41)))
    return np.asarray(Image.open(file), np.float64)


def _illumination(view: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    height, width = view.shape
    slope = rng.uniform(-0.3, 0.3, 2)
    light = (
        1.0 + slope[0] * np.linspace(-1, 1, width) + slope[1] * np.linspace(-1, 1, height)[:, None]
    )
    gain, gamma = rng.uniform(0.5, 1.0), 2.0 ** rng.uniform(-0.7, 0.7)
    return 255.0 * (gain * light * (view.clip(0, 255) / 255.0) ** gamma)


def _noise(view: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    return view + rng.normal(0.0, rng.uniform(4.0, 12.0), view.shape)


KINDS: dict[str, Warp] = {
    "rotation": Warp("by 10 to 170 degrees", _rotation),
    "scale": Warp("by 1.2 to 2, closer or further", _scale),
    "perspective": Warp("a tilted and squeezed view", _perspective),
    "blur": Warp("Gaussian, of 1 to 2 px", _nudge, (_blur,)),
    "jpeg": Warp("quality 15 to 40", _nudge, (_jpeg,)),
    "illumination": Warp("gain, gamma and a gradient", _nudge, (_illumination,)),
    "noise": Warp("Gaussian, of 4 to 12 grey values", _nudge, (_noise,)),
    "geometry": Warp("rotation, scale and perspective", _everywhere),
    "all": Warp(
        "that with blur, illumination, noise and JPEG",
        _everywhere,
        (_blur, _illumination, _noise, _jpeg),
    ),
}
