"""Batches: images a second, what one image costs, and how long its features are."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numba
import numpy as np
from PIL import Image

import siftcore
from bench.photographs import colour_photographs
from bench.report import Report
from bench.speed import parse_sizes
from siftcore.batch.images import NamedImage, find_images
from siftcore.batch.jobs import Job, usable_cores
from siftcore.batch.run import extract_batch
from siftcore.errors import ParameterError
from siftcore.io.hdf5 import write_features

__all__ = ["PARTS", "RATES", "parse_work", "run"]

# Titles, by which other pages find the tables.
PARTS = "One image on one core"
RATES = "Images a second of a batch"

_JPEG_QUALITY = 90
# Of each worker: its first image compiles or loads kernels.
_WARM = 2


def parse_work(text: str) -> list[tuple[str, int, int]]:
    """``PROVIDER:WxH`` with commas between, as (provider, width, height)."""
    work = []
    for item in text.split(","):
        provider, _, size = item.strip().partition(":")
        ((width, height),) = parse_sizes(size)
        work.append((provider, width, height))
    return work


def run(
    work: Sequence[tuple[str, int, int]],
    images: int,
    workers: Sequence[int],
    paths: Sequence[Path],
    runs: int = 5,
) -> Report:
    """Measure a batch of each kind.

    Parameters
    ----------
    work : sequence of (str, int, int)
        Provider, width and height.
    images : int
        Of the batches of each worker.
    workers : sequence of int
        Numbers of processes, at most one a core; each computes on one thread.
    paths : sequence of path
        Photographs; empty for those of scikit-image.
    runs : int, default 5
        Batches of each kind and number of workers, interleaved; the medians are given.
    """
    for count in workers:
        if not 1 <= count <= usable_cores():
            raise ParameterError("--workers", count, f"between 1 and {usable_cores()}, the cores")
    report = Report(
        "batches", {"images a worker": images, "runs": runs, "JPEG quality": _JPEG_QUALITY}
    )
    parts = report.table(
        PARTS, "provider", "size", "decode ms", "extract ms", "write ms", "keypoints",
        "JPEG bytes", "feature bytes",
    )  # fmt: skip
    rates = report.table(
        RATES, "provider", "size", "workers", "images", "images/s", "images/s a core",
        "assembly ms an image",
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder, _one_thread():
        photos_of = {}
        for provider, width, height in work:
            size = f"{width}x{height}"
            photos = _write_photographs(Path(folder, provider, size), width, height, paths)
            parts.add(provider, size, *_parts_of_one(provider, photos, Path(folder)))
            photos_of |= {(provider, size, count): photos for count in workers}
        found: dict[tuple[str, str, int], list[tuple[float, float]]] = {
            key: [] for key in photos_of
        }
        for _ in range(runs):
            for (provider, size, count), photos in photos_of.items():
                given = _repeated(photos, images * count)
                found[provider, size, count].append(_batch(provider, given, count, Path(folder)))
        for (provider, size, count), measured in found.items():
            rate, assembly = (float(figure) for figure in np.median(measured, axis=0))
            total = images * count
            rates.add(provider, size, count, total, rate, rate / count, 1e3 * assembly)
    report.notes.append(
        "Colour photographs as JPEG in the page cache; a process computes on one thread. Decoding "
        "is reading the file into a grey float image. Writing is that of a segment, flushed to the "
        "disk. A batch counts from when all workers are warm to its last image; assembly, of the "
        "segments into one file, comes after. Medians of interleaved runs."
    )
    return report


def _write_photographs(
    folder: Path, width: int, height: int, paths: Sequence[Path]
) -> list[NamedImage]:
    folder.mkdir(parents=True, exist_ok=True)
    for name, pixels in colour_photographs(paths, width, height):
        Image.fromarray(pixels).save(folder / f"{name}.jpg", quality=_JPEG_QUALITY)
    return find_images([folder])


def _repeated(photos: list[NamedImage], count: int) -> list[NamedImage]:
    return [NamedImage(f"{i}.jpg", photos[i % len(photos)].path) for i in range(count)]


def _parts_of_one(provider_name: str, photos: list[NamedImage], folder: Path) -> list[float]:
    """Means over photographs of medians over rounds."""
    provider = siftcore.get_provider(provider_name, device="cpu")
    rows = []
    for name, path in photos:
        grey = siftcore.load_image(path)
        features = siftcore.extract(grey, provider)
        segment = folder / "segment.h5"
        named = [(f"{i}/{name}", features) for i in range(8)]
        rows.append(
            [
                _median_ms(partial(siftcore.load_image, path)),
                _median_ms(partial(siftcore.extract, grey, provider)),
                _median_ms(partial(write_features, segment, named)) / len(named),
                float(len(features)),
                float(os.path.getsize(path)),
                os.path.getsize(segment) / len(named),
            ]
        )
    return [float(mean) for mean in np.mean(rows, axis=0)]


def _median_ms(program: Callable[[], Any], rounds: int = 5) -> float:
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        program()
        times.append(1e3 * (time.perf_counter() - start))
    return statistics.median(times)


def _batch(
    provider: str, images: list[NamedImage], workers: int, folder: Path
) -> tuple[float, float]:
    """Images a second, and seconds of assembly an image."""
    times: list[float] = []
    extract_batch(
        images,
        folder / "features.h5",
        Job(provider, "cpu"),
        workers=workers,
        on_image=lambda name: times.append(time.perf_counter()),
    )
    ended = time.perf_counter()
    first = _WARM * workers
    return (len(times) - 1 - first) / (times[-1] - times[first]), (ended - times[-1]) / len(times)


@contextmanager
def _one_thread() -> Iterator[None]:
    """One thread in this process; worker processes share out the cores among them."""
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    if find_spec("torch"):
        import torch

        torch_before = torch.get_num_threads()
        torch.set_num_threads(1)
    try:
        yield
    finally:
        numba.set_num_threads(before)
        if find_spec("torch"):
            torch.set_num_threads(torch_before)
