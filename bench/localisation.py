"""Where keypoints are, how large and how turned, beside what known warps ask for.

Repeatability counts what lies within pixels; here it is measured how far off it lies, and whether
a program errs in one direction. A shift that a program adds to all positions does not show between
two views that are merely moved. It does where views are turned or scaled: a keypoint at p in one
is found at p + c, and at H(p) + c in the other, so the two differ by (1 - J) c from what H says,
J its Jacobian. c is found from all of them
together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.extractors import EVERYTHING, make_extractors, top_features
from bench.metrics.localisation import DISTANCE, SCALE_RATIO, LocalErrors, local_errors
from bench.pairs.known_moves import MOVES
from bench.pairs.photograph_sources import source_name
from bench.pairs.synthetic_warps import read_pairs
from bench.report import Report
from bench.session import Session
from siftcore.errors import ParameterError

__all__ = ["own_shift", "run"]

_SAME_ANGLE = np.deg2rad(5.0)
_ITERATIONS = 20
# Pixels.
_SMALLEST = 0.02


def own_shift(errors: Sequence[LocalErrors]) -> NDArray[np.float64]:
    """What a program adds to its positions, (x, y) in pixels; NaN where nothing says so.

    Parameters
    ----------
    errors : sequence of LocalErrors
        Of views that are turned or scaled.
    """
    if not sum(map(len, errors)):
        return np.full(2, np.nan)
    left = np.concatenate([np.eye(2) - one.jacobian for one in errors])
    right = np.concatenate([one.offset for one in errors])
    if np.linalg.matrix_rank(left.reshape(-1, 2)) < 2:
        return np.full(2, np.nan)
    # Some are no pairs at all, and pull towards nothing: least absolute errors, by weights.
    weights = np.ones(len(right))
    for _ in range(_ITERATIONS):
        weighted = left * weights[:, None, None], right * weights[:, None]
        shift = np.linalg.lstsq(weighted[0].reshape(-1, 2), weighted[1].ravel(), rcond=None)[0]
        off = np.linalg.norm(left @ shift - right, axis=1)
        weights = 1.0 / np.sqrt(np.maximum(off, _SMALLEST))
    return np.asarray(shift)


def run(
    images: Path | None,
    programs: Sequence[str],
    session: Session,
    count: int = 20,
    size: tuple[int, int] = (480, 360),
) -> Report:
    """Errors of position, scale and angle of each program, over all and by kind of move.

    Parameters
    ----------
    images : path, optional
        As for `bench.pairs.photograph_sources.read_photographs`.
    programs : sequence of str
        Providers and other programs; each with all its keypoints, whatever the rule.
    session : Session
    count : int
        Images, at most.
    size : (int, int)
        Width and height of the views.

    Returns
    -------
    Report
    """
    if count < 1 or min(size) < 32:
        raise ParameterError("count, size", (count, *size), "at least 1 image and 32 pixels")
    made = make_extractors(programs, session)
    found: dict[tuple[str, str], list[tuple[int, LocalErrors]]] = defaultdict(list)
    groups = set()
    for pair in read_pairs(images, session, count, size, MOVES):
        assert pair.homography is not None
        groups.add(pair.group)
        for name, extractor in made.items():
            a, b = (top_features(session, extractor, i, [EVERYTHING]) for i in (pair.a, pair.b))
            if a is not None and b is not None:
                errors = local_errors(a[EVERYTHING], b[EVERYTHING], pair.homography)
                number = len(a[EVERYTHING]) + len(b[EVERYTHING])
                found[name, pair.name].append((number, errors))
    settings = {
        "images": source_name(images), "size": "x".join(map(str, size)), "seed": session.seed,
    }  # fmt: skip
    report = Report("localisation", settings)
    columns = (
        "keypoints", "in both views", "median error, px", "mean dx, px", "mean dy, px",
        "scale: mean error, %", "scale: median size, %", "angle: median size, degrees",
        "angle within 5 degrees",
    )  # fmt: skip
    whole = report.table(
        "All moves", "program", "its own shift in x, px", "in y", *columns,
    )  # fmt: skip
    kinds = report.table("By move", "program", "move", *columns)
    for name in dict.fromkeys(programs):
        if name in session.failed:
            whole.add_failed(name, session.failed[name])
            kinds.add_failed(name, session.failed[name])
            continue
        every = [one for kind in MOVES for one in found[name, kind]]
        telling = [e for kind in MOVES if kind != "shift" for _, e in found[name, kind]]
        whole.add(name, *map(float, own_shift(telling)), *_cells(every))
        for kind in MOVES:
            kinds.add(name, kind, *_cells(found[name, kind]))
    report.notes.append(
        f"{len(groups)} images, {len(MOVES)} moves each, all keypoints. Means and medians over "
        f"the keypoints of both views that are each other's nearest, within {DISTANCE:g} px of "
        f"the second view and a scale ratio of {SCALE_RATIO}; a program with more of them has "
        "more difficult ones. Its own shift: what it adds to every position, by least "
        "absolute errors, from the moves that turn or scale."
    )
    report.notes.append(" ".join(f"`{kind}`: {move.about}." for kind, move in MOVES.items()))
    return session.finish(report)


def _cells(found: Sequence[tuple[int, LocalErrors]]) -> list[float]:
    keypoints = sum(number for number, _ in found) / max(1, 2 * len(found))
    both = sum(len(one) for _, one in found)
    if not both:
        return [keypoints, 0.0, *[float("nan")] * 7]
    offset = np.concatenate([one.offset for _, one in found])
    scale = np.concatenate([one.scale for _, one in found])
    angle = np.abs(np.concatenate([one.angle for _, one in found]))
    same = angle <= _SAME_ANGLE
    return [
        keypoints,
        both / len(found),
        float(np.median(np.hypot(*offset.T))),
        *offset.mean(axis=0).tolist(),
        float(100.0 * (2.0 ** scale.mean() - 1.0)),
        float(100.0 * (2.0 ** np.median(np.abs(scale)) - 1.0)),
        float(np.rad2deg(np.median(angle))),
        float(same.mean()),
    ]
