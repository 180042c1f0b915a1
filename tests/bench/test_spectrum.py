"""Power spectra: signals whose spectrum is known, and the tables made of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from bench.intervals import Estimate
from bench.metrics.spectra import decibels, power_spectrum, radial_average, radial_frequencies
from bench.report import Report, Table
from bench.session import Session
from bench.spectrum import N_BINS, run
from bench.store import Store
from siftcore import PixelSR, SiftError
from siftcore.kernels.blur import gaussian_blur
from siftcore.scalespace import registry
from siftcore.scalespace.enlarging import upscale_bicubic


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two photographs of different sizes."""
    images = tmp_path / "images"
    images.mkdir()
    Image.fromarray(data.camera()[100:260, 160:352]).save(images / "a.png")
    Image.fromarray(data.coffee()[100:231, 200:331]).save(images / "b.png")
    return images


@pytest.fixture
def noise() -> np.ndarray:
    return np.random.default_rng(0).normal(0.0, 3.0, (200, 260))


def table_of(report: Report, words: str) -> Table:
    return next(table for table in report.tables if words in table.title)


def column(table: Table, name: str) -> np.ndarray:
    i = table.columns.index(name)
    return np.array([c.mean if isinstance(c, Estimate) else c for c in (r[i] for r in table.rows)])


@pytest.mark.parametrize("window", [False, True])
def test_white_noise_is_flat_at_its_variance(noise: np.ndarray, window: bool) -> None:
    rings = radial_average(power_spectrum(noise, window=window), 20)
    # Power of noise is exponentially distributed and symmetric: half of a ring's frequencies are
    # independent, and a Hann window divides that by (35/18)^2. Five standard errors.
    inner = np.pi * (0.025 * np.arange(21)) ** 2 * noise.size
    independent = np.diff(inner) / 2 / ((35 / 18) ** 2 if window else 1)
    assert (np.abs(rings / 9.0 - 1.0) < 5 / np.sqrt(independent)).all()
    assert np.nanmean(rings[10:]) == pytest.approx(9.0, rel=0.04)


def test_parseval() -> None:
    image = np.random.default_rng(0).random((31, 48)) + 0.3
    assert power_spectrum(image).mean() == pytest.approx((image**2).mean())
    # The window's mean square is divided out; a constant has nothing left.
    assert power_spectrum(np.ones((31, 48)), window=True).max() < 1e-25


@pytest.mark.parametrize("shape", [(96, 128), (151, 90)])
@pytest.mark.parametrize("window", [False, True])
def test_a_sinusoid_peaks_at_its_frequency(shape: tuple[int, int], window: bool) -> None:
    y, x = np.mgrid[: shape[0], : shape[1]]
    image = np.cos(2 * np.pi * (0.21 * x + 0.12 * y))
    rings = radial_average(power_spectrum(image, window=window), 40)
    assert radial_frequencies(40)[np.nanargmax(rings)] == pytest.approx(
        np.hypot(0.21, 0.12), abs=0.5 / 40
    )


def test_the_window_keeps_leakage_away() -> None:
    # No whole number of periods: the borders do not fit together.
    x = np.arange(128) * np.ones((128, 1))
    image = np.cos(2 * np.pi * 0.0937 * x)
    plain, windowed = (
        decibels(radial_average(power_spectrum(image, window=w), 40))[-1] for w in (False, True)
    )
    assert windowed < plain - 40


def test_blurred_noise_falls_as_the_gaussians_transfer_function(noise: np.ndarray) -> None:
    sigma = 1.249
    blurred = gaussian_blur(noise.astype(np.float32), sigma)
    gain = decibels(radial_average(power_spectrum(blurred, window=True), 40))
    gain -= decibels(radial_average(power_spectrum(noise, window=True), 40))
    f = radial_frequencies(40)
    expected = 10 * np.log10(np.exp(-((2 * np.pi * sigma * f) ** 2)))
    # In the last two rings, 65 dB down, the kernel that ends at four sigmas shows.
    np.testing.assert_allclose(gain[:38], expected[:38], atol=0.5)


def test_rings_of_small_images_may_be_empty() -> None:
    rings = radial_average(np.ones((48, 48)), 40)
    assert np.isnan(rings[0])
    np.testing.assert_array_equal(rings[~np.isnan(rings)], 1.0)
    # Frequency 0 and the corners are left out; the Nyquist frequency is not.
    power = np.zeros((48, 48))
    power[0, 0] = power[24, 24] = 1.0
    assert np.nansum(radial_average(power, 40)) == 0.0
    power[0, 24] = 1.0
    assert radial_average(power, 40)[-1] > 0.0


def test_decibels_of_nothing_are_finite() -> None:
    np.testing.assert_allclose(decibels(np.array([1.0, 100.0, 0.0])), [0.0, 20.0, -300.0])


def test_tables_of_a_folder(folder: Path) -> None:
    report = run(folder, Session())
    averages = table_of(report, "Table 2")
    assert len(averages.rows) == 5
    exact, rounded = ([cell.mean for cell in row[1:]] for row in averages.rows[:2])
    assert max(exact[1:]) < exact[0] - 20
    # The paper's order: the original has most, and each DoG less than the one before.
    assert rounded == sorted(rounded, reverse=True)
    # Rounding adds noise at frequencies where a DoG has next to nothing.
    assert all(b > a for a, b in zip(exact[1:], rounded[1:], strict=True))
    assert averages.rows[2][0].startswith("CDVS")
    assert averages.rows[2][1:] == [64.47, 47.52, 41.39, 38.66, 37.1]
    radial = table_of(report, "Figure 5")
    frequencies = column(radial, "cycles per pixel")
    assert len(frequencies) == N_BINS
    assert 0 < frequencies[0] < frequencies[-1] < 0.5
    original, d1, d4 = (column(radial, name) for name in ("original", "D1", "D4"))
    assert original[0] == pytest.approx(0.0, abs=1e-9)
    # A DoG is a band-pass: less than the original at both ends, and D4 peaks below D1.
    assert d1[0] < original[0]
    assert d1[-1] < original[-1]
    assert np.nanargmax(d4) <= np.nanargmax(d1)
    assert d4[20] < d1[20] - 20
    json.dumps(report.as_dict(), allow_nan=False)


def test_the_unit_of_table_2(tmp_path: Path) -> None:
    # White noise: E[10 log10 |DFT|^2] = 10 log10(N var) - 10 gamma / ln 10, the mean of the
    # logarithm of an exponential variable.
    noise = np.random.default_rng(0).normal(128.0, 20.0, (160, 200)).clip(0, 255)
    Image.fromarray(np.rint(noise).astype(np.uint8)).save(tmp_path / "noise.png")
    original = table_of(run(tmp_path, Session()), "Table 2").rows[0][1]
    expected = 10 * np.log10(160 * 200 * 400.0) - 10 * np.euler_gamma / np.log(10)
    assert original.mean == pytest.approx(expected, abs=0.2)


def test_what_providers_bring_back(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    half = PixelSR(lambda image: 0.5 * upscale_bicubic(image, 2))
    monkeypatch.setitem(registry._registered, "half-x2", lambda: half)
    report = run(folder, Session(), providers=["bicubic-x2", "half-x2", "dog"], scale=2)
    assert set(report.failed) == {"dog"}
    power = table_of(report, "Power of D1 relative to the true D1")
    assert power.columns == ["cycles per pixel", "bicubic-x2", "half-x2"]
    bicubic, halved = column(power, "bicubic-x2"), column(power, "half-x2")
    # What the reduced image still holds comes back; what lies above its Nyquist limit does not.
    assert abs(bicubic[2]) < 1
    assert bicubic[24:32].max() < -5
    # Single precision shows in the highest rings.
    np.testing.assert_allclose((halved - bicubic)[:32], -20 * np.log10(2), atol=0.1)
    error = column(table_of(report, "error of D1"), "bicubic-x2")
    assert error[2] < -20
    total = table_of(report, "error of each DoG")
    assert [cell.mean for cell in total.rows[0][1:]] == sorted(
        (cell.mean for cell in total.rows[0][1:]), reverse=True
    )
    assert total.rows[1][4].mean == pytest.approx(-20 * np.log10(2), abs=0.3)
    assert "expected 5 levels" in total.rows[2][1]


def test_a_second_run_computes_nothing(folder: Path, tmp_path: Path) -> None:
    store = Store(tmp_path / "cache")
    first = run(folder, Session(store), 1, ["bicubic-x2"])
    assert (store.found, store.computed) == (0, 2)
    # As text, in which NaN is equal to NaN; an interval of one image is NaN.
    assert repr(run(folder, Session(store), 1, ["bicubic-x2"]).tables) == repr(first.tables)
    assert (store.found, store.computed) == (2, 2)


def test_broken_input(folder: Path, tmp_path: Path) -> None:
    (folder / "c.png").write_bytes(b"not an image")
    report = run(folder, Session())
    assert report.settings["images"] == 2
    assert set(report.skipped) == {"images/c.png"}
    with pytest.raises(SiftError, match="2 or 4"):
        run(folder, Session(), scale=3)
    with pytest.raises(SiftError, match="no folder"):
        run(tmp_path / "nothing", Session())
