"""What the page says about a comparison: table, status line, captions. Plain HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from siftcore.demo_page.compare import TOLERANCE, Outcome
from siftcore.demo_page.pairs import Pair

__all__ = ["advice", "caption", "describe_pair", "lacking", "message", "table"]


def message(text: str, *, error: bool = False) -> str:
    """A status line that screen readers speak out; an error at once."""
    role, kind = ("alert", "sift-error") if error else ("status", "sift-status")
    return f'<p role="{role}" class="{kind}">{escape(text)}</p>'


def describe_pair(pair: Pair) -> str:
    """Sizes of what was matched."""
    a, b = (f"{image.width} x {image.height}" for image in (pair.image_a, pair.image_b))
    second = "B" if pair.b_to_a is None else "its turned and reduced copy"
    return f"A at {a} against {second} at {b} pixels"


def advice(outcomes: Sequence[Outcome]) -> str:
    """What to do about providers that found nothing; empty when all found something."""
    empty = [o.provider for o in outcomes if not (o.result.features_a and o.result.features_b)]
    unmatched = [o.provider for o in outcomes if o.provider not in empty and not len(o.result)]
    lines = []
    if empty:
        lines.append(
            f"No keypoints in at least one image with {', '.join(empty)}: it may be flat, very "
            "small or out of focus."
        )
    if unmatched:
        lines.append(
            f"No matches with {', '.join(unmatched)}: do both images show the same? A higher "
            "ratio and more keypoints let more through."
        )
    return " ".join(lines)


def lacking(needs: Mapping[str, str]) -> str:
    """Providers that cannot be used, by what they need. Markdown."""
    names_of: dict[str, list[str]] = {}
    for name, need in needs.items():
        names_of.setdefault(need, []).append(f"`{name}`")
    lines = (f"- {', '.join(names)}: needs {need}" for need, names in names_of.items())
    return "Not available here:\n\n" + "\n".join(lines)


def caption(outcome: Outcome) -> str:
    """One line about a picture of matches, which serves as its alternative text too."""
    text = f"{outcome.provider}: {len(outcome.result)} matches"
    if outcome.n_inliers is not None:
        text += f", {outcome.n_inliers} inliers"
    return text


def table(outcomes: Sequence[Outcome]) -> str:
    """The figures, one row per provider."""
    known = any(outcome.n_correct is not None for outcome in outcomes)
    headers = ["provider", "keypoints A", "keypoints B", "matches", "inliers"]
    headers += ["correct"] * known + ["seconds"]
    head = "".join(f'<th scope="col">{header}</th>' for header in headers)
    body = "".join(_row(outcome, known) for outcome in outcomes)
    notes = []
    if known:
        notes.append(
            f"Correct: the share of the matches within {TOLERANCE:g} pixels of A of where they "
            "belong."
        )
    of_a = {outcome.result.features_a.provider for outcome in outcomes}
    if len(of_a) == 1 and of_a != {outcome.provider for outcome in outcomes}:
        notes.append(f"Keypoints of A by {escape(next(iter(of_a)))} in each row.")
    note = f'<p class="sift-note">{" ".join(notes)}</p>' if notes else ""
    return (
        '<div class="sift-scroll" tabindex="0" role="region" aria-label="Results">'
        f'<table class="sift-table"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
        f"</div>{note}"
    )


def _row(outcome: Outcome, known: bool) -> str:
    result = outcome.result
    cells = [
        str(len(result.features_a)),
        str(len(result.features_b)),
        str(len(result)),
        "n/a" if outcome.n_inliers is None else str(outcome.n_inliers),
    ]
    if known:
        share = outcome.correct_share
        cells.append("n/a" if share is None else f"{100 * share:.1f} %")
    cells.append(f"{outcome.seconds:.2f}")
    rest = "".join(f"<td>{cell}</td>" for cell in cells)
    return f'<tr><th scope="row">{escape(outcome.provider)}</th>{rest}</tr>'
