"""Programs on warps of photographs: exact homographies, and one change at a time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median

import numpy as np

from bench.extractors import make_extractors
from bench.intervals import Estimate, bootstrap_mean
from bench.metrics.homographies import auc_shares
from bench.pairs.photograph_sources import source_name
from bench.pairs.synthetic_warps import read_pairs
from bench.pairs.warp_kinds import KINDS
from bench.program_scores import NOTE, Scored, rankings, score_programs
from bench.report import Report
from bench.session import Session
from siftcore.errors import ParameterError

__all__ = ["run"]

COLUMNS = (
    "repeatability, 3 px", "repeatability, 40 % overlap error", "matching score", "MMA@1", "MMA@3",
    "homography AUC@1", "AUC@3", "median corner error, px",
)  # fmt: skip


def run(
    photos: Path | None,
    programs: Sequence[str],
    session: Session,
    budget: int = 2048,
    count: int = 12,
    size: tuple[int, int] = (480, 360),
) -> Report:
    """The scores of `bench.repeatability` on synthetic warps, and by kind of warp.

    Parameters
    ----------
    photos : path, optional
        Folder of photographs, of which `count` are drawn; larger ones give views with more true
        detail. By default those that scikit-image ships.
    programs : sequence of str
        Providers and other programs; ``NAME#largest`` keeps the largest keypoints.
    session : Session
    budget : int
        Keypoints of every image; a table without a budget follows.
    count : int
        Photographs, at most.
    size : (int, int)
        Width and height of all images.

    Returns
    -------
    Report
    """
    if count < 1 or min(size) < 32:
        raise ParameterError("count, size", (count, *size), "at least 1 photograph and 32 pixels")
    made = make_extractors(programs, session)
    tables = rankings(programs, made, [budget])
    pairs = read_pairs(photos, session, count, size)
    scores = score_programs(pairs, made, tables, session)
    report = Report(
        "warps",
        {
            "photographs": source_name(photos),
            "size": "x".join(map(str, size)),
            "seed": session.seed,
        },
    )
    for ranking in tables:
        table = report.table(ranking.title, "program", "keypoints", *COLUMNS)
        for name in ranking.programs:
            shown = ranking.shown(name)
            if name in session.failed:
                table.add_failed(shown, session.failed[name])
                continue
            found = scores[name, ranking.budget]
            table.add(
                shown, float(np.mean([one.scores.keypoints for one in found])),
                *_cells(found, session.seed),
            )  # fmt: skip
    for ranking in tables[:-1]:
        kinds = report.table(f"{ranking.title}, by kind", "program", "kind", *COLUMNS)
        for name in ranking.programs:
            if name in session.failed:
                kinds.add_failed(name, session.failed[name])
                continue
            for kind in KINDS:
                found = [one for one in scores[name, ranking.budget] if one.name == kind]
                kinds.add(name, kind, *_cells(found, session.seed))
    number = len({one.group for found in scores.values() for one in found})
    report.notes.append(
        f"{number} photographs, {len(KINDS)} warps each; 95 % bootstrap intervals over "
        f"photographs. {NOTE}"
    )
    report.notes.append(" ".join(f"`{kind}`: {warp.about}." for kind, warp in KINDS.items()))
    return session.finish(report)


def _cells(found: Sequence[Scored], seed: int) -> list[float | Estimate]:
    """In the order of `COLUMNS`."""
    scores = [one.scores for one in found]
    values = [
        (
            s.position_repeatability,
            s.overlap_repeatability,
            s.matching_score,
            s.accuracy[0],
            s.accuracy[2],
            *auc_shares([s.corner_error], (1.0, 3.0))[0],
        )
        for s in scores
    ]
    groups = [one.group for one in found]
    means = [bootstrap_mean(column, groups, seed=seed) for column in np.array(values).T]
    return [*means, median([s.corner_error for s in scores])]
