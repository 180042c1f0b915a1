"""Geometric verification: the candidates by the matches that one transform explains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from siftcore.matching import match_features
from siftcore.retrieval.search import Candidate
from siftcore.types import Features, MatchResult
from siftcore.validation import check_integer, check_number
from siftcore.verification import Geometry, check_geometry, estimate_geometry

if TYPE_CHECKING:
    from siftcore.retrieval.index import ImageIndex

__all__ = ["MIN_INLIERS", "match_candidate", "verify_candidates"]

# Fewer agree by chance; docs/retrieval.md has how many of wrong images do.
MIN_INLIERS = 10


def verify_candidates(
    index: ImageIndex,
    features: Features,
    candidates: Sequence[Candidate],
    geometry: Geometry = "homography",
    top: int = 20,
    *,
    ratio: float = 0.8,
    max_error: float | None = None,
    min_inliers: int = MIN_INLIERS,
) -> list[Candidate]:
    """The candidates again, those first that match the query with a common transform.

    The query's descriptors are matched again with each image's, exactly, and a transform is fitted
    to the matches.

    Parameters
    ----------
    index : ImageIndex
    features : Features
        Of the query.
    candidates : sequence of Candidate
        Of `ImageIndex.query`.
    geometry : {"homography", "fundamental"}, default "homography"
        A homography for planes, far scenes and turned cameras; F for everything else that stands
        still. A homography of the largest plane finds most buildings too.
    top : int, default 20
        How many candidates to verify, from the first on.
    ratio : float, default 0.8
        Of the ratio test, in (0, 1].
    max_error : float, optional
        As `siftcore.verification.estimate_geometry` takes it: pixels of the collection's image.
    min_inliers : int, default 10
        With fewer inliers a candidate is ranked by its score.

    Returns
    -------
    list of Candidate
        First the verified ones with `min_inliers` or more, by inliers, then by score; then the
        other verified ones and at last the rest, each by score. Equal ones by name.

    Raises
    ------
    InputError
        When the features of a candidate cannot be read, or are not those that were indexed.
    MissingDependencyError
        Without PoseLib.
    """
    check_geometry(geometry, max_error)
    check_integer("top", top, 0, 2**31 - 1)
    check_integer("min_inliers", min_inliers, 0, 2**31 - 1)
    check_number("ratio", ratio, 0.0, 1.0, above=True)
    looked_at, rest = list(candidates[:top]), list(candidates[top:])
    verified = []
    for candidate in looked_at:
        found = match_candidate(index, features, candidate.name, geometry, ratio, max_error)
        assert found.inliers is not None
        inliers = int(found.inliers.sum())
        verified.append(replace(candidate, inliers=inliers, model=found.model))

    def place(candidate: Candidate) -> tuple[int, float, str]:
        inliers = candidate.inliers or 0
        agreed = inliers if inliers >= min_inliers else 0
        return -agreed, -candidate.score, candidate.name

    return sorted(verified, key=place) + rest


def match_candidate(
    index: ImageIndex,
    features: Features,
    name: str,
    geometry: Geometry = "homography",
    ratio: float = 0.8,
    max_error: float | None = None,
) -> MatchResult:
    """The matches of a query (first) and an image of the collection (second), with inliers.

    The parameters are those of `verify_candidates`.
    """
    image = index.features(name)
    matches = match_features(features, image, ratio=ratio)
    result = MatchResult(features, image, matches)
    model, inliers = estimate_geometry(result.xy_a, result.xy_b, geometry, max_error)
    return MatchResult(features, image, matches, inliers, model)
