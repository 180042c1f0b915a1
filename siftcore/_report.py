"""What the command line prints: tables, progress, and the JSON of a match."""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from siftcore import __version__
from siftcore.io.atomic import atomic_write

if TYPE_CHECKING:
    from siftcore.types import Features, MatchResult

__all__ = [
    "columns",
    "describe_image",
    "extract_table",
    "match_table",
    "progress",
    "provider_table",
    "write_json",
    "write_match_json",
]


def write_match_json(
    path: Path,
    images: tuple[Path, Path],
    result: MatchResult,
    settings: dict[str, Any],
    seconds: float,
) -> None:
    """Write a match as one JSON object, with null where a number would not be finite.

    =============== =========================================================================
    ``siftcore``    version that made it
    ``seconds``     time for extraction, matching and verification
    ``settings``    ``ratio``, ``mutual``, ``max_keypoints``, ``spread``, ``preset``,
                    ``geometry``
    ``image_a``,    ``path``, ``width``, ``height``, ``provider``, ``n_keypoints``
    ``image_b``
    ``indices``     M pairs of rows in the two lists of keypoints
    ``points_a``,   M pairs (x, y) in pixels of each image, pixel centres at integers
    ``points_b``
    ``distances``   M distances of descriptors
    ``ratios``      M ratios of nearest to second-nearest distance
    ``inliers``     M booleans, or null when no geometry was asked for
    ``model``       3 x 3, a to b or ``b^T F a = 0``; null when not asked for or not found
    =============== =========================================================================
    """
    document = {
        "siftcore": __version__,
        "seconds": seconds,
        "settings": settings,
        "image_a": describe_image(images[0], result.features_a),
        "image_b": describe_image(images[1], result.features_b),
        "indices": result.matches.indices.tolist(),
        "points_a": result.xy_a.tolist(),
        "points_b": result.xy_b.tolist(),
        "distances": result.matches.distance.tolist(),
        "ratios": result.matches.ratio.tolist(),
        "inliers": None if result.inliers is None else result.inliers.tolist(),
        "model": None if result.model is None else result.model.tolist(),
    }
    write_json(path, document)


def write_json(path: Path, document: dict[str, Any]) -> None:
    """Write one JSON object, whole or not at all; what is not finite becomes null."""
    text = json.dumps(_finite(document), allow_nan=False)
    with atomic_write(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def match_table(images: tuple[Path, Path], result: MatchResult, seconds: float) -> str:
    """What ``siftcore match`` prints."""
    rows = [
        (label, f"{len(features)} keypoints", features.provider, str(image))
        for label, features, image in (
            ("A", result.features_a, images[0]),
            ("B", result.features_b, images[1]),
        )
    ]
    counts = [("matches", str(len(result)))]
    if result.inliers is not None:
        found = "" if result.model is not None else " (no model found)"
        counts.append(("inliers", f"{int(result.inliers.sum())}{found}"))
    counts.append(("seconds", f"{seconds:.2f}"))
    return columns(rows) + "\n" + columns(counts)


def extract_table(names: Sequence[str], counts: Sequence[int], output: Path, seconds: float) -> str:
    """What ``siftcore extract`` prints: a line per image, up to 20 of them, and the sum."""
    rows = [(name, f"{count} keypoints") for name, count in zip(names, counts, strict=True)]
    total = f"{sum(counts)} keypoints of {len(names)} image{'' if len(names) == 1 else 's'}"
    lines = [columns(rows)] if 1 < len(rows) <= 20 else []
    return "\n".join([*lines, f"{total} -> {output} ({seconds:.2f} s)"])


def provider_table(infos: Sequence[Any]) -> str:
    """What ``siftcore providers`` prints."""
    rows = [("NAME", "AVAILABLE", "SUMMARY")]
    for info in infos:
        needed = info.missing or info.absent
        lacking = f" (needs {needed})" if needed else ""
        rows.append((info.name, "yes" if info.available else "no", info.summary + lacking))
    return columns(rows)


@contextmanager
def progress(
    total: int, done: int = 0, *, unit: str = "images", line_every: float | None = None
) -> Iterator[Callable[[str], None]]:
    """Show how far the work is on stderr, and how long it will take.

    Parameters
    ----------
    total : int
        How many there are in all.
    done : int, default 0
        How many of them an earlier run has done; they do not count towards the speed.
    unit : str
        What is counted, in the plural.
    line_every : float, optional
        Where stderr is no terminal: seconds between lines; none by default.

    Yields
    ------
    callable
        Call it with the name of each one that is done.
    """
    if not sys.stderr.isatty():
        yield (lambda name: None) if line_every is None else _lines(total, done, unit, line_every)
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Speed(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text("" if task.speed is None else f"{task.speed:.3g} {unit}/s")

    parts = (
        BarColumn(),
        MofNCompleteColumn(),
        Speed(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[name]}", markup=False),
    )
    with Progress(*parts, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total, completed=done, name="")
        yield lambda name: bar.update(task, advance=1, name=name)


def _lines(total: int, done: int, unit: str, every: float) -> Callable[[str], None]:
    started = told = time.monotonic()
    count = done

    def advance(name: str) -> None:
        nonlocal count, told
        count += 1
        now = time.monotonic()
        if now - told < every:
            return
        told = now
        speed = (count - done) / (now - started)
        left = timedelta(seconds=round((total - count) / speed))
        print(f"{count}/{total} {unit}, {speed:.3g} {unit}/s, {left} left", file=sys.stderr)

    return advance


def describe_image(path: Path, features: Features) -> dict[str, Any]:
    """An image and what was found in it, as the JSON files have it."""
    width, height = features.image_size
    return {
        "path": path.as_posix(),
        "width": int(width),
        "height": int(height),
        "provider": features.provider,
        "n_keypoints": len(features),
    }


def _finite(value: Any) -> Any:
    """`value` with None where a number is not finite, which JSON cannot say."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return value


def columns(rows: Sequence[tuple[str, ...]]) -> str:
    """Rows of text as a table."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)
