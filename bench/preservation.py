"""How much of the high-resolution SIFT comes back out of a low-resolution image.

Pairs of images with a known homography. The query is image b reduced by s, spoilt or not, and
brought back by each provider; the reference is image a at full resolution. A low-resolution query
against high-resolution references is the case that matters; two low-resolution images against each
other, as Noor et al. count, is `bench.matching`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

import siftcore
from bench.degradations import degrade
from bench.extractors import Extractor, make_extractors, top_features
from bench.intervals import Estimate, bootstrap_mean
from bench.metrics.homographies import (
    auc_shares,
    estimated_corner_error,
    is_plausible,
    match_errors,
)
from bench.metrics.recall import DISTANCE, SCALE_RATIO, recalled
from bench.pairs import ImagePair
from bench.pairs.image_views import read_views
from bench.pairs.oxford_affine import read_pairs
from bench.pairs.photograph_sources import source_name
from bench.report import Report
from bench.session import Session
from siftcore.errors import ParameterError, ProviderError
from siftcore.types import Features

__all__ = ["Scores", "on_high_grid", "run", "score"]

MATCH_DISTANCE = 3.0
AUC_THRESHOLDS = (1.0, 3.0, 5.0, 10.0)
RECALL, CORRECT = "recall of high-resolution keypoints", "correct matches"
COLUMNS = (
    RECALL,
    "false keypoints",
    CORRECT,
    "precision",
    *(f"AUC@{t:g}" for t in AUC_THRESHOLDS),
)
HIGH = "high resolution"


@dataclass(frozen=True)
class Scores:
    """Of one query.

    Attributes
    ----------
    recall : float
        Share of the high-resolution query's keypoints that a keypoint of the low-resolution one
        lies near.
    false : float
        Share of the low-resolution query's keypoints that lie near none of them.
    correct : int
        Matches with the reference that the homography confirms.
    precision : float
        Their share of all matches; 0 without matches.
    corner_error : float
        Of the homography estimated from the matches, pixels; infinite where none was found.
    """

    recall: float
    false: float
    correct: int
    precision: float
    corner_error: float

    def cells(self) -> list[float]:
        """In the order of `COLUMNS`; AUC as this query's share of it."""
        (areas,) = auc_shares([self.corner_error], AUC_THRESHOLDS)
        return [self.recall, self.false, float(self.correct), self.precision, *areas]


def on_high_grid(features: Features, scale: int) -> Features:
    """Features of a reduced image, in pixels of the original."""
    if scale == 1:
        return features
    width, height = features.image_size
    return replace(
        features,
        xy=((features.xy.astype(np.float64) + 0.5) * scale - 0.5).astype(np.float32),
        sigma=features.sigma * np.float32(scale),
        image_size=(scale * width, scale * height),
    )


def score(pair: ImagePair, query: Features, high: Features, reference: Features) -> Scores:
    """Scores of a query, on the high-resolution grid.

    Parameters
    ----------
    pair : ImagePair
        With its homography.
    query, high : Features
        Of the low-resolution and of the high-resolution image b.
    reference : Features
        Of image a.
    """
    assert pair.homography is not None
    recall = recalled(high, query)
    true = recalled(query, high)
    matches = siftcore.match_features(reference, query, ratio=0.8, mutual=True)
    correct = int(
        (match_errors(reference, query, matches, pair.homography) <= MATCH_DISTANCE).sum()
    )
    return Scores(
        float(recall.mean()) if len(recall) else 0.0,
        float(1.0 - true.mean()) if len(true) else 0.0,
        correct,
        correct / max(1, len(matches)),
        estimated_corner_error(reference, query, matches, pair.homography),
    )


def run(
    data: Path | None,
    providers: Sequence[str],
    scale: int,
    session: Session,
    budgets: Sequence[int] = (500, 1000, 2048),
    degradations: Sequence[str] = ("clean",),
    reference: str = "dog",
    scenes: int | None = None,
    images: Path | None = None,
) -> Report:
    """Recall, correct matches and homographies of each provider.

    Parameters
    ----------
    data : path, optional
        Folder in the layout of the Oxford affine data set.
    providers : sequence of str
    scale : int
        Reduction of the query.
    session : Session
    budgets : sequence of int
        Strongest keypoints of every image; a table each.
    degradations : sequence of str
        Of the query; tables each.
    reference : str, default "dog"
        What reads the high-resolution images.
    scenes : int, optional
        Only the first so many; of images, so many drawn.
    images : path, optional
        In place of `data`: single images, each with a warped view of itself as the reference
        (`bench.pairs.image_views`).

    Returns
    -------
    Report
    """
    if images is not None:
        source, pairs = source_name(images), read_views(images, session, scenes, scale)
    elif data is not None:
        source, pairs = data.name, read_pairs(data, session, scenes, scale=scale)
    else:
        raise ParameterError("data", data, "a folder of scenes, or images of your own")
    made = make_extractors([reference, *providers], session)
    queries = [made[name] for name in dict.fromkeys(providers) if name in made]
    scores: dict[tuple[str, int, str], list[tuple[str, Scores]]] = defaultdict(list)
    doubled: list[float] = []
    for pair in pairs:
        high = _high_resolution(session, made.get(reference), pair, budgets)
        if reference in session.failed:
            raise ProviderError(f"{reference!r} reads the reference: {session.failed[reference]}")
        if high is None:
            continue
        most = high[max(budgets)][1]
        doubled.append(float((most.octave < 0).mean()) if len(most) else 0.0)
        whole = {n: (pair.group, score(pair, b, b, a)) for n, (a, b) in high.items()}
        for kind in degradations:
            for n in high:
                scores[kind, n, HIGH].append(whole[n])
            low = degrade(pair.b, kind, scale, session.seed)
            for extractor in queries:
                found = top_features(session, extractor, low, budgets) or {}
                for n, features in found.items():
                    a, b = high[n]
                    one = score(pair, on_high_grid(features, scale), b, a)
                    scores[kind, n, extractor.name].append((pair.group, one))
    if not doubled:
        raise session.nothing_left("pair")
    settings = {
        "data": source, "scale": scale, "reference": reference, "seed": session.seed,
    }  # fmt: skip
    report = Report("preservation", settings)
    for kind in degradations:
        for n in budgets:
            table = report.table(
                f"Low-resolution query, x{scale}, {kind}, {n} keypoints", "query", *COLUMNS
            )
            for name in (HIGH, *providers):
                if name in session.failed:
                    table.add_failed(name, session.failed[name])
                else:
                    table.add(name, *_means(scores[kind, n, name], session.seed))
    report.notes.append(_note(len(doubled), doubled, reference))
    return session.finish(report)


def _high_resolution(
    session: Session, reader: Extractor | None, pair: ImagePair, budgets: Sequence[int]
) -> dict[int, tuple[Features, Features]] | None:
    """Features of both originals at each budget; None where the homography does not fit them."""
    assert pair.homography is not None
    a = top_features(session, reader, pair.a, budgets) if reader else None
    b = top_features(session, reader, pair.b, budgets) if reader else None
    if a is None or b is None:
        return None
    n = max(budgets)
    if not is_plausible(pair.homography, a[n], b[n], siftcore.match_features(a[n], b[n])):
        session.skipped[f"{pair.group}/{pair.name}"] = (
            "its homography explains fewer matches than its inverse; it must map the first image "
            "to the second"
        )
        return None
    return {n: (a[n], b[n]) for n in a}


def _means(found: list[tuple[str, Scores]], seed: int) -> list[Estimate]:
    groups = [group for group, _ in found]
    values = np.array([scores.cells() for _, scores in found])
    return [bootstrap_mean(column, groups, seed=seed) for column in values.T]


def _note(pairs: int, doubled: list[float], reference: str) -> str:
    said = (
        f"Means of {pairs} pairs; 95 % bootstrap intervals over scenes. Recall: within {DISTANCE} "
        f"px and a scale ratio of {SCALE_RATIO} of the high-resolution image. Correct: within "
        f"{MATCH_DISTANCE:g} px of the homography; ratio 0.8 and mutual; a pair without matches "
        "has a precision of 0. AUC: of the mean corner error, in pixels, of the homography that "
        "PoseLib finds from the matches. The ratio is that of the reference's keypoints. The same "
        f"budget for all images. `{HIGH}`: the query before it was reduced."
    )
    if reference == "dog" and doubled:
        said += (
            f" Of its keypoints, {100 * float(np.mean(doubled)):.0f} % lie in the doubled first "
            "octave."
        )
    return said
