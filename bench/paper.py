"""All tables of Noor et al., filled with our figures beside the paper's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import siftcore
from bench import matching, psnr, spectrum
from bench.metrics.dog_psnr import BORDER
from bench.report import Report, Table
from bench.session import Session
from bench.small_copies import copy_images, copy_pairs
from siftcore.errors import InputError

__all__ = ["PaperData", "run"]

# What the paper calls a system (None: it has none), and the family of our provider.
_SYSTEMS: dict[str, tuple[str | None, str | None]] = {
    "original": ("original", None),
    "bicubic": ("bicubic", "bicubic"),
    "SRCNN": ("srcnn", "srcnn"),
    "SRGAN": ("srgan", "srgan"),
    "EDSR": ("edsr", "edsr"),
    "method1": ("method1", "method1"),
    "method2": ("method2", "method2"),
    "VDSR": (None, "vdsr"),
    "method3": (None, "method3"),
}
# As many as the paper takes.
_SPECTRUM_IMAGES = 100
_PAIRS = 200
# Of a quick run: VDSR costs a second for 256 x 192 pixels.
_QUICK_IMAGES = 3
_QUICK_PAIRS = 4
_QUICK_SIDE = 256
_VERIFIED = ", verified"
_CAPPED = f", verified, {matching.BUDGET} keypoints"


@dataclass(frozen=True)
class PaperData:
    """Folders that stand for the paper's data sets.

    Attributes
    ----------
    psnr : path
        High-resolution images of Tables 3 to 5.
    pairs : path
        Matching pairs of Tables 6 to 8, in a layout of `bench.pairs.collections.find_pairs`.
    spectrum : path
        Images of Table 2 and Figure 5.
    """

    psnr: Path
    pairs: Path
    spectrum: Path


def run(data: PaperData, session: Session, quick: bool, scales: Sequence[int] = (2, 4)) -> Report:
    """Table 2 and Figure 5, Tables 3 to 5, Tables 6 to 8.

    Parameters
    ----------
    data : PaperData
    session : Session
        Its cache lets an interrupted run go on where it stopped.
    quick : bool
        Few and small copies of the images instead.
    scales : sequence of int, default (2, 4)

    Returns
    -------
    Report

    Raises
    ------
    InputError
        When a folder is missing, or nothing in it could be used.
    """
    for use, folder in (
        ("Table 2", data.spectrum), ("Tables 3 to 5", data.psnr), ("Tables 6 to 8", data.pairs),
    ):  # fmt: skip
        # Before the work, which may take hours.
        if not folder.is_dir():
            raise InputError(
                f"no folder {str(folder)!r} for {use}; expected images, or pairs as "
                "docs/benchmarks/data.md describes"
            )
    settings = {
        "psnr": data.psnr.name, "pairs": data.pairs.name, "spectrum": data.spectrum.name,
        "quick": quick, "seed": session.seed,
    }  # fmt: skip
    report = Report("paper", settings)
    if not quick:
        _fill(report, data, session, scales)
        return session.finish(report)
    with TemporaryDirectory() as folder:
        _fill(report, _small(data, Path(folder), session), session, scales)
    report.notes.insert(
        0,
        f"Quick: {_QUICK_IMAGES} images and {_QUICK_PAIRS} pairs, reduced to {_QUICK_SIDE} pixels "
        "on the longer side. It shows that everything runs; the figures are not to be quoted.",
    )
    return session.finish(report)


def _small(data: PaperData, out: Path, session: Session) -> PaperData:
    size = (_QUICK_SIDE, session)
    return PaperData(
        copy_images(data.psnr, out / "psnr", _QUICK_IMAGES, *size),
        copy_pairs(data.pairs, out / "pairs", _QUICK_PAIRS, *size),
        copy_images(data.spectrum, out / "spectrum", _QUICK_IMAGES, *size),
    )


def _fill(report: Report, data: PaperData, session: Session, scales: Sequence[int]) -> None:
    found = spectrum.run(data.spectrum, session, limit=_SPECTRUM_IMAGES)
    _add_spectrum(report, found)
    report.notes.extend(found.notes)
    for scale in scales:
        providers = [
            f"{family}-x{scale}"
            for _, family in _SYSTEMS.values()
            if family is not None and _lacking(f"{family}-x{scale}") is None
        ]
        _add_psnr(report, psnr.run(data.psnr, providers, scale, session), scale, session)
        found = matching.run(data.pairs, providers, scale, session, limit=_PAIRS)
        _add_matching(report, found, scale, session)
    report.notes.append(
        f"Tables 3 to 5: peak is the range of the true DoG; a border of {BORDER} samples is "
        "left out; intervals draw images. The original is the truth and bicubic the zero. `psnr` "
        "has the other convention and absolute values."
    )
    # Of the last scale; those of the others say the same.
    report.notes.extend(f"Tables 6 to 8: {note}" for note in found.notes)
    report.notes.append(
        "The paper's figures are of its own images. `no weights`: a system that this version "
        "can train but brings no weights for."
    )


def _lacking(provider: str) -> str | None:
    """What a provider needs before it runs here."""
    if provider not in siftcore.list_providers():
        return "no such provider"
    info = siftcore.provider_info(provider)
    if info.missing is not None:
        return f"needs {info.missing}"
    return None if info.absent is None else "no weights"


def _add_spectrum(report: Report, found: Report) -> None:
    rows = found.tables[0].rows
    table = report.table(
        "Table 2: average power spectrum density, dB",
        "image",
        *(row[0] for row in rows),
    )
    for k, image in enumerate(found.tables[0].columns[1:], 1):
        table.add(image, *(row[k] for row in rows))
    report.tables.extend(found.tables[1:])


def _add_psnr(report: Report, found: Report, scale: int, session: Session) -> None:
    paper = {name: psnr.paper_gains(scale, name) for name in ("CDVS", "Paris", "Oxford")}
    gains = found.tables[0]
    levels = gains.columns[1:]
    table = report.table(
        f"Tables 3 to 5: gain in DoG PSNR over bicubic enlargement, dB, x{scale}",
        "system", "level", *(f"the paper ({name})" for name in paper), "here",
    )  # fmt: skip
    here = {row[0]: dict(zip(levels, row[1:], strict=True)) for row in gains.rows}
    for label, (reported, family) in _SYSTEMS.items():
        # The original is the truth, and bicubic the zero.
        if label in ("original", "bicubic"):
            continue
        provider = f"{family}-x{scale}"
        for k, level in enumerate(levels):
            said = [None if reported is None else sets[reported][k] for sets in paper.values()]
            cell = _or_why(provider, session, lambda p=provider, d=level: here[p][d])
            table.add(label, level, *said, cell)


def _add_matching(report: Report, found: Report, scale: int, session: Session) -> None:
    paper = matching.paper_matches(scale)
    uncapped, capped, *_ = found.tables
    categories = list(dict.fromkeys(row[1] for row in uncapped.rows if row[2] is not None))
    table = report.table(
        f"Tables 6 to 8: matches of a pair, x{scale}",
        "system",
        *(f"the paper ({name})" for name in paper),
        *(f"here ({name}){what}" for name in categories for what in ("", _VERIFIED, _CAPPED)),
    )
    for label, (reported, family) in _SYSTEMS.items():
        row = matching.ORIGINAL if family is None else f"{family}-x{scale}"
        provider = "dog" if family is None else row
        cells = [
            _or_why(provider, session, lambda r=row, c=name, s=source, w=what: _cell(s, r, c, w))
            for name in categories
            for source, what in (
                (uncapped, "matches"),
                (uncapped, "verified"),
                (capped, "verified"),
            )
        ]
        table.add(label, *(sets.get(reported) for sets in paper.values()), *cells)


def _cell(table: Table, label: str, category: str, column: str) -> Any:
    at = table.columns.index(column)
    return next(row[at] for row in table.rows if row[:2] == [label, category])


def _or_why(provider: str, session: Session, cell: Callable[[], Any]) -> Any:
    """A figure, or what kept it from being measured."""
    lacking = _lacking(provider)
    if lacking is not None:
        return lacking
    if provider in session.failed:
        return f"failed: {session.failed[provider]}"
    return cell()
