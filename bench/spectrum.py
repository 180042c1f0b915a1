"""Power spectra of images and of their DoGs: Table 2 and Figure 5 of Noor et al.

And beyond the paper: at which frequencies the D1 of a super-resolving provider is right.
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
from bench.metrics.spectra import (
    decibels,
    power_spectrum,
    radial_average,
    radial_frequencies,
)
from bench.paper_figures import paper_figures
from bench.report import Report
from bench.session import Session
from bench.store import digest
from dognets.data.images import read_grey
from siftcore.errors import ParameterError
from siftcore.scalespace.protocol import ScaleSpaceProvider

__all__ = ["run"]

N_BINS = 40
PLANES = ("original", *DOGS)
_CODE = (
    "siftcore", "dognets", "bench.spectrum", "bench.dog_levels", "bench.images",
    "bench.metrics.spectra",
)  # fmt: skip
Arrays = dict[str, NDArray[Any]]


def run(
    data: Path,
    session: Session,
    limit: int | None = None,
    providers: Sequence[str] = (),
    scale: int = 2,
) -> Report:
    """Average power, and power by frequency, of images and of D1 to D4.

    The paper does not define the unit of its Table 2. Here it is the mean over all frequencies of
    ``10 log10 |DFT|^2``, intensities in [0, 255], without a window and without dividing by the
    number of samples: the definition that came closest, of those tried. Figure 5 is the radial
    mean of Hann-windowed periodograms in dB, relative to the lowest ring of the original.

    Parameters
    ----------
    data : path
        Folder of high-resolution images.
    session : Session
    limit : int, optional
        So many images only.
    providers : sequence of str, optional
        Whose levels, of the image reduced by `scale`, are compared with the true ones.
    scale : {2, 4}, default 2

    Raises
    ------
    InputError
        When the scale is another, or no image could be used.
    """
    if scale not in (2, 4):
        raise ParameterError("scale", scale, "2 or 4")
    make = cache(provider_of)
    images: list[Arrays] = []
    found: dict[str, list[Arrays]] = {name: [] for name in providers}
    for grey in read_images(data, read_grey, session, limit):
        images.append(_spectra_of(grey, session, make))
        score = _comparison(cropped(grey, scale), scale, session, make)
        for name in found:
            compared = session.attempt(name, lambda n=name, s=score: s(n))
            if compared is not None:
                found[name].append(compared)
    settings: dict[str, Any] = {"data": data.name, "images": len(images), "seed": session.seed}
    report = Report("spectrum", settings | ({"scale": scale} if providers else {}))
    _fill_averages(report, images, session)
    _fill_radial(report, images, session)
    if providers:
        _fill_providers(report, found, scale, session)
    return session.finish(report)


def _spectra_of(
    grey: NDArray[np.uint8], session: Session, make: Callable[[str], ScaleSpaceProvider]
) -> Arrays:
    """Averages (2, planes) and rings (2, planes, bins), in dB, of one image."""

    def compute() -> Arrays:
        levels = 255.0 * paper_levels(make("dog"), grey / np.float32(255.0), grey.shape)
        exact = [grey, *np.diff(levels, axis=0)]
        rounded = [grey, *np.diff(np.rint(levels), axis=0)]
        averages = [[_table_2(plane) for plane in planes] for planes in (exact, rounded)]
        rings = [
            [decibels(radial_average(power_spectrum(p, window=w), N_BINS)) for p in exact]
            for w in (True, False)
        ]
        return {"averages": np.array(averages), "rings": np.array(rings)}

    about = {"image": digest(grey), "bins": N_BINS}
    return session.store.get("spectra", about, compute, _CODE)


def _table_2(plane: NDArray[Any]) -> float:
    return float(decibels(power_spectrum(plane) * plane.size).mean())


def _comparison(
    grey: NDArray[np.uint8],
    scale: int,
    session: Session,
    make: Callable[[str], ScaleSpaceProvider],
) -> Callable[[str], Arrays]:
    """A function that compares a provider's DoGs of one image with the true ones, in dB."""
    low = reduced_image(grey, scale)
    image = digest(grey)

    @cache
    def truth() -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        levels = paper_levels(make("dog"), grey / np.float32(255.0), grey.shape)
        dogs = np.diff(levels, axis=0)
        return dogs, _rings(dogs)

    def compute(name: str) -> Arrays:
        dogs = np.diff(paper_levels(make(name), low, grey.shape), axis=0)
        true, true_rings = truth()
        power, error = _rings(dogs), _rings(dogs - true)
        return {
            "power": power - true_rings,
            "error": error - true_rings,
            "total error": decibels(_energy(dogs - true)) - decibels(_energy(true)),
        }

    def compare(name: str) -> Arrays:
        about = provider_identity(name) | {"image": image, "scale": scale, "bins": N_BINS}
        return session.store.get("provider-spectra", about, lambda: compute(name), _CODE)

    return compare


def _rings(dogs: NDArray[np.float32]) -> NDArray[np.float64]:
    rings = [radial_average(power_spectrum(dog, window=True), N_BINS) for dog in dogs]
    return decibels(np.stack(rings))


def _energy(dogs: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.array([power_spectrum(dog, window=True).mean() for dog in dogs])


def _fill_averages(report: Report, images: Sequence[Arrays], session: Session) -> None:
    averages = np.stack([image["averages"] for image in images])
    table = report.table("Average power spectrum density, dB (Table 2)", "images", *PLANES)
    for row, name in enumerate(("measured here", "measured here; levels rounded to 8 bits")):
        values = averages[:, row].T
        table.add(name, *(bootstrap_mean(v, seed=session.seed) for v in values))
    for dataset, said in paper_figures("power_spectrum_table_2").items():
        table.add(f"{dataset}, as the paper reports it", *(said[plane] for plane in PLANES))
    report.notes.append(
        "Table 2: the paper does not define its unit. Ours is the mean over all frequencies of "
        "10 log10 |DFT|^2, intensities in [0, 255], no window, not divided by the number of "
        "samples; so an image with four times the pixels has 6 dB more. It comes closest to the "
        "paper of those tried; the others divide by the number of samples, use a Hann window, take "
        "the logarithm of the mean power, or average over rings. The second row takes differences "
        "of levels that were rounded to whole grey values. Most frequencies of a DoG hold next to "
        "nothing, so their mean in dB is of border leakage or rounding noise more than of the "
        "image. The paper's images are others."
    )


def _fill_radial(report: Report, images: Sequence[Arrays], session: Session) -> None:
    rings = np.stack([image["rings"] for image in images])
    windowed, plain = rings[:, 0], rings[:, 1]
    # A small image may have no frequency in the lowest ring.
    first = np.isfinite(windowed[:, 0]).argmax(axis=1)
    reference = windowed[np.arange(len(windowed)), 0, first]
    table = report.table(
        "Radially averaged power spectrum, dB, relative to the lowest frequency of the original "
        "(Figure 5)",
        "cycles per pixel",
        *PLANES,
    )
    relative = windowed - reference[:, None, None]
    for k, frequency in enumerate(radial_frequencies(N_BINS)):
        values = relative[:, :, k].T
        table.add(frequency, *(bootstrap_mean(v, seed=session.seed) for v in values))
    window_top, plain_top = (
        f"{np.nanmean(found[:, -1, -1] - reference):.0f} dB" for found in (windowed, plain)
    )
    report.notes.append(
        "Figure 5: Hann window, mean removed, rings in cycles per pixel, means over images of dB. "
        "Without a window, the steps between opposite borders leak into all frequencies and hide "
        f"how fast a DoG falls: in the highest ring D4 then has {plain_top}, with it {window_top}. "
        "That is no signal either, but the rounding of single precision: a Gaussian falls further."
    )


def _fill_providers(
    report: Report, found: dict[str, list[Arrays]], scale: int, session: Session
) -> None:
    names = [name for name in found if name not in session.failed]
    table = report.table(
        f"Power of the error of each DoG relative to the true DoG's, dB, x{scale}",
        "provider",
        *DOGS,
    )
    for name, rows in found.items():
        if name in session.failed:
            table.add_failed(name, session.failed[name])
            continue
        total = np.stack([row["total error"] for row in rows])
        table.add(name, *(bootstrap_mean(v, seed=session.seed) for v in total.T))
    titles = {
        "power": f"Power of D1 relative to the true D1, dB, x{scale}",
        "error": f"Power of the error of D1 relative to the true D1, dB, x{scale}",
    }
    for kind, title in titles.items():
        if not names:
            break
        table = report.table(title, "cycles per pixel", *names)
        values = {name: np.stack([row[kind][0] for row in found[name]]) for name in names}
        for k, frequency in enumerate(radial_frequencies(N_BINS)):
            table.add(
                frequency,
                *(bootstrap_mean(values[name][:, k], seed=session.seed) for name in names),
            )
    report.notes.append(
        f"Providers see the image reduced by {scale}, whose own frequencies end at "
        f"{0.5 / scale:g} cycles per pixel. Power near 0 dB says how much comes back; an error "
        "below 0 dB, that it is right: an error of 0 dB is that of predicting nothing."
    )
