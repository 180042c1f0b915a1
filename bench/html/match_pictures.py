"""A pair of low-resolution images matched with each provider: Figure 9 of Noor et al."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench.extractors import Extractor, make_extractors, top_features
from bench.html.picture import Picture, embed
from bench.metrics.homographies import match_errors
from bench.metrics.match_counts import EPIPOLAR_ERROR, HOMOGRAPHY_ERROR, RATIO
from bench.pairs import ImagePair
from bench.photographs import reduced
from bench.preservation import on_high_grid
from bench.session import Session
from siftcore.drawing import draw_matches
from siftcore.errors import ProviderError
from siftcore.matching import match_features
from siftcore.types import Features, MatchResult
from siftcore.verification import estimate_geometry

__all__ = ["match_pictures"]

BUDGET = 1000
_LINES = 80
# Canvas pixels: about twice as many as a screen shows of it.
_WIDTH = 960


def match_pictures(
    pair: ImagePair, providers: Sequence[str], scale: int, session: Session
) -> list[Picture]:
    """The pair reduced by `scale`, with the matches of each provider.

    Parameters
    ----------
    pair : ImagePair
        At full size. With its homography, matches within 3 px of it are correct; without it, those
        are that agree with the epipolar geometry which the matches themselves give.
    providers : sequence of str
        One that raises is noted in `session` and left out.
    scale : int
    session : Session
    """
    low = reduced(pair.a, scale), reduced(pair.b, scale)
    try:
        made = make_extractors(providers, session)
    except ProviderError:
        # Each has its reason in session.failed, which the page shows.
        return []
    shown = (_matched(pair, low, extractor, scale, session) for extractor in made.values())
    return [picture for picture in shown if picture is not None]


def _matched(
    pair: ImagePair,
    low: tuple[NDArray[np.uint8], NDArray[np.uint8]],
    extractor: Extractor,
    scale: int,
    session: Session,
) -> Picture | None:
    found = [top_features(session, extractor, image, [BUDGET]) for image in low]
    if found[0] is None or found[1] is None:
        return None
    a, b = (features[BUDGET] for features in found if features is not None)
    result = _verified(a, b, pair.homography, scale)
    assert result.inliers is not None
    correct = int(result.inliers.sum())
    how = "correct" if pair.homography is not None else "agree with one epipolar geometry"
    note = f"{len(result)} matches, {correct} {how}"
    zoom = _WIDTH / (low[0].shape[1] + low[1].shape[1])
    drawn = draw_matches(*low, result, max_lines=_LINES, zoom=zoom)
    description = f"{pair.group} {pair.name}, reduced by {scale}, matched with {extractor.name}"
    return embed(drawn, extractor.name, note, f"{description}: {note}", "JPEG")


def _verified(
    a: Features, b: Features, homography: NDArray[np.float64] | None, scale: int
) -> MatchResult:
    """Matches of low-resolution features, judged in pixels of the originals."""
    matches = match_features(a, b, ratio=RATIO, mutual=True)
    high_a, high_b = on_high_grid(a, scale), on_high_grid(b, scale)
    if homography is not None:
        inliers = match_errors(high_a, high_b, matches, homography) <= HOMOGRAPHY_ERROR
    else:
        i, j = matches.indices.T
        _, inliers = estimate_geometry(high_a.xy[i], high_b.xy[j], "fundamental", EPIPOLAR_ERROR)
    return MatchResult(a, b, matches, np.asarray(inliers, np.bool_))
