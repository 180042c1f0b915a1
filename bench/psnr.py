"""PSNR of DoG images, level by level: Tables 3 to 5 of Noor et al., for any provider.

Levels are asked of the providers through their public interface, on the paper's ladder and on the
high-resolution grid; the truth is what `dog` makes of the high-resolution image itself. So nothing
here knows what a provider does inside.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import siftcore
from bench.report import Report, Table
from dognets.data.degradation import to_8_bits
from dognets.data.images import SUFFIXES, read_luminance, reduce_bicubic
from siftcore.errors import InputError
from siftcore.params import ScaleSpaceParams
from siftcore.scalespace.protocol import ScaleSpaceProvider

__all__ = ["dog_psnr", "paper_gains", "run"]

BORDER = 16
PAPER = Path(__file__).parent / "paper_tables.json"
ON_PAPER_LADDER = ScaleSpaceParams(ladder="paper", first_octave=0, n_octaves=1)


def run(data: Path, providers: Sequence[str], scale: int) -> Report:
    """Gains over bicubic enlargement, and PSNR in two conventions."""
    names = [f"bicubic-x{scale}", *(n for n in providers if n != f"bicubic-x{scale}")]
    made = {name: siftcore.get_provider(name) for name in names}
    truth = siftcore.get_provider("dog")
    rows: dict[str, list[NDArray[np.float64]]] = {name: [] for name in names}
    for high in _images(data):
        height, width = (n // scale * scale for n in high.shape)
        high = high[:height, :width]
        low = _reduced(high, scale)
        true = _dogs(truth, high / 255.0, high.shape)
        for name, provider in made.items():
            found = _dogs(provider, low, high.shape)
            rows[name].append(dog_psnr(found, true))
    means = {name: np.mean(values, axis=0) for name, values in rows.items()}
    settings = {"data": data.name, "images": len(rows[names[0]]), "scale": scale}
    report = Report("psnr", settings | {"border": BORDER})
    _fill_gains(report, means, names, scale)
    titles = ("peak: range of the true DoG", "each DoG image scaled by its own range")
    for convention, title in enumerate(titles):
        table = _table(report, f"DoG PSNR, dB, x{scale}; {title}")
        for name in names:
            table.add(name, *means[name][convention])
    return report


def _fill_gains(
    report: Report, means: dict[str, NDArray[np.float64]], names: list[str], scale: int
) -> None:
    table = _table(report, f"Gain in DoG PSNR over bicubic enlargement, dB, x{scale}")
    for name in names[1:]:
        table.add(name, *(means[name] - means[names[0]])[0])
    for method, gains in paper_gains(scale).items():
        table.add(f"{method}, as its paper reports it (CDVS)", *gains)
    report.notes.append(
        "Gains are of the first convention, the range of the true DoG as peak; the paper does not "
        "say which it took, and its images are others. D1 is the finest level."
    )


def _table(report: Report, title: str) -> Table:
    return report.table(title, "provider", "D1", "D2", "D3", "D4")


def paper_gains(scale: int, dataset: str = "CDVS") -> dict[str, list[float]]:
    """What Noor et al. report: gains of each method over their bicubic, D1 to D4, in dB."""
    tables: dict[str, Any] = json.loads(PAPER.read_text())["dog_psnr_db_tables_3_4_5"]
    levels = tables[dataset][f"x{scale}"]
    methods = [name for name in levels["D1"] if name != "bicubic"]
    return {
        method: [round(level[method] - level["bicubic"], 2) for level in levels.values()]
        for method in methods
    }


def dog_psnr(found: NDArray[np.float32], true: NDArray[np.float32]) -> NDArray[np.float64]:
    """PSNR of each level in both conventions: (2, levels), in dB.

    Parameters
    ----------
    found, true : ndarray, (levels, H, W)
    """
    inside = (slice(None), *(slice(BORDER, -BORDER),) * 2)
    f, t = found[inside].astype(np.float64), true[inside].astype(np.float64)
    peak = np.ptp(t, axis=(1, 2))
    by_truth = 10.0 * np.log10(peak**2 / np.maximum(((f - t) ** 2).mean(axis=(1, 2)), 1e-20))
    scaled = ((_unit(f) - _unit(t)) ** 2).mean(axis=(1, 2))
    return np.stack([by_truth, -10.0 * np.log10(np.maximum(scaled, 1e-20))])


def _unit(dogs: NDArray[np.float64]) -> NDArray[np.float64]:
    low = dogs.min(axis=(1, 2), keepdims=True)
    return (dogs - low) / np.maximum(dogs.max(axis=(1, 2), keepdims=True) - low, 1e-12)


def _dogs(
    provider: ScaleSpaceProvider, image: NDArray[np.float32], shape: tuple[int, ...]
) -> NDArray[np.float32]:
    image = np.ascontiguousarray(image, np.float32)
    octave = next(iter(provider.build(image, ON_PAPER_LADDER)), None)
    if octave is None or octave.gaussians.shape != (5, *shape):
        raise InputError(
            f"provider {provider.name!r} gives no five levels of {shape[1]} x {shape[0]} samples "
            "on the paper's ladder"
        )
    return np.diff(octave.gaussians, axis=0)


def _images(folder: Path) -> Iterator[NDArray[np.float32]]:
    """Luminance of each image, not rounded: 16 to 235, as super-resolution benchmarks take it."""
    found = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES)
    if not found:
        raise InputError(f"no image in {str(folder)!r}")
    return map(read_luminance, found)


def _reduced(high: NDArray[np.float32], scale: int) -> NDArray[np.float32]:
    """Antialiased bicubic reduction, rounded to 8 bits, in [0, 1]."""
    return to_8_bits(reduce_bicubic(high, scale)).astype(np.float32) / np.float32(255.0)
