"""Retrieval: small queries against a collection at full size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numba
import numpy as np

from bench.extractors import Extractor, make_extractors, top_features
from bench.intervals import bootstrap_mean
from bench.photographs import reduced
from bench.report import Report, Table
from bench.retrieval_queries import Query, read_collection
from bench.retrieval_trial import (
    VERIFIED,
    Arrays,
    Trial,
    bytes_a_descriptor,
    features_of,
    times,
)
from bench.session import Session
from siftcore.errors import InputError
from siftcore.retrieval.verify import MIN_INLIERS

__all__ = ["run"]

REFERENCE = "dog"
_KINDS = ("flat", "ivf-sq8", "ivf-pq")


def run(
    data: Path,
    providers: Mapping[int, Sequence[str]],
    session: Session,
    distractors: Path | None = None,
    budget: int = 2000,
    scenes: int | None = None,
    limit: int | None = None,
    kinds: Sequence[str] = _KINDS,
    timed: int = 4,
) -> Report:
    """Recall before and after the verification, by provider and reduction.

    Parameters
    ----------
    data : path
        As `bench.retrieval_queries.read_collection` takes it.
    providers : mapping of int to sequence of str
        Those that read the queries, by the factor by which the queries are reduced; 1 is a query
        at its full size.
    session : Session
    distractors : path, optional
    budget : int, default 2000
        Keypoints of every image, of the collection and of the queries.
    scenes, limit : int, optional
    kinds : sequence of str
        Of the index, compared for the first provider of the first reduction.
    timed : int, default 4
        Queries of each row whose times are taken; 0 leaves the times out.
    """
    images, queries = read_collection(data, distractors, session, scenes, limit)
    names = [REFERENCE, *(name for chosen in providers.values() for name in chosen)]
    extractors = make_extractors(dict.fromkeys(names), session)
    if REFERENCE not in extractors:
        raise InputError(f"the collection could not be read: {session.failed.get(REFERENCE)}")
    collection = {}
    for name, image in session.track(images.items(), "collection"):
        found = top_features(session, extractors[REFERENCE], image, [budget])
        if found is not None:
            collection[name] = found[budget]
    total = sum(map(len, collection.values()))
    trial = Trial(collection, session, timed)
    report = Report(
        "retrieval",
        {
            "images": len(collection),
            "descriptors": total,
            "queries": len(queries),
            "budget": budget,
            "kind": trial.kind("auto"),
            "verified": VERIFIED,
            "min_inliers": MIN_INLIERS,
            "geometry": "homography",
            "timed": timed,
            "threads": numba.get_num_threads(),
            "seed": session.seed,
        },
    )
    for scale, chosen in providers.items():
        asked = _at_scale(queries, scale)
        for group in dict.fromkeys(query.group for query in queries):
            table = report.table(f"{group}, {_size(scale)}", "provider", *_COLUMNS)
            of_group = [query for query in asked if query.group == group]
            for name in chosen:
                _add_row(table, name, extractors.get(name), of_group, budget, trial)
    _compare_kinds(report, providers, extractors, queries, budget, trial, kinds)
    report.notes += _NOTES
    return session.finish(report)


_COLUMNS = (
    "recall@1 by votes", "recall@5 by votes", "recall@1 verified", "recall@5 verified",
    "inliers, right image", "most inliers, wrong image", "keypoints",
    "extract ms", "search ms", "verify ms",
)  # fmt: skip
_NOTES = (
    "Recall@k: the share of queries with a right image among the first k, with its 95 % interval "
    "over scenes, or over queries where there is one scene. Inliers are the mean over all queries "
    "of the best right image's, 0 where none was among the verified. The most inliers that any "
    "wrong image got say what chance gives. Times are medians over a few queries: extraction anew, "
    f"search of the index, verification of {VERIFIED}.",
    "The collection is read with dog at full size, the queries by the row's provider. The first "
    "image of each Oxford scene is in the collection, and the other five are queries; of the other "
    "folders the first half by name is in it.",
)


def _size(scale: int) -> str:
    return "queries at full size" if scale == 1 else f"queries reduced by {scale}"


def _at_scale(queries: Sequence[Query], scale: int) -> list[Query]:
    if scale == 1:
        return list(queries)
    return [Query(q.group, q.scene, reduced(q.image, scale), q.right) for q in queries]


def _add_row(
    table: Table,
    name: str,
    extractor: Extractor | None,
    queries: Sequence[Query],
    budget: int,
    trial: Trial,
) -> None:
    found, counts = [], []
    for query in trial.session.track(queries, f"{table.title}, {name}"):
        features = extractor and features_of(trial.session, extractor, query.image, budget)
        if features is None or extractor is None:
            table.add_failed(name, trial.session.failed.get(name, "not made"))
            return
        counts.append(len(features))
        found.append(trial.ask(query, features, "auto"))
    taken = times(trial, extractor, queries, budget) if extractor else (None,) * 3
    inliers = np.array([each["inliers"] for each in found])
    table.add(
        name, *_recalls(found, queries, trial.session.seed), float(inliers[:, 0].mean()),
        int(inliers[:, 1].max()), round(float(np.mean(counts))), *taken,
    )  # fmt: skip


def _recalls(found: Sequence[Arrays], queries: Sequence[Query], seed: int) -> Iterator[Any]:
    scenes = [query.scene for query in queries]
    groups = scenes if len(set(scenes)) > 1 else None
    for stage in (0, 1):
        for k in (1, 5):
            hits = [float(each["places"][stage] < k) for each in found]
            yield bootstrap_mean(hits, groups, seed=seed)


def _compare_kinds(
    report: Report,
    providers: Mapping[int, Sequence[str]],
    extractors: Mapping[str, Extractor],
    queries: Sequence[Query],
    budget: int,
    trial: Trial,
    kinds: Sequence[str],
) -> None:
    scale, chosen = next(iter(providers.items()))
    extractor = next((extractors[name] for name in chosen if name in extractors), None)
    if extractor is None or not kinds:
        return
    table = report.table(
        f"Kinds of index, {extractor.name}, all {_size(scale)}", "kind", "bytes a descriptor",
        "recall@1 by votes", "recall@5 by votes", "recall@1 verified", "recall@5 verified",
        "search ms",
    )  # fmt: skip
    asked = _at_scale(queries, scale)
    for kind in kinds:
        found = []
        for query in trial.session.track(asked, kind):
            features = features_of(trial.session, extractor, query.image, budget)
            if features is not None:
                found.append(trial.ask(query, features, kind))
        _, search, _ = times(trial, extractor, asked, budget, kind)
        size = bytes_a_descriptor(trial.index(kind))
        table.add(kind, size, *_recalls(found, asked, trial.session.seed), search)
