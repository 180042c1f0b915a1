"""A low-resolution image matched by each provider with a high-resolution one.

Figure 9 of Noor et al. shows two low-resolution images instead, where blur helps the count.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench.extractors import make_extractors, top_features
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
from siftcore.types import Features, Matches, MatchResult
from siftcore.verification import estimate_geometry

__all__ = ["match_pictures"]

BUDGET = 1000
REFERENCE = "dog"
_LINES = 80
# Canvas pixels: about twice as many as a screen shows of it.
_WIDTH = 960


def match_pictures(
    pair: ImagePair, providers: Sequence[str], scale: int, session: Session
) -> list[Picture]:
    """Image b reduced by `scale`, matched by each provider with image a as it is.

    Parameters
    ----------
    pair : ImagePair
        At full size. With its homography, matches within 3 px of it are correct; without it, those
        are that agree with the epipolar geometry which the matches themselves give.
    providers : sequence of str
        Of the query; `dog` reads the reference. One that raises is noted in `session` and left out.
    scale : int
    session : Session
    """
    low = reduced(pair.b, scale)
    try:
        made = make_extractors([REFERENCE, *providers], session)
    except ProviderError:
        # Each has its reason in session.failed, which the page shows.
        return []
    if REFERENCE not in made:
        return []
    reference = top_features(session, made[REFERENCE], pair.a, [BUDGET])
    if reference is None:
        return []
    pictures = []
    for name in dict.fromkeys(providers):
        query = top_features(session, made[name], low, [BUDGET]) if name in made else None
        if query is not None:
            seen = on_high_grid(query[BUDGET], scale)
            pictures.append(_picture(pair, low, seen, reference[BUDGET], name, scale))
    return pictures


def _picture(
    pair: ImagePair, low: NDArray[np.uint8], query: Features, reference: Features, name: str,
    scale: int,
) -> Picture:  # fmt: skip
    result = _verified(query, reference, pair.homography)
    assert result.inliers is not None
    correct = int(result.inliers.sum())
    how = "correct" if pair.homography is not None else "agree with one epipolar geometry"
    note = f"{len(result)} matches, {correct} {how}"
    # Each low-resolution pixel as a square, so that both images have one size.
    shown = np.kron(low, np.ones((scale, scale), np.uint8))
    zoom = _WIDTH / (shown.shape[1] + pair.a.shape[1])
    drawn = draw_matches(shown, pair.a, result, max_lines=_LINES, zoom=zoom)
    description = f"{pair.group} {pair.name}, the second reduced by {scale} and read by {name}"
    return embed(drawn, name, note, f"{description}: {note}", "JPEG")


def _verified(
    query: Features, reference: Features, homography: NDArray[np.float64] | None
) -> MatchResult:
    """Matches of the query, on the grid of its original, with image a."""
    matches = match_features(reference, query, ratio=RATIO, mutual=True)
    if homography is not None:
        inliers = match_errors(reference, query, matches, homography) <= HOMOGRAPHY_ERROR
    else:
        i, j = matches.indices.T
        a, b = reference.xy[i], query.xy[j]
        _, inliers = estimate_geometry(a, b, "fundamental", EPIPOLAR_ERROR)
    turned = Matches(matches.indices[:, ::-1], matches.distance, matches.ratio)
    return MatchResult(query, reference, turned, np.asarray(inliers, np.bool_))
