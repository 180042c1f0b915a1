"""What every program under test looks like to a benchmark."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bench.session import Session
from bench.store import digest
from siftcore.errors import ParameterError, ProviderError
from siftcore.types import Features

__all__ = ["EVERYTHING", "FEATURE_CODE", "Extractor", "make_extractors", "top_features"]

# A budget that no image reaches.
EVERYTHING = 2**31 - 1
# What features depend on: a change makes what was kept of them stale.
FEATURE_CODE = ("siftcore", "dognets", "bench.extractors", "bench.peers")
Extract = Callable[[NDArray[np.uint8], int], Features]


@dataclass(frozen=True)
class Extractor:
    """A program that detects and describes.

    Attributes
    ----------
    name : str
    extract : callable
        (H, W) uint8 and a budget to at most that many features, in siftcore's conventions, in
        pixels of the image it was given, best first.
    identity : mapping
        All that the result depends on besides image and budget: parameters, weights, versions.
    keep : {"strongest", "largest"}
        What a budget keeps: by response, or by sigma. Programs that give no response can only keep
        the largest. Scores of the two rules are not comparable: large keypoints survive a change
        of scale better.
    scale : int
        Of the enlargement inside: 2 of ``"method3-x2"``, 1 of ``"dog"``.
    """

    name: str
    extract: Extract
    identity: Mapping[str, Any]
    keep: Literal["strongest", "largest"] = "strongest"
    scale: int = 1


def make_extractors(names: Iterable[str], session: Session) -> dict[str, Extractor]:
    """Extractors by name; those that cannot be made are noted in `session`.

    Parameters
    ----------
    names : iterable of str
        Providers (``"method3-x2"``; ``"dog:colmap"`` with the settings of a preset;
        ``"method1-x2@RUN"`` with weights of your own), or other programs: ``"opencv"``,
        ``"opencv-default"``, ``"pycolmap"``, ``"pycolmap-default"``, ``"scikit-image"``,
        ``"kornia"``; ``"opencv@bicubic-x2"`` enlarges first. ``NAME#largest`` keeps the largest
        keypoints instead of the strongest, as ``"pycolmap"`` and ``"scikit-image"`` always do.
    session : Session

    Returns
    -------
    dict of str to Extractor
        In the order of `names`.
    """
    found = {}
    for name in names:
        made = session.attempt(name, lambda n=name: _make_extractor(n))
        if made is not None:
            found[name] = made
    if not found:
        reasons = "; ".join(f"{name}: {why}" for name, why in session.failed.items())
        raise ProviderError(f"no provider could be made: {reasons}")
    return found


def _make_extractor(name: str) -> Extractor:
    from bench.extractors.peers import PEERS, make_peer
    from bench.extractors.providers import make_provider_extractor

    program, marked, rule = name.partition("#")
    if marked and rule != "largest":
        raise ParameterError("program", name, f"{program} or {program}#largest")
    peer = program.partition("@")[0] in PEERS
    made = make_peer(program) if peer else make_provider_extractor(program)
    return replace(made, name=name, keep="largest") if marked else made


def top_features(
    session: Session, extractor: Extractor, image: NDArray[np.uint8], budgets: Iterable[int]
) -> dict[int, Features] | None:
    """The best features of an image at each budget, from the cache where they are.

    Parameters
    ----------
    session : Session
    extractor : Extractor
    image : ndarray, (H, W) uint8
    budgets : iterable of int
        `EVERYTHING` keeps all.

    Returns
    -------
    dict of int to Features, or None
        None when the extractor raised, now or before.
    """
    wanted = sorted(set(budgets))
    # The largest may be the weakest, so nothing can be left out before all are known.
    largest = extractor.keep == "largest"
    most = _features(session, extractor, image, EVERYTHING if largest else wanted[-1])
    if most is None:
        return None
    if largest:
        most = most[np.argsort(-most.sigma, kind="stable")]
    return {n: most[:n] for n in wanted}


def _features(
    session: Session, extractor: Extractor, image: NDArray[np.uint8], budget: int
) -> Features | None:
    height, width = image.shape
    description = dict(extractor.identity) | {"image": digest(image), "budget": budget}

    def compute() -> dict[str, NDArray[Any]]:
        found = extractor.extract(image, budget)
        if len(found) > budget:
            raise ProviderError(
                f"{extractor.name!r} gave {len(found)} features for a budget of {budget}"
            )
        return {name: getattr(found, name) for name in _ARRAYS}

    arrays = session.attempt(
        extractor.name, lambda: session.store.get("features", description, compute, FEATURE_CODE)
    )
    if arrays is None:
        return None
    return Features(**arrays, image_size=(width, height), provider=extractor.name)


_ARRAYS = ("xy", "sigma", "angle", "response", "octave", "level", "descriptors")
