"""What each provider costs: parameters, multiply-adds, seconds, memory; and what that buys."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

import siftcore
from bench.extractors.providers import provider_identity, provider_of
from bench.peak_memory import peak_memory
from bench.photographs import photographs
from bench.report import Report
from bench.result_files import read_results
from bench.session import Session
from bench.trade_off import Cost, add_trade_off
from siftcore.errors import ProviderError
from siftcore.params import SiftParams

__all__ = ["network_size", "run"]


def run(
    providers: Sequence[str],
    width: int,
    height: int,
    runs: int,
    session: Session,
    results: Path | None = None,
) -> Report:
    """Cost of each provider on one photograph, and beside it what `preservation` found.

    Nothing is kept in the session's cache: a time belongs to the machine as it is now.

    Parameters
    ----------
    providers : sequence of str
        Names, or ``NAME@RUN`` with the weights of a training run.
    width, height : int
        Of the input, in pixels.
    runs : int
        Timed runs a provider, interleaved, after one that is not counted.
    session : Session
    results : path, optional
        Folder of results; those named ``preservation-*.json`` are used.

    Returns
    -------
    Report

    Raises
    ------
    ProviderError
        When no provider could be measured.
    """
    known = {} if results is None else read_results(results)
    name, photograph = photographs([], width, height)[0]
    times = _timed(providers, photograph, runs, session)
    report = Report(
        "cost",
        {
            "image": name,
            "size": f"{width}x{height}",
            "threads": numba.get_num_threads(),
            "runs": runs,
            "providers": list(providers),
        },
    )
    table = report.table(
        "Cost of a provider", "provider", "parameters", "multiply-adds a pixel",
        "scale space, s", "features, s", "keypoints", "peak memory, MiB",
    )  # fmt: skip
    costs = {}
    for provider in session.track(providers, "memory"):
        size = session.attempt(provider, lambda p=provider: network_size(p))
        if size is None:
            table.add_failed(provider, session.failed[provider])
            continue
        space, features, keypoints = times[provider]
        costs[provider] = Cost(size[1], statistics.median(features))
        table.add(
            provider, *size, statistics.median(space), costs[provider].seconds, keypoints,
            peak_memory(provider, photograph),
        )  # fmt: skip
    report.notes.append(
        f"Medians of {runs} interleaved runs. Multiply-adds: of the networks, a pixel of the "
        "input. Scale space: all octaves. Features: detection and description, with the scale "
        "space. Peak memory: growth of the resident memory during one extraction in a fresh "
        "process, without the weights."
    )
    if results is not None:
        add_trade_off(report, costs, known)
    return session.finish(report)


def _timed(
    providers: Sequence[str], photograph: NDArray[np.uint8], runs: int, session: Session
) -> dict[str, tuple[list[float], list[float], int]]:
    """Seconds of the scale space, seconds of the features, and keypoints, by provider."""
    image = siftcore.load_image(photograph)
    params = SiftParams()
    made = {name: session.attempt(name, lambda n=name: provider_of(n)) for name in providers}
    times: dict[str, tuple[list[float], list[float], int]] = {}

    def measure(name: str, turn: int) -> None:
        start = time.perf_counter()
        for _ in made[name].build(image, params):
            pass
        middle = time.perf_counter()
        keypoints = len(siftcore.extract(photograph, provider=made[name]))
        end = time.perf_counter()
        space, features, _ = times.get(name, ([], [], 0))
        # The first round compiles and warms up; it is not counted.
        if turn:
            space.append(middle - start)
            features.append(end - middle)
        times[name] = space, features, keypoints

    for turn in session.track(range(runs + 1), "rounds"):
        for name in providers:
            session.attempt(name, lambda n=name, t=turn: measure(n, t))
    if set(providers) <= set(session.failed):
        reasons = "; ".join(f"{name}: {why}" for name, why in session.failed.items())
        raise ProviderError(f"no provider could be measured: {reasons}")
    return times


def network_size(provider: str) -> tuple[int | None, int | None]:
    """Parameters, and multiply-adds a pixel of the input, of a provider of dognets.

    Parameters
    ----------
    provider : str
        Name, or ``NAME@RUN``.

    Returns
    -------
    (int, int) or (None, None)
        None for a provider without a network, and for those of other packages: only they know.
    """
    weights = provider_identity(provider).get("weights")
    if weights is None:
        return None, None
    from dognets.models import build_model
    from dognets.pretrained import WEIGHTS_FOLDER, read_manifest

    plain, _, run = provider.partition("@")
    folder = WEIGHTS_FOLDER
    if run:
        folder = Path(run) if Path(run).is_dir() else Path(run).parent
    for entry in read_manifest(folder).values():
        # Two entries may share a digest: VDSR's weights are the same for both scales.
        if entry.sha256 == weights and (run or entry.name == plain):
            model: Any = build_model(entry.architecture, entry.scale, **entry.options)
            return model.count_parameters(), round(model.count_multiply_adds())
    return None, None
