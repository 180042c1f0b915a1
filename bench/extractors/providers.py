"""siftcore with one of its providers."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import siftcore
from bench.extractors.extractor import Extractor
from bench.store import code_fingerprint
from siftcore.params import SiftParams

__all__ = ["make_provider_extractor", "provider_identity", "provider_of", "scale_of"]


def provider_of(name: str) -> Any:
    """The provider called `name`, or ``NAME@RUN`` with the weights of a training run."""
    plain, _, weights = name.partition("@")
    return siftcore.get_provider(plain, **({"weights": weights} if weights else {}))


def scale_of(name: str) -> int:
    """2 for ``"method3-x2"`` and ``"method3-x2-real"``, 1 for ``"dog"``."""
    for part in name.partition("@")[0].split("-")[1:]:
        if part[:1] == "x" and part[1:].isdecimal():
            return int(part[1:])
    return 1


def provider_identity(name: str) -> dict[str, Any]:
    """What a provider's result depends on besides the image and the parameters."""
    plain, _, weights = name.partition("@")
    found: dict[str, Any] = {"provider": plain}
    file = _weights_file(plain, weights)
    if file is not None:
        found["weights"] = hashlib.sha256(file.read_bytes()).hexdigest()
    package = _package_of(plain)
    if package not in (None, "siftcore", "dognets"):
        found["package"] = code_fingerprint(package)
    return found


def make_provider_extractor(name: str, params: SiftParams | None = None) -> Extractor:
    """Features by siftcore.

    Parameters
    ----------
    name : str
        Of a provider, ``NAME@RUN``, or either with a preset after the name: ``NAME:PRESET``.
    params : SiftParams, optional
        In place of a preset.
    """
    program, at, run = name.partition("@")
    plain, _, preset = program.partition(":")
    name = plain + at + run
    provider = provider_of(name)
    settings = params or SiftParams.preset(preset or "default")
    return Extractor(
        name,
        lambda image, budget: siftcore.extract(
            image, provider=provider, params=settings, max_keypoints=budget
        ),
        provider_identity(name) | {"params": asdict(settings)},
        scale=scale_of(name),
    )


def _weights_file(plain: str, weights: str) -> Path | None:
    if weights:
        path = Path(weights)
        return path / "weights.safetensors" if path.is_dir() else path
    if "torch" not in siftcore.provider_info(plain).requires or _package_of(plain) != "dognets":
        return None
    from dognets.pretrained import WEIGHTS_FOLDER

    path = WEIGHTS_FOLDER / f"{plain}.safetensors"
    return path if path.is_file() else None


def _package_of(plain: str) -> str | None:
    for point in entry_points(group="siftcore.providers", name=plain):
        return point.value.partition(":")[0].partition(".")[0]
    return None
