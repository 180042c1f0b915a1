"""SIFT matches between two low-resolution images: Tables 6 to 8 of Noor et al., for any provider.

Both images of a pair are reduced and matched with each other, as the paper does. Its count takes
no budget and asks no geometry, so a provider that invents keypoints gains by it. The same pairs are
therefore counted again at an equal budget, and verified matches stand beside the raw ones. Blurred
images match each other well all the same; `bench.preservation` has a high-resolution reference.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import siftcore
from bench.extractors import make_extractors
from bench.extractors.providers import scale_of
from bench.intervals import bootstrap_mean
from bench.metrics.match_counts import EPIPOLAR_ERROR, HOMOGRAPHY_ERROR, RATIO, MatchCounts
from bench.pair_matching import PairMatcher, System, read_image_pairs
from bench.pairs.collections import find_pairs
from bench.pairs.pair_files import PairFiles
from bench.paper_figures import paper_figures
from bench.report import Report
from bench.session import Session
from siftcore.verification import check_geometry

__all__ = ["BUDGET", "LOW", "ORIGINAL", "default_providers", "paper_matches", "run"]

BUDGET = 1000
# No image has so many keypoints.
UNCAPPED = 1_000_000
ORIGINAL = "original"
LOW = "low resolution as it is"
_TITLES = {UNCAPPED: "no keypoint budget", BUDGET: f"{BUDGET} keypoints an image"}
_COLUMNS = ("system", "category", "pairs", "keypoints", "matches", "verified")

Counted = list[tuple[PairFiles, dict[str, list[MatchCounts]]]]


def run(
    data: Path,
    providers: Sequence[str],
    scale: int,
    session: Session,
    limit: int | None = None,
    pairs_file: Path | None = None,
) -> Report:
    """Mean number of matches of the pairs of each category.

    Parameters
    ----------
    data : path
        Folder in one of the layouts of `bench.pairs.collections.find_pairs`.
    providers : sequence of str
        By default all that are available for `scale`, bicubic among them.
    scale : int
        Reduction of both images.
    session : Session
    limit : int, optional
        Pairs of each category; the paper takes 200.
    pairs_file : path, optional
        A list of pairs to read instead of the folder.

    Returns
    -------
    Report
        First table without a budget, second at 1000 keypoints an image, third the paper's.
    """
    check_geometry("fundamental", EPIPOLAR_ERROR)
    wanted = list(dict.fromkeys(providers)) or default_providers(scale)
    files = find_pairs(data, session, limit, pairs_file)
    made = make_extractors(["dog", *wanted], session)
    names = {ORIGINAL: ("dog", 1), **{n: (n, scale) for n in wanted}, LOW: ("dog", scale)}
    systems = [
        System(label, made[name], reduction)
        for label, (name, reduction) in names.items()
        if name in made
    ]
    counted = _count(files, systems, scale, session)
    settings = {"data": (pairs_file or data).name, "scale": scale, "seed": session.seed}
    report = Report("matching", settings | ({} if limit is None else {"limit": limit}))
    for n, title in enumerate(_TITLES.values()):
        table = report.table(f"Matches between two images reduced x{scale}, {title}", *_COLUMNS)
        for label, (name, _) in names.items():
            if name in session.failed:
                table.add_failed(label, session.failed[name])
            else:
                for row in _rows(counted, label, n, session.seed):
                    table.add(*row)
    _add_paper(report, scale)
    report.notes.extend(_notes(counted))
    return session.finish(report)


def default_providers(scale: int) -> list[str]:
    """All that are available for a scale."""
    return [n for n in siftcore.list_providers(available_only=True) if scale_of(n) == scale]


def paper_matches(scale: int) -> dict[str, dict[str, float]]:
    """What Noor et al. report (Tables 6 to 8): mean matches by category, then by system."""
    tables = paper_figures("matching_points_tables_6_7_8")
    return {name: table[f"x{scale}"] for name, table in tables.items() if f"x{scale}" in table}


def _count(
    files: Sequence[PairFiles], systems: Sequence[System], scale: int, session: Session
) -> Counted:
    matcher = PairMatcher(session, tuple(_TITLES))
    counted: Counted = []
    for pair, images in read_image_pairs(files, scale, session):
        found = {system.label: matcher.counts(system, images) for system in systems}
        known = {label: counts for label, counts in found.items() if counts is not None}
        if not all(counts[0].plausible for counts in known.values()):
            session.skipped[f"{images.group}: {images.name}"] = (
                "its homography explains fewer matches than its inverse; it must map the first "
                "image to the second"
            )
            continue
        counted.append((pair, known))
    if not counted:
        raise session.nothing_left("pair")
    return counted


def _rows(counted: Counted, label: str, n: int, seed: int) -> list[list[Any]]:
    """A row for each category, of budget number `n`."""
    rows = []
    for category in dict.fromkeys(pair.category for pair, _ in counted):
        chosen = [(p, found[label][n]) for p, found in counted if p.category == category]
        groups = [pair.group for pair, _ in chosen]
        values = np.array([(c.keypoints, c.matches, c.verified) for _, c in chosen])
        means = [bootstrap_mean(column, groups, seed=seed) for column in values.T]
        rows.append([label, category, len(chosen), *means])
    return rows


def _add_paper(report: Report, scale: int) -> None:
    reported = paper_matches(scale)
    if not reported:
        return
    systems = list(next(iter(reported.values())))
    table = report.table(f"As the paper reports, x{scale}: matches", "category", *systems)
    for category, found in reported.items():
        table.add(category, *(found[name] for name in systems))


def _notes(counted: Counted) -> list[str]:
    said = []
    for category in dict.fromkeys(pair.category for pair, _ in counted):
        pairs = [pair for pair, _ in counted if pair.category == category]
        groups = len({pair.group for pair in pairs})
        known = sum(pair.homography is not None for pair in pairs)
        said.append(
            f"{category}: {len(pairs)} pairs of {groups} groups, {known} with a known homography."
        )
    return [
        "Both images of a pair are reduced by antialiased bicubic filtering, rounded to 8 bits, "
        f"and matched with each other: ratio {RATIO}, mutual. `{ORIGINAL}` and `{LOW}` are `dog` "
        "on the high-resolution and on the reduced images. Keypoints: mean of both images. "
        f"Verified: within {HOMOGRAPHY_ERROR:g} px of the homography where it is known, else "
        f"inliers of a fundamental matrix at {EPIPOLAR_ERROR:g} px, both in pixels of the "
        "high-resolution images; a fundamental matrix always finds some inliers, so a handful of "
        "them is no evidence. 95 % bootstrap intervals over groups (scenes, landmarks or queries).",
        "The paper counts without a budget. That rewards extra keypoints, which interpolation "
        "breeds in both images alike. An equal budget takes this away, but not that two blurred "
        "images are easier to match with each other than two sharp ones: a system may still pass "
        "the original images. `preservation`, with a high-resolution reference, is to be judged "
        "by. The paper's images are others and its detector's settings are not given, so its "
        "figures compare among themselves.",
        " ".join(said),
    ]
