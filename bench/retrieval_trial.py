"""One collection and what queries find in it, from the cache where they were asked before."""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.extractors import Extractor, top_features
from bench.retrieval_queries import Query
from bench.session import Session
from bench.store import digest
from siftcore.retrieval import ImageIndex, IndexSettings, verify_candidates
from siftcore.retrieval.manifest import STRUCTURE
from siftcore.types import Features

__all__ = ["VERIFIED", "Arrays", "Trial", "bytes_a_descriptor", "features_of", "times"]

VERIFIED = 20
_CODE = ("siftcore", "bench.retrieval_trial", "bench.retrieval_queries")
_NOWHERE = 10**6
Arrays = dict[str, NDArray[Any]]


class Trial:
    """The collection, its indices by kind, and what queries found in them."""

    def __init__(self, collection: dict[str, Features], session: Session, timed: int) -> None:
        self.collection = collection
        self.timed = timed
        self.session = session
        self._made: dict[str, ImageIndex] = {}
        content = "".join(f"{n}{digest(f.descriptors)}" for n, f in sorted(collection.items()))
        self._identity = hashlib.sha256(content.encode()).hexdigest()

    def kind(self, asked: str) -> str:
        """What ``"auto"`` means for this collection."""
        settings = IndexSettings(kind=asked)  # type: ignore[arg-type]
        return settings.kind_for(sum(map(len, self.collection.values())))

    def index(self, kind: str) -> ImageIndex:
        """An index of the collection, made once."""
        kind = self.kind(kind)
        if kind not in self._made:
            settings = IndexSettings(kind=kind, seed=self.session.seed)  # type: ignore[arg-type]
            self._made[kind] = ImageIndex.build(self.collection, settings)
        return self._made[kind]

    def ask(self, query: Query, features: Features, kind: str) -> Arrays:
        """Places of the first right image before and after, and inliers; from the cache if there.

        ``places`` (2,), ``inliers`` (2,): of the best right image, and the most of a wrong one.
        """
        about = {
            "collection": self._identity,
            "kind": self.kind(kind),
            "features": digest(features.descriptors) + digest(features.xy),
            "right": sorted(query.right),
            "seed": self.session.seed,
        }
        return self.session.store.get(
            "retrieval", about, lambda: self._answer(query, features, kind), _CODE
        )

    def _answer(self, query: Query, features: Features, kind: str) -> Arrays:
        index = self.index(kind)
        voted = index.query(features, VERIFIED)
        verified = verify_candidates(index, features, voted, top=VERIFIED)
        places = [
            next((n for n, each in enumerate(found) if each.name in query.right), _NOWHERE)
            for found in (voted, verified)
        ]
        inliers = [
            max((e.inliers or 0 for e in verified if (e.name in query.right) is right), default=0)
            for right in (True, False)
        ]
        return {"places": np.array(places), "inliers": np.array(inliers)}


def features_of(
    session: Session, extractor: Extractor, image: NDArray[np.uint8], budget: int
) -> Features | None:
    """Those of one image, at most `budget`; None where the extractor fails."""
    found = top_features(session, extractor, image, [budget])
    return None if found is None else found[budget]


def times(
    trial: Trial, extractor: Extractor, queries: Sequence[Query], budget: int, kind: str = "auto"
) -> tuple[float | None, float | None, float | None]:
    """Medians of extraction, search and verification, in milliseconds."""
    if not trial.timed:
        return None, None, None
    index = trial.index(kind)
    spread = np.linspace(0, len(queries) - 1, min(trial.timed, len(queries))).astype(int)
    # The first call loads the kernels and the network.
    extractor.extract(queries[0].image[:64, :64], budget)
    taken = []
    for query in (queries[place] for place in spread):
        begun = time.perf_counter()
        features = extractor.extract(query.image, budget)
        extracted = time.perf_counter()
        voted = index.query(features, VERIFIED)
        searched = time.perf_counter()
        verify_candidates(index, features, voted, top=VERIFIED)
        verified = time.perf_counter()
        taken.append((extracted - begun, searched - extracted, verified - searched))
    extract, search, verify = 1e3 * np.median(taken, axis=0)
    return float(extract), float(search), float(verify)


def bytes_a_descriptor(index: ImageIndex) -> float:
    """Of the saved structure; NaN for an empty index."""
    with TemporaryDirectory() as folder, contextlib.suppress(ZeroDivisionError):
        index.save(Path(folder) / "index")
        return (Path(folder) / "index" / STRUCTURE).stat().st_size / index.n_descriptors
    return float("nan")
