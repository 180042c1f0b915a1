"""What every program under test looks like to a benchmark."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.session import Session
from bench.store import digest
from siftcore.errors import ProviderError
from siftcore.types import Features

__all__ = ["Extractor", "make_extractors", "top_features"]

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
    ranked : bool
        Whether the best n of a larger budget are the best n. Programs that give no response choose
        by themselves, so they run once a budget.
    scale : int
        Of the enlargement inside: 2 of ``"method3-x2"``, 1 of ``"dog"``.
    """

    name: str
    extract: Extract
    identity: Mapping[str, Any]
    ranked: bool = True
    scale: int = 1


def make_extractors(names: Iterable[str], session: Session) -> dict[str, Extractor]:
    """Extractors by name; those that cannot be made are noted in `session`.

    Parameters
    ----------
    names : iterable of str
        Providers (``"method3-x2"``; ``"method1-x2@RUN"`` with weights of your own), or other
        programs: ``"opencv"``, ``"opencv-default"``, ``"pycolmap"``, ``"scikit-image"``;
        ``"opencv@bicubic-x2"`` enlarges first.
    session : Session

    Returns
    -------
    dict of str to Extractor
        In the order of `names`.
    """
    from bench.extractors.peers import PEERS, make_peer
    from bench.extractors.providers import make_provider_extractor

    found = {}
    for name in names:
        peer = name.partition("@")[0] in PEERS
        made = session.attempt(
            name, lambda n=name, p=peer: make_peer(n) if p else make_provider_extractor(n)
        )
        if made is not None:
            found[name] = made
    if not found:
        reasons = "; ".join(f"{name}: {why}" for name, why in session.failed.items())
        raise ProviderError(f"no provider could be made: {reasons}")
    return found


def top_features(
    session: Session, extractor: Extractor, image: NDArray[np.uint8], budgets: Iterable[int]
) -> dict[int, Features] | None:
    """The best features of an image at each budget, from the cache where they are.

    Returns
    -------
    dict of int to Features, or None
        None when the extractor raised, now or before.
    """
    wanted = sorted(set(budgets))
    if extractor.ranked:
        most = _features(session, extractor, image, wanted[-1])
        return None if most is None else {n: most[:n] for n in wanted}
    each = {n: _features(session, extractor, image, n) for n in wanted}
    return None if None in each.values() else each  # type: ignore[return-value]


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

    code = ("siftcore", "dognets", "bench.extractors")
    arrays = session.attempt(
        extractor.name, lambda: session.store.get("features", description, compute, code)
    )
    if arrays is None:
        return None
    return Features(**arrays, image_size=(width, height), provider=extractor.name)


_ARRAYS = ("xy", "sigma", "angle", "response", "octave", "level", "descriptors")
