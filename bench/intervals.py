"""Bootstrap intervals of means."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["Estimate", "bootstrap_mean"]

RESAMPLES = 2000
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Estimate:
    """A mean and its 95 % bootstrap interval.

    Attributes
    ----------
    mean, low, high : float
        NaN where there was no value; `low` and `high` also where all values are of one group,
        which says nothing of how far another would be.
    n : int
        Values.
    """

    mean: float
    low: float
    high: float
    n: int


def bootstrap_mean(
    values: ArrayLike, groups: Sequence[Hashable] | None = None, *, seed: int = 0
) -> Estimate:
    """Mean with a percentile interval (Efron and Tibshirani 1993).

    Parameters
    ----------
    values : array_like, (N,)
        NaN and infinity are left out.
    groups : sequence, optional
        What each value belongs to, such as its scene. Whole groups are drawn then, because pairs
        of one scene are no independent evidence.
    seed : int, default 0

    Returns
    -------
    Estimate

    Examples
    --------
    >>> bootstrap_mean([1.0, 1.0, 1.0])
    Estimate(mean=1.0, low=1.0, high=1.0, n=3)
    """
    found = np.asarray(values, np.float64).ravel()
    labels = np.arange(len(found)) if groups is None else _numbered(groups)
    if len(labels) != len(found):
        raise ValueError(f"{len(found)} values need as many groups; got {len(labels)}")
    known = np.isfinite(found)
    found, labels = found[known], labels[known]
    if not len(found):
        return Estimate(np.nan, np.nan, np.nan, 0)
    _, labels = np.unique(labels, return_inverse=True)
    counts = np.bincount(labels)
    sums = np.bincount(labels, found)
    mean = float(found.mean())
    if len(sums) < 2:
        return Estimate(mean, np.nan, np.nan, len(found))
    draws = np.random.default_rng(seed).integers(0, len(sums), (RESAMPLES, len(sums)))
    means = sums[draws].sum(1) / counts[draws].sum(1)
    tail = 50.0 * (1.0 - CONFIDENCE)
    low, high = np.percentile(means, [tail, 100.0 - tail])
    return Estimate(mean, float(low), float(high), len(found))


def _numbered(groups: Sequence[Hashable]) -> np.ndarray:
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(group, len(numbers)) for group in groups], np.intp)
