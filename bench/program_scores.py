"""Several programs on the same pairs: their scores, and the tables that may hold them together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bench.extractors import EVERYTHING, FEATURE_CODE, Extractor, top_features
from bench.metrics.correspondences import DISTANCE
from bench.metrics.pair_scores import PairScores, score_pair
from bench.metrics.recall import SCALE_RATIO
from bench.pairs import ImagePair
from bench.session import Session
from bench.store import digest
from siftcore.errors import ProviderError

__all__ = ["NOTE", "Ranking", "Scored", "rankings", "score_programs"]

_METRICS = ("pair_scores", "correspondences", "overlap", "homographies", "recall")
_CODE = (*FEATURE_CODE, *(f"bench.metrics.{m}" for m in _METRICS))

NOTE = (
    "Regions: circles of radius proportional to sigma; keypoints that differ only in their angle "
    "are one. Only regions whose centre both images show count; shares are of the image with "
    "fewer. Repeatability: an overlap error of at most 40 %, with the region of image a scaled to "
    "a radius of 30 px (Mikolajczyk et al. 2005); or within "
    f"{DISTANCE:g} px and a scale ratio of {SCALE_RATIO}. Both one-to-one. Matches: ratio 0.8 and "
    "mutual, where Mikolajczyk et al. took nearest neighbours. Matching score: regions whose match "
    "has at most that overlap error. MMA@t: share of the matches within t px of the homography. "
    "A pair without regions or matches counts 0. AUC: of the mean corner error, in pixels, of the "
    "homography that PoseLib finds from the matches. A budget keeps the strongest keypoints or the "
    "largest, and the rule alone changes the scores, so no table mixes them; `pycolmap` and "
    "`scikit-image` give no response, which leaves them the largest."
)


@dataclass(frozen=True)
class Scored:
    """A pair's scores of one program.

    Attributes
    ----------
    group, name : str
        Of the pair.
    scores : PairScores
    """

    group: str
    name: str
    scores: PairScores


@dataclass(frozen=True)
class Ranking:
    """Programs that may stand in one table.

    Attributes
    ----------
    title : str
    budget : int
    programs : list of str
    """

    title: str
    budget: int
    programs: list[str]

    def shown(self, name: str) -> str:
        """A program's name; without its rule where all is kept."""
        return name.partition("#")[0] if self.budget == EVERYTHING else name


def rankings(
    programs: Sequence[str], made: Mapping[str, Extractor], budgets: Sequence[int]
) -> list[Ranking]:
    """Tables of equal budget and equal rule, and one of all keypoints.

    Parameters
    ----------
    programs : sequence of str
        As the user named them.
    made : mapping of str to Extractor
        Those of them that could be made.
    budgets : sequence of int
    """
    by_rule: dict[str, list[str]] = {"strongest": [], "largest": []}
    # Without a budget the rule does not matter: one row a program.
    whole: dict[str, str] = {}
    for name in dict.fromkeys(programs):
        program, _, rule = name.partition("#")
        by_rule[made[name].keep if name in made else rule or "strongest"].append(name)
        whole.setdefault(program, name)
    found = [
        Ranking(f"The {budget} {rule} keypoints", budget, names)
        for budget in budgets
        for rule, names in by_rule.items()
        if names
    ]
    return [*found, Ranking("All keypoints", EVERYTHING, list(whole.values()))]


def score_programs(
    pairs: Iterable[ImagePair],
    made: Mapping[str, Extractor],
    tables: Sequence[Ranking],
    session: Session,
) -> dict[tuple[str, int], list[Scored]]:
    """Scores that the tables need, from the cache where they are.

    Parameters
    ----------
    pairs : iterable of ImagePair
        With their homographies.
    made : mapping of str to Extractor
    tables : sequence of Ranking
    session : Session

    Returns
    -------
    dict of (str, int) to list of Scored
        By program and budget. A program that raised is noted in `session`.

    Raises
    ------
    ProviderError
        When every program raised.
    """
    budgets = {
        name: sorted({table.budget for table in tables if name in table.programs}) for name in made
    }
    scores: dict[tuple[str, int], list[Scored]] = defaultdict(list)
    for pair in pairs:
        for name, extractor in made.items():
            for budget, found in _of_pair(pair, extractor, budgets[name], session):
                scores[name, budget].append(Scored(pair.group, pair.name, found))
        if session.failed.keys() >= made.keys():
            reasons = "; ".join(f"{name}: {why}" for name, why in session.failed.items())
            raise ProviderError(f"every program raised: {reasons}")
    return scores


class _FailedError(Exception):
    """The program raised, which the session has noted."""


def _of_pair(
    pair: ImagePair, extractor: Extractor, budgets: Sequence[int], session: Session
) -> Iterator[tuple[int, PairScores]]:
    homography = pair.homography
    assert homography is not None
    description = dict(extractor.identity) | {
        "keep": extractor.keep,
        "budgets": list(budgets),
        "a": digest(pair.a),
        "b": digest(pair.b),
        "homography": homography.ravel().tolist(),
    }

    def compute() -> dict[str, np.ndarray]:
        a = top_features(session, extractor, pair.a, budgets)
        b = top_features(session, extractor, pair.b, budgets)
        if a is None or b is None:
            raise _FailedError
        rows = [score_pair(a[n], b[n], homography).as_row() for n in budgets]
        return {"rows": np.array(rows)}

    if extractor.name in session.failed:
        return
    try:
        kept = session.store.get("pair scores", description, compute, _CODE)
    except _FailedError:
        return
    for budget, row in zip(budgets, kept["rows"], strict=True):
        yield budget, PairScores.from_row(row)
