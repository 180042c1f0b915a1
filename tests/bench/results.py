"""A small set of results as the benchmarks write them, for the page that shows them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.intervals import Estimate
from bench.report import Report

__all__ = ["write_results"]

_RECALL = {2: {"bicubic": 0.63, "method3": 0.79}, 4: {"bicubic": 0.30, "method3": 0.44}}
_GAINS = {2: [6.6, 9.2, 12.0, 12.3], 4: [2.7, 3.6, 4.9, 6.6]}


def _estimate(mean: float) -> Estimate:
    return Estimate(mean, 0.9 * mean, 1.1 * mean, 40)


def write_results(folder: Path) -> Path:
    """Results of preservation and psnr at x2 and x4, of cost and of spectrum."""
    folder.mkdir(exist_ok=True)
    for scale in (2, 4):
        _preservation(scale).write_json(folder / f"preservation-x{scale}.json")
        _psnr(scale).write_json(folder / f"psnr-x{scale}.json")
    _cost().write_json(folder / "cost.json")
    _spectrum().write_json(folder / "spectrum.json")
    return folder


def _preservation(scale: int) -> Report:
    report = Report("preservation", {"data": "pairs", "scale": scale})
    report.notes.append("Means of 40 pairs.")
    for budget, factor in ((500, 0.5), (1000, 1.0)):
        table = report.table(
            f"Low-resolution query, x{scale}, clean, {budget} keypoints",
            "query", "recall of high-resolution keypoints", "correct matches", "AUC@3", "AUC@5",
        )  # fmt: skip
        table.add("high resolution", 1.0, _estimate(236.0), _estimate(0.45), _estimate(0.57))
        table.add("dog", _estimate(0.38 * factor), 112.5, _estimate(0.4 / scale), 0.3)
        for name, recall in _RECALL[scale].items():
            recall *= factor
            area = _estimate(0.3 + 0.1 * recall)
            matches = _estimate(250.0 * recall)
            table.add(f"{name}-x{scale}", _estimate(recall), matches, area, area)
    return report


def _psnr(scale: int) -> Report:
    report = Report("psnr", {"data": "images", "scale": scale})
    title = f"Gain in DoG PSNR over bicubic enlargement, dB, x{scale}"
    table = report.table(title, "provider", "D1", "D2", "D3", "D4")
    table.add(f"method3-x{scale}", *map(_estimate, _GAINS[scale]))
    table.add("method2, as its paper reports it (CDVS)", 3.1, 2.85, 3.25, 2.83)
    report.failed[f"edsr-x{scale}"] = "ProviderError: no weights"
    table.add_failed(f"edsr-x{scale}", report.failed[f"edsr-x{scale}"])
    return report


def _cost() -> Report:
    report = Report("cost", {"size": "320x240", "runs": 5}, command="python -m bench cost")
    table = report.table(
        "Cost of a provider", "provider", "parameters", "multiply-adds a pixel", "features, s"
    )
    table.add("dog", None, None, 0.035)
    for scale, seconds in ((2, 0.3), (4, 0.6)):
        table.add(f"bicubic-x{scale}", None, None, 0.1 * scale)
        table.add(f"method3-x{scale}", 131_416, 130_740, seconds)
    return report


def _spectrum() -> Report:
    report = Report("spectrum", {"data": "images"})
    table = report.table("Radially averaged spectrum, dB", "cycles per pixel", "original", "D1")
    for frequency in np.linspace(0.01, 0.5, 30):
        table.add(frequency, -20.0 * np.log10(frequency), -60.0 * frequency)
    return report
