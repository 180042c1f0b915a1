"""What each provider costs: parameters, multiply-adds, seconds."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence

import numba

import siftcore
from bench.photographs import photographs
from bench.report import Report
from siftcore.params import SiftParams

__all__ = ["run"]


def run(providers: Sequence[str], width: int, height: int, runs: int) -> Report:
    """Seconds of the complete scale space and of all features, providers interleaved."""
    name, photograph = photographs([], width, height)[0]
    image = siftcore.load_image(photograph)
    made = {provider: siftcore.get_provider(provider) for provider in providers}
    space: dict[str, list[float]] = {provider: [] for provider in providers}
    features: dict[str, list[float]] = {provider: [] for provider in providers}
    keypoints = {}
    params = SiftParams()
    # The first round compiles and warms up; it is not counted.
    for turn in range(runs + 1):
        for provider, built in made.items():
            start = time.perf_counter()
            for _ in built.build(image, params):
                pass
            middle = time.perf_counter()
            keypoints[provider] = len(siftcore.extract(photograph, provider=built))
            if turn:
                space[provider].append(middle - start)
                features[provider].append(time.perf_counter() - middle)
    report = Report(
        "cost",
        {
            "image": f"{name}, {width}x{height}",
            "threads": numba.get_num_threads(),
            "runs": runs,
        },
    )
    table = report.table(
        "Cost of a provider",
        "provider",
        "parameters",
        "multiply-adds a pixel",
        "scale space, s",
        "features, s",
        "keypoints",
    )
    for provider in providers:
        parameters, multiply_adds = _size(provider)
        table.add(
            provider,
            parameters,
            multiply_adds,
            statistics.median(space[provider]),
            statistics.median(features[provider]),
            keypoints[provider],
        )
    return report


def _size(provider: str) -> tuple[int | None, int | None]:
    if "torch" not in siftcore.provider_info(provider).requires:
        return None, None
    from dognets.pretrained import WEIGHTS_FOLDER, load_model

    model, _ = load_model(WEIGHTS_FOLDER / f"{provider}.safetensors")
    return model.count_parameters(), round(model.count_multiply_adds())
