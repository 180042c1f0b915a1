"""Detectors and descriptors of several programs, on scenes with known homographies.

Mikolajczyk, Tuytelaars, Schmid, Zisserman, Matas, Schaffalitzky, Kadir, Van Gool: A Comparison of
Affine Region Detectors, IJCV 2005 (repeatability, matching score). Dusmanu et al.: D2-Net, CVPR
2019 (mean matching accuracy). DeTone et al.: SuperPoint, CVPRW 2018 (repeatability by position).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median

import numpy as np

from bench.extractors import make_extractors
from bench.intervals import Estimate, bootstrap_mean
from bench.metrics.homographies import auc_shares
from bench.metrics.pair_scores import ACCURACIES
from bench.pairs import hpatches, oxford_affine
from bench.program_scores import NOTE, Scored, rankings, score_programs
from bench.report import Report
from bench.session import Session

__all__ = ["run"]

AUC_THRESHOLDS = (1.0, 3.0, 5.0, 10.0)
COLUMNS = (
    "keypoints", "matches", "repeatability, 40 % overlap error", "repeatability, 3 px",
    "matching score", *(f"homography AUC@{t:g}" for t in AUC_THRESHOLDS),
    "median corner error, px",
)  # fmt: skip


def run(
    data: Path,
    programs: Sequence[str],
    session: Session,
    budgets: Sequence[int] = (1000, 2048),
    scenes: int | None = None,
) -> Report:
    """Repeatability, matching score, matching accuracy and homographies of each program.

    Parameters
    ----------
    data : path
        Folder in the layout of the Oxford affine data set or of HPatches.
    programs : sequence of str
        Providers and other programs; ``NAME#largest`` keeps the largest keypoints.
    session : Session
    budgets : sequence of int
        Keypoints of every image; tables each, before those of all keypoints.
    scenes : int, optional
        Only the first so many.

    Returns
    -------
    Report
    """
    made = make_extractors(programs, session)
    tables = rankings(programs, made, budgets)
    layout = hpatches if hpatches.find_sequences(data) else oxford_affine
    scores = score_programs(layout.read_pairs(data, session, scenes), made, tables, session)
    report = Report("repeatability", {"data": data.name, "seed": session.seed})
    for ranking in tables:
        table = report.table(ranking.title, "program", *COLUMNS)
        accuracy = report.table(
            f"{ranking.title}: mean matching accuracy",
            "program", *(f"MMA@{t}" for t in ACCURACIES),
        )  # fmt: skip
        for name in ranking.programs:
            shown = ranking.shown(name)
            if name in session.failed:
                table.add_failed(shown, session.failed[name])
                accuracy.add_failed(shown, session.failed[name])
                continue
            found = scores[name, ranking.budget]
            table.add(shown, *_cells(found, session.seed))
            accuracy.add(shown, *_accuracy(found, session.seed))
    pairs = max(map(len, scores.values()))
    report.notes.append(f"Means of {pairs} pairs; 95 % bootstrap intervals over scenes. {NOTE}")
    return session.finish(report)


def _cells(found: Sequence[Scored], seed: int) -> list[float | Estimate]:
    """In the order of `COLUMNS`."""
    groups = [one.group for one in found]
    scores = [one.scores for one in found]
    errors = np.array([s.corner_error for s in scores])
    areas = auc_shares(errors, AUC_THRESHOLDS)
    shares = ([s.overlap_repeatability, s.position_repeatability, s.matching_score] for s in scores)
    values = np.c_[np.array(list(shares)), areas]
    return [
        float(np.mean([s.keypoints for s in scores])),
        float(np.mean([s.matches for s in scores])),
        *(bootstrap_mean(column, groups, seed=seed) for column in values.T),
        median(errors.tolist()),
    ]


def _accuracy(found: Sequence[Scored], seed: int) -> list[Estimate]:
    groups = [one.group for one in found]
    values = np.array([one.scores.accuracy for one in found])
    return [bootstrap_mean(column, groups, seed=seed) for column in values.T]
