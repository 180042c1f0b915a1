"""`bench soak`: what counts as growth, and a short run."""

from __future__ import annotations

import dataclasses
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

import bench.soak
from bench.commands import app
from bench.memory_use import memory_use
from bench.soak import LARGEST_SLOPE, fitted_line, run, varied
from siftcore.errors import InputError, ParameterError

linux = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="resident memory is read from /proc"
)


def test_a_line_through_the_late_samples() -> None:
    samples = [(step, 5000.0 - step if step < 500 else 4000.0 + 3.0 * step) for step in range(1000)]
    line = fitted_line(samples, 500)
    assert line.slope == pytest.approx(3.0)
    assert line.span == pytest.approx(3.0 * 499)
    with pytest.raises(InputError, match="three samples"):
        fitted_line(samples, 998)


def test_images_vary_and_repeat_with_the_seed() -> None:
    first, again = (
        [image for image, _ in zip(varied(3), range(40), strict=False)] for _ in range(2)
    )
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)
    assert len({image.shape for image in first}) > 30
    assert {image.ndim for image in first} == {2, 3}
    assert {image.dtype.name for image in first} == {"uint8", "float32"}


@linux
def test_a_short_run() -> None:
    report = run(100, ["dog"], 0)
    as_it_is, in_use = report.tables[0].rows
    assert 0 < in_use[2] <= as_it_is[2]
    assert report.settings["keypoints"] > 1000
    assert [row[0] for row in report.tables[1].rows] == list(range(10, 101, 10))


@linux
def test_a_leak_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    grown = iter(np.arange(1, 10_000) * (LARGEST_SLOPE + 0.5) * 10)
    use = memory_use()
    monkeypatch.setattr(
        bench.soak, "memory_use", lambda: dataclasses.replace(use, resident=1e5 + next(grown))
    )
    monkeypatch.setattr("siftcore.extract", lambda image, provider: [])
    done = CliRunner().invoke(app, ["soak", "--extractions", "100", "--providers", "dog"])
    assert done.exit_code == 1
    assert "it grows by 2.50 KiB an extraction" in done.output


def test_too_few() -> None:
    with pytest.raises(ParameterError, match="extractions"):
        run(99, ["dog"], 0)
