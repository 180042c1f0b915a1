"""What ``siftcore query`` prints: a table per query, and one JSON file of all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from siftcore import __version__
from siftcore._report import columns, describe_image, write_json

if TYPE_CHECKING:
    from siftcore.retrieval import Candidate
    from siftcore.types import Features

__all__ = ["Answer", "ranking_table", "write_ranking_json"]


@dataclass(frozen=True)
class Answer:
    """One query: its candidates, best first, and the seconds of each step."""

    image: Path
    features: Features
    candidates: Sequence[Candidate]
    seconds: dict[str, float]


def ranking_table(answer: Answer) -> str:
    """Rank, image, votes, score and inliers, under a line about the query."""
    times = ", ".join(f"{step} {seconds:.2f} s" for step, seconds in answer.seconds.items())
    features = answer.features
    head = f"{answer.image}: {len(features)} keypoints, {features.provider} ({times})"
    if not answer.candidates:
        return f"{head}\nno image of the collection got a vote"
    rows = [("RANK", "IMAGE", "VOTES", "SCORE", "INLIERS")]
    for rank, candidate in enumerate(answer.candidates, 1):
        inliers = "-" if candidate.inliers is None else str(candidate.inliers)
        score = f"{candidate.score:.2f}"
        rows.append((str(rank), candidate.name, str(candidate.votes), score, inliers))
    return f"{head}\n{columns(rows)}"


def write_ranking_json(path: Path, answers: Sequence[Answer], settings: dict[str, Any]) -> None:
    """Write all queries as one JSON object.

    ============ ============================================================================
    ``siftcore`` version that made it
    ``settings`` ``index``, ``provider``, ``preset``, ``max_keypoints``, ``spread``, ``top``,
                 ``verify``, ``model``, ``neighbours``
    ``queries``  for each: ``query`` (``path``, ``width``, ``height``, ``provider``,
                 ``n_keypoints``), ``seconds`` (``extract``, ``search``, ``verify``) and
                 ``ranking``: ``image``, ``votes``, ``score``, ``inliers`` (null where not
                 verified), ``model`` (3 x 3, query to image; null where there is none)
    ============ ============================================================================
    """
    document = {
        "siftcore": __version__,
        "settings": settings,
        "queries": [
            {
                "query": describe_image(answer.image, answer.features),
                "seconds": answer.seconds,
                "ranking": [
                    {
                        "image": candidate.name,
                        "votes": candidate.votes,
                        "score": candidate.score,
                        "inliers": candidate.inliers,
                        "model": None if candidate.model is None else candidate.model.tolist(),
                    }
                    for candidate in answer.candidates
                ],
            }
            for answer in answers
        ],
    }
    write_json(path, document)
