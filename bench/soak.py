"""Thousands of extractions in one process: whether resident memory stays level."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage import data

from bench.extractors.providers import provider_of
from bench.memory_use import MemoryUse, memory_use, resident
from bench.report import Report
from siftcore.errors import InputError, ParameterError

__all__ = ["LARGEST_SLOPE", "SIZES", "Line", "fitted_line", "run"]

# KiB an extraction. What is lost at every call, if only a keypoint's 538 bytes for each of a
# hundred, is above it; what the allocator moves back and forth is spread over all of them.
LARGEST_SLOPE = 2.0
# torch keeps the convolutions of the 1,024 sizes that it met last; so sizes come again. No common
# divisor with the number of providers, so that each meets all.
SIZES = 40
# Every size and provider has been there by then, and the memory that is kept is full.
_WARM_SHARE = 0.25
_SAMPLE_EVERY = 10
# How many computations oneDNN and ideep, torch's border to it, keep; read when they first compute.
_TORCH_KEEPS = ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY")


class Line:
    """A straight line through samples, by least squares.

    Attributes
    ----------
    slope : float
        Of the values for one step.
    span : float
        Largest value less the smallest.
    """

    def __init__(self, steps: Sequence[float], values: Sequence[float]) -> None:
        self.slope = float(np.polyfit(steps, values, 1)[0])
        self.span = float(np.ptp(values))


def fitted_line(samples: Sequence[tuple[int, float]], first: int) -> Line:
    """The line through those samples whose step is `first` or later.

    Parameters
    ----------
    samples : sequence of (int, float)
        Step and value.
    first : int

    Raises
    ------
    InputError
        When there are fewer than three.
    """
    late = [(step, value) for step, value in samples if step >= first]
    if len(late) < 3:
        raise InputError(f"a line needs three samples from step {first} on; got {len(late)}")
    return Line([step for step, _ in late], [value for _, value in late])


def varied(seed: int) -> Iterator[NDArray[Any]]:
    """Parts of photographs, grey and in colour, of 32 to 640 pixels a side; without end."""
    rng = np.random.default_rng(seed)
    for chosen in itertools.cycle((data.astronaut(), data.camera(), data.coffee(), data.brick())):
        height, width = (int(rng.integers(32, min(side, 640) + 1)) for side in chosen.shape[:2])
        y = int(rng.integers(0, chosen.shape[0] - height + 1))
        x = int(rng.integers(0, chosen.shape[1] - width + 1))
        part = chosen[y : y + height, x : x + width]
        yield part if rng.random() < 0.5 else part[::-1].astype(np.float32) / np.float32(255)


def run(
    extractions: int,
    providers: Sequence[str],
    seed: int,
    sizes: int = SIZES,
    torch_keeps: int | None = None,
) -> Report:
    """Extract, and sample the resident memory.

    Parameters
    ----------
    extractions : int
        At least 100.
    providers : sequence of str
        They take turns.
    seed : int
        Of the sizes and places of the images.
    sizes : int
        So many images come again and again; 0 draws a new one every time.
    torch_keeps : int, optional
        Computations that torch keeps for sizes that come again, by default its own 1,024. Without
        effect where a network has run in this process.

    Returns
    -------
    Report
        `Report.failed` names what broke a rule.
    """
    import siftcore

    if extractions < 100:
        raise ParameterError("extractions", extractions, "at least 100")
    if torch_keeps is not None:
        # ideep cannot keep none.
        os.environ.update(
            zip(_TORCH_KEEPS, (str(torch_keeps), str(max(torch_keeps, 1))), strict=True)
        )
    made = {name: provider_of(name) for name in providers}
    samples: list[tuple[int, float, MemoryUse]] = []
    keypoints = 0
    images = varied(seed)
    if sizes:
        images = itertools.cycle(list(itertools.islice(images, sizes)))
    turns = zip(itertools.cycle(made), images, strict=False)
    for step, (name, image) in enumerate(itertools.islice(turns, extractions), 1):
        # A network looks at a quarter of it, so that each takes about as long.
        part = image if name == "dog" else image[: image.shape[0] // 2, : image.shape[1] // 2]
        features = siftcore.extract(np.ascontiguousarray(part), made[name])
        keypoints += len(features)
        del features
        if step % _SAMPLE_EVERY == 0:
            samples.append((step, resident(), memory_use()))
    settings = {
        "extractions": extractions, "keypoints": keypoints, "providers": list(providers),
        "sizes": sizes, "torch_keeps": torch_keeps, "seed": seed,
    }  # fmt: skip
    return _report(samples, settings)


def _report(samples: Sequence[tuple[int, float, MemoryUse]], settings: dict[str, Any]) -> Report:
    warm = int(_WARM_SHARE * settings["extractions"])
    report = Report(
        "soak",
        settings,
        notes=[
            f"Every {_SAMPLE_EVERY} extractions: resident memory as it is, and what of it is in "
            "use once levels kept for the next image, garbage and free blocks of the allocator are "
            f"given back. A line through the samples from extraction {warm} on; its slope for "
            f"memory in use may be {LARGEST_SLOPE:g} KiB.",
            "Allocated is what C code has asked malloc for and not freed; the difference to memory "
            "in use is files, code, stacks and pages that cannot be given back. Compiled code is "
            "what Numba and oneDNN make while the process runs. Cached entries are those of all "
            "containers and functools caches of siftcore's and dognets' modules.",
        ],
    )
    table = report.table(
        "Resident memory", "what", "after the first quarter, MiB", "at the end, MiB", "span, MiB",
        "KiB an extraction", "flat",
    )  # fmt: skip
    in_use = [(step, use.resident) for step, _, use in samples]
    for what, values in (
        ("as it is", [(step, as_it_is) for step, as_it_is, _ in samples]), ("in use", in_use)
    ):  # fmt: skip
        line = fitted_line(values, warm)
        start = next(value for step, value in values if step >= warm)
        flat = line.slope <= LARGEST_SLOPE if values is in_use else None
        table.add(what, start / 1024, values[-1][1] / 1024, line.span / 1024, line.slope, flat)
        if flat is False:
            report.failed["memory"] = f"it grows by {line.slope:.2f} KiB an extraction"
    course = report.table(
        "Its course", "extraction", "as it is, MiB", "in use, MiB", "allocated, MiB",
        "compiled code, MiB", "Python blocks", "cached entries",
    )  # fmt: skip
    for k in sorted({round(k) for k in np.linspace(0, len(samples) - 1, 11)}):
        step, as_it_is, use = samples[k]
        allocated = None if use.allocated is None else use.allocated / 1024
        course.add(
            step, as_it_is / 1024, use.resident / 1024, allocated, use.code / 1024, use.blocks,
            use.cached,
        )  # fmt: skip
    return report
