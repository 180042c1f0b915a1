"""One pair of images as one system sees it: reduced, extracted, matched, counted, and kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.extractors import FEATURE_CODE, Extractor, top_features
from bench.metrics.match_counts import MatchCounts, count_matches
from bench.pairs import ImagePair, reducible_image
from bench.pairs.pair_files import PairFiles, read_pair
from bench.photographs import reduced
from bench.preservation import on_high_grid
from bench.session import Session
from bench.store import digest
from siftcore.types import Features

__all__ = ["PairMatcher", "System", "read_image_pairs"]

# Images, and features of images, in memory; pairs that share an image follow each other.
_HELD = 12
_CODE = (
    *FEATURE_CODE, "bench.metrics.homographies",
    "bench.metrics.match_counts", "bench.pair_matching",
    "bench.photographs", "bench.preservation",
)  # fmt: skip


@dataclass(frozen=True)
class System:
    """An extractor, and what the images are reduced by before it sees them.

    Attributes
    ----------
    label : str
        Of its row.
    extractor : Extractor
    reduction : int
        1 for the high-resolution images themselves.
    """

    label: str
    extractor: Extractor
    reduction: int


def read_image_pairs(
    files: Sequence[PairFiles], scale: int, session: Session
) -> Iterator[tuple[PairFiles, ImagePair]]:
    """Pairs that can be read and are large enough for `scale`; others are noted in `session`."""

    @lru_cache(maxsize=_HELD)
    def image_of(path: Path) -> NDArray[np.uint8]:
        return reducible_image(path, scale)

    for pair in session.track(files, "matching"):
        found = read_pair(pair, session, image_of)
        if found is not None:
            yield pair, found


class _NoFeaturesError(Exception):
    """The extractor raised, and the session says what."""


class PairMatcher:
    """Matches pairs at each budget; results come from the session's cache where they are.

    Parameters
    ----------
    session : Session
    budgets : sequence of int
        Strongest keypoints of each image.
    """

    def __init__(self, session: Session, budgets: Sequence[int]) -> None:
        self._session = session
        self._budgets = tuple(budgets)
        self._held: dict[str, dict[str, dict[int, Features] | None]] = {}

    def counts(self, system: System, pair: ImagePair) -> list[MatchCounts] | None:
        """Counts at each budget; None when the extractor raised, now or before.

        Positions are compared in pixels of the high-resolution images.
        """
        if system.extractor.name in self._session.failed:
            return None
        description = {
            "extractor": dict(system.extractor.identity),
            "reduction": system.reduction,
            "budgets": self._budgets,
            "a": digest(pair.a),
            "b": digest(pair.b),
            "homography": None if pair.homography is None else pair.homography.tolist(),
        }

        def compute() -> dict[str, NDArray[Any]]:
            a, b = self._features(system, pair.a), self._features(system, pair.b)
            if a is None or b is None:
                raise _NoFeaturesError
            found = [count_matches(a[n], b[n], pair.homography) for n in self._budgets]
            return {"counts": np.array([astuple(each) for each in found], np.float64)}

        try:
            kept = self._session.store.get("matching", description, compute, _CODE)["counts"]
        except _NoFeaturesError:
            return None
        return [MatchCounts(n, int(m), int(v), bool(p)) for n, m, v, p in kept.tolist()]

    def _features(self, system: System, image: NDArray[np.uint8]) -> dict[int, Features] | None:
        of_image = self._held.setdefault(digest(image), {})
        if len(self._held) > _HELD:
            del self._held[next(iter(self._held))]
        if system.label not in of_image:
            seen = image if system.reduction == 1 else reduced(image, system.reduction)
            found = top_features(self._session, system.extractor, seen, self._budgets)
            of_image[system.label] = found and {
                n: on_high_grid(features, system.reduction) for n, features in found.items()
            }
        return of_image[system.label]
