"""``docs/results.md``, written from the results in ``bench/results``: ``make bench-docs``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.bars import BARS, Verdict, judge, read_bars
from bench.report import Table
from bench.result_files import Result, read_results
from bench.weights_table import weights_table
from siftcore.errors import InputError
from siftcore.io.atomic import atomic_write

__all__ = ["write"]

# In the order of the page; those that are not named here come behind them.
_HEADINGS = {
    "conformance": "Conformance",
    "speed": "Speed",
    "startup": "Start-up",
    "batches": "Batches",
    "demo": "Demo",
    "psnr": "DoG PSNR",
    "spectrum": "Power spectra",
    "preservation": "Preservation",
    "matching": "Matching",
    "repeatability": "Repeatability",
    "warps": "Synthetic warps",
    "localisation": "Localisation",
    "retrieval": "Retrieval",
    "cost": "Cost",
    "runtimes": "Runtimes of the networks",
    "soak": "Memory over thousands of extractions",
    "ablations": "Ablations",
    "paper": "Tables of the paper",
}

_HEAD = """\
<!-- Written by `make bench-docs`. Do not edit: change bench/results_page.py or docs/results/. -->

# Results

`make bench-docs` runs the benchmarks and writes this page; `make bench-page` writes it from the
results that are there, `bench/results/*.json`. Nothing in it is entered by hand."""

_FALLS_SHORT = """\
## Where it falls short

What is asked is in `bench/bars.json`, with whose figure it is. Below is every bar that the results
miss; [known limits](results/limits.md) says why, and what no table shows."""

_WEIGHTS_NOTE = """\
`dognets weights` lists them too. Gains, D1 to D4, are on the validation images that are kept back
from training. A test holds published VDSR, through this code, to its published PSNR on Set5
(`python -m pytest tests/dognets/test_published.py`)."""


def write(results: Path, out: Path, bars: Path = BARS) -> None:
    """Write the page: the same results give the same bytes.

    Parameters
    ----------
    results : path
        Folder of what ``--json`` wrote.
    out : path
        The Markdown file.
    bars : path, optional

    Raises
    ------
    InputError
        When there are no results, or one of them is damaged.
    """
    found = read_results(results)
    if not found:
        raise InputError(f"no result (*.json) in {str(results)!r}; run `make bench-docs` first")
    verdicts = judge(read_bars(bars), found)
    common = _common_environment(found)
    parts = [_HEAD]
    parts.append(
        "Machine and versions are those of each benchmark: they differ."
        if common is None
        else _machine(common)
    )
    parts += _falls_short(verdicts)
    parts += _met(verdicts)
    for stem, result in sorted(found.items(), key=_order):
        parts += _section(stem, result, common is None)
    parts += ["## Weights", weights_table().markdown(), _WEIGHTS_NOTE]
    with atomic_write(out) as temporary:
        temporary.write_text("\n\n".join(parts) + "\n", "utf-8")


def _common_environment(results: Mapping[str, Result]) -> dict[str, Any] | None:
    first, *others = (result.environment for result in results.values())
    return first if all(other == first for other in others) else None


def _machine(environment: Mapping[str, Any]) -> str:
    versions = ", ".join(f"{name} {number}" for name, number in environment["versions"].items())
    return (
        f"Machine: {environment['machine']}, {environment['cores']} cores, "
        f"{environment['system']}, Python {environment['python']}. {versions}."
    )


def _order(item: tuple[str, Result]) -> tuple[int, str]:
    stem, result = item
    names = [*_HEADINGS, result.report.name]
    return (names.index(result.report.name), stem)


def _falls_short(verdicts: Sequence[Verdict]) -> Iterator[str]:
    yield _FALLS_SHORT
    missed = [verdict for verdict in verdicts if verdict.met is False]
    yield _bars_table("Asked and not reached", missed) if missed else "No bar is missed."
    reasons: dict[tuple[str, str], list[str]] = {}
    for verdict in verdicts:
        if verdict.met is None:
            columns = reasons.setdefault((verdict.bar.what, verdict.reason), [])
            if f"`{verdict.bar.column}`" not in columns:
                columns.append(f"`{verdict.bar.column}`")
    if reasons:
        yield "### Asked and not measured"
        yield "\n".join(
            f"- {what}: {', '.join(columns)} not measured, because {reason}."
            for (what, reason), columns in reasons.items()
        )


def _met(verdicts: Sequence[Verdict]) -> Iterator[str]:
    met = [verdict for verdict in verdicts if verdict.met]
    yield f"## Bars that are reached\n\n{len(met)} of {len(verdicts)}."
    if met:
        yield _bars_table("Asked and reached", met)


def _bars_table(title: str, verdicts: Sequence[Verdict]) -> str:
    table = Table(title, ["what", "row", "column", "asked", "measured", "whose figure is asked"])
    for verdict in verdicts:
        bar = verdict.bar
        assert verdict.asked is not None
        asked = f"{verdict.asked:.4g}" if verdict.asked < 100 else f"{verdict.asked:.0f}"
        table.add(
            bar.what, verdict.row, bar.column, f"{bar.relation} {asked}", verdict.measured,
            bar.source,
        )  # fmt: skip
    return table.markdown()


def _section(stem: str, result: Result, own_environment: bool) -> Iterator[str]:
    report = result.report
    scale = report.settings.get("scale")
    heading = _HEADINGS.get(report.name, report.name)
    yield f"## {heading}" + (f", x{scale}" if scale else "")
    command = report.command or f"python -m bench {report.name}"
    yield f"`{command}`: `bench/results/{stem}.json`."
    for table in report.tables:
        yield table.markdown()
    yield from report.notes
    for what, found in (("Skipped", report.skipped), ("Failed", report.failed)):
        if found:
            yield "\n".join([f"{what}:", "", *(f"- {name}: {why}" for name, why in found.items())])
    settings = ", ".join(f"{key} {_plain(value)}" for key, value in report.settings.items())
    if settings:
        yield f"Settings: {settings}."
    if own_environment:
        yield _machine(result.environment)


def _plain(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
