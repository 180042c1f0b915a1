"""PSNR of DoG images, level by level: Tables 3 to 5 of Noor et al., for any provider.

The truth is what `dog` makes of the high-resolution image itself. Images are taken as benchmarks
of super-resolution take them: luminance in 16..235, reduced bicubically, rounded to 8 bits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.dog_levels import DOGS, paper_levels
from bench.extractors.providers import provider_identity, provider_of
from bench.images import cropped, read_images, reduced_image
from bench.intervals import bootstrap_mean
from bench.metrics.dog_psnr import BORDER, dog_psnr, pixel_psnr
from bench.paper_figures import paper_figures
from bench.report import Report
from bench.session import Session
from bench.store import digest
from dognets.data.images import read_luminance
from siftcore.errors import ParameterError, ProviderError
from siftcore.scalespace.protocol import ScaleSpaceProvider
from siftcore.scalespace.superres import PixelSR

__all__ = ["paper_gains", "paper_psnr", "run"]

_PAPER = "dog_psnr_db_tables_3_4_5"
_CODE = (
    "siftcore", "dognets", "bench.psnr", "bench.dog_levels", "bench.images",
    "bench.metrics.dog_psnr",
)  # fmt: skip
Arrays = dict[str, NDArray[Any]]


def run(
    data: Path,
    providers: Sequence[str],
    scale: int,
    session: Session,
    limit: int | None = None,
) -> Report:
    """Gains over bicubic enlargement, PSNR of D1 to D4 in two conventions, and of the image.

    Parameters
    ----------
    data : path
        Folder of high-resolution images.
    providers : sequence of str
        That enlarge by `scale`; ``NAME@RUN`` takes the weights of a training run. Bicubic
        enlargement is always measured too.
    scale : {2, 4}
    session : Session
    limit : int, optional
        So many images only.

    Raises
    ------
    InputError
        When the scale is another, or no image could be used.
    ProviderError
        When bicubic enlargement itself fails: without it there are no gains.
    """
    if scale not in (2, 4):
        raise ParameterError("scale", scale, "2 or 4")
    bicubic = f"bicubic-x{scale}"
    names = list(dict.fromkeys((bicubic, *providers)))
    rows: dict[str, list[Arrays]] = {name: [] for name in names}
    make = cache(provider_of)
    for high in read_images(data, read_luminance, session, limit):
        score = _scorer(cropped(high, scale), scale, session, make)
        for name in names:
            found = session.attempt(name, lambda n=name, s=score: s(n))
            if found is not None:
                rows[name].append(found)
    if bicubic in session.failed:
        raise ProviderError(f"{bicubic!r} failed: {session.failed[bicubic]}")
    settings = {"data": data.name, "images": len(rows[bicubic]), "scale": scale}
    report = Report("psnr", settings | {"border": BORDER, "seed": session.seed})
    _fill_dogs(report, rows, scale, session)
    _fill_paper(report, scale)
    _fill_pixels(report, rows, scale, session)
    return session.finish(report)


def _scorer(
    high: NDArray[np.float32],
    scale: int,
    session: Session,
    make: Callable[[str], ScaleSpaceProvider],
) -> Callable[[str], Arrays]:
    """A function that scores the provider of a name on one image, from the cache where it is."""
    low = reduced_image(high, scale)
    image = digest(high)

    @cache
    def true_dogs() -> NDArray[np.float32]:
        levels = paper_levels(make("dog"), high / np.float32(255.0), high.shape)
        return np.diff(levels, axis=0)

    def compute(name: str) -> Arrays:
        provider = make(name)
        dogs = np.diff(paper_levels(provider, low, high.shape), axis=0)
        pixels = np.nan
        if isinstance(provider, PixelSR):
            pixels = pixel_psnr(np.float32(255.0) * provider.enlarge(low), high, scale)
        return {"dogs": dog_psnr(dogs, true_dogs()), "pixels": np.array(pixels)}

    def score(name: str) -> Arrays:
        about = provider_identity(name) | {"image": image, "scale": scale, "border": BORDER}
        return session.store.get("psnr", about, lambda: compute(name), _CODE)

    return score


def _fill_dogs(report: Report, rows: dict[str, list[Arrays]], scale: int, session: Session) -> None:
    # (images, conventions, levels)
    scores = {
        name: np.stack([row["dogs"] for row in found])
        for name, found in rows.items()
        if name not in session.failed
    }
    bicubic = scores[f"bicubic-x{scale}"]
    gains = {name: found[:, 0] - bicubic[:, 0] for name, found in scores.items()}
    del gains[f"bicubic-x{scale}"]
    tables = {
        f"Gain in DoG PSNR over bicubic enlargement, dB, x{scale}": gains,
        f"DoG PSNR, dB, x{scale}; peak: range of the true DoG": {
            name: found[:, 0] for name, found in scores.items()
        },
        f"DoG PSNR, dB, x{scale}; each DoG image scaled by its own range": {
            name: found[:, 1] for name, found in scores.items()
        },
    }
    for title, values in tables.items():
        table = report.table(title, "provider", *DOGS)
        for name in rows:
            if name in session.failed:
                table.add_failed(name, session.failed[name])
            elif name in values:
                table.add(name, *(bootstrap_mean(v, seed=session.seed) for v in values[name].T))
    report.notes.append(
        "Means over images with 95 % bootstrap intervals, images drawn. D1 is the finest level; "
        f"a border of {BORDER} samples is left out. Gains are of the first convention, image by "
        "image. The second hinges on the two extreme samples of each DoG image."
    )


def _fill_paper(report: Report, scale: int) -> None:
    said = {dataset: paper_psnr(scale, dataset) for dataset in paper_figures(_PAPER)}
    gains = report.table(
        f"Gain over its own bicubic that the paper reports, dB, x{scale}",
        "method", "data set", *DOGS,
    )  # fmt: skip
    absolute = report.table(
        f"DoG PSNR that the paper reports, dB, x{scale}", "method", "data set", *DOGS
    )
    for dataset, methods in said.items():
        for method, values in paper_gains(scale, dataset).items():
            gains.add(method, dataset, *values)
        for method, values in methods.items():
            absolute.add(method, dataset, *values)
    report.notes.append(
        "The paper's figures (Noor et al., Tables 3 to 5) are of other images, in a convention "
        "that it does not state. Compare gains, not absolute values."
    )


def _fill_pixels(
    report: Report, rows: dict[str, list[Arrays]], scale: int, session: Session
) -> None:
    table = report.table(
        f"PSNR of the image, dB, x{scale}", "provider", "PSNR", "gain over bicubic"
    )
    bicubic = np.array([row["pixels"] for row in rows[f"bicubic-x{scale}"]])
    for name, found in rows.items():
        if name in session.failed:
            table.add_failed(name, session.failed[name])
            continue
        scores = np.array([row["pixels"] for row in found])
        if np.isfinite(scores).any():
            gain = bootstrap_mean(scores - bicubic, seed=session.seed)
            is_bicubic = name == f"bicubic-x{scale}"
            table.add(name, bootstrap_mean(scores, seed=session.seed), None if is_bicubic else gain)
    report.notes.append(
        "PSNR of the image: luminance in 16..235 in floating point, reduced with Pillow's BICUBIC, "
        "rounded to 8 bits, enlarged in floating point, the result rounded, a border of "
        f"{scale} pixels left out, peak 255. Providers that predict no image have no row."
    )


def paper_psnr(scale: int, dataset: str = "CDVS") -> dict[str, list[float]]:
    """PSNR that Noor et al. report (Tables 3 to 5) for each method, D1 to D4, in dB.

    Parameters
    ----------
    scale : {2, 4}
    dataset : {"CDVS", "Paris", "Oxford"}
    """
    levels = paper_figures(_PAPER)[dataset][f"x{scale}"]
    return {method: [levels[dog][method] for dog in DOGS] for method in levels[DOGS[0]]}


def paper_gains(scale: int, dataset: str = "CDVS") -> dict[str, list[float]]:
    """Gains of each method over bicubic in `paper_psnr`, D1 to D4, in dB."""
    said = paper_psnr(scale, dataset)
    bicubic = said.pop("bicubic")
    return {
        method: [round(value - base, 2) for value, base in zip(values, bicubic, strict=True)]
        for method, values in said.items()
    }
