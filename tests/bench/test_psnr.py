"""DoG PSNR of providers: known errors, published figures, and what goes wrong on the way."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from skimage import data

from bench.dog_levels import paper_levels
from bench.images import cropped, read_images, reduced_image
from bench.intervals import Estimate
from bench.metrics.dog_psnr import BORDER, dog_psnr, pixel_psnr
from bench.psnr import paper_gains, paper_psnr, run
from bench.report import Report, Table
from bench.session import Session
from bench.store import Store
from dognets.data.images import read_grey
from siftcore import InputError, PixelSR, ProviderError, SiftError, StackSR
from siftcore.scalespace import registry
from siftcore.scalespace.enlarging import upscale_bicubic

SET5 = Path(__file__).resolve().parents[3] / "shared" / "data" / "sr_dev" / "set5"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two photographs, of odd sides and in colour."""
    images = tmp_path / "images"
    images.mkdir()
    Image.fromarray(data.astronaut()[:121, 100:261]).save(images / "a.png")
    Image.fromarray(data.coffee()[100:230, 200:330]).save(images / "b.png")
    return images


def register(monkeypatch: pytest.MonkeyPatch, name: str, provider: object) -> None:
    monkeypatch.setitem(registry._registered, name, lambda: provider)


def table_of(report: Report, words: str) -> Table:
    return next(table for table in report.tables if words in table.title)


def row_of(report: Report, words: str, name: str) -> list[object]:
    return next(row[1:] for row in table_of(report, words).rows if row[0] == name)


def test_psnr_of_a_known_error() -> None:
    rng = np.random.default_rng(0)
    true = rng.normal(0, 0.02, (4, 60, 60)).astype(np.float32)
    true[:, 20, 20], true[:, 20, 21] = 0.1, -0.1
    error = np.float32(0.002)
    by_truth, by_own = dog_psnr(true + error, true)
    # A constant error: the peak is 0.2, and scaling each to its own range takes it away.
    np.testing.assert_allclose(by_truth, 20 * np.log10(0.2 / 0.002), atol=1e-3)
    assert (by_own > 100).all()
    _, stretched = dog_psnr(1.5 * true, true)
    assert (stretched > 100).all()


def test_what_happens_in_the_border_does_not_count() -> None:
    true = np.random.default_rng(0).normal(size=(4, 60, 50)).astype(np.float32)
    found = true + np.float32(0.1)
    spoilt = found.copy()
    spoilt[:, :BORDER] = spoilt[:, -BORDER:] = spoilt[:, :, :BORDER] = spoilt[:, :, -BORDER:] = 9.0
    np.testing.assert_array_equal(dog_psnr(spoilt, true), dog_psnr(found, true))


def test_a_level_without_range_has_no_psnr() -> None:
    true = np.random.default_rng(0).normal(size=(4, 60, 60)).astype(np.float32)
    true[2] = 0.25
    scores = dog_psnr(true + np.float32(0.1), true)
    assert np.isnan(scores[:, 2]).all()
    assert np.isfinite(scores[:, [0, 1, 3]]).all()


def test_pixel_psnr_rounds_what_was_found_and_leaves_the_border_out() -> None:
    true = np.full((20, 20), 100.0, np.float32)
    found = true + np.float32(2.4)
    found[:2] = found[-2:] = 0.0
    found[:, :2] = found[:, -2:] = 255.0
    assert pixel_psnr(found, true, 2) == pytest.approx(20 * np.log10(255 / 2.0))
    # Rounded before it is compared with a truth that is not.
    assert pixel_psnr(true, true + np.float32(0.4), 2) == pytest.approx(20 * np.log10(255 / 0.4))


def test_a_shifted_enlargement_loses_and_bicubic_is_the_baseline(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shifted = PixelSR(lambda image: np.roll(upscale_bicubic(image, 2), 1, axis=1))
    register(monkeypatch, "shifted-x2", shifted)
    report = run(folder, ["shifted-x2", "bicubic-x2"], 2, Session())
    gains = row_of(report, "Gain in DoG PSNR", "shifted-x2")
    assert all(isinstance(g, Estimate) and g.n == 2 and g.high < -1 for g in gains)
    for words in ("range of the true DoG", "its own range"):
        assert [row[0] for row in table_of(report, words).rows] == ["bicubic-x2", "shifted-x2"]
        means = [cell.mean for cell in row_of(report, words, "bicubic-x2")]
        assert all(20 < mean < 70 for mean in means)
    # The gain is the difference of the absolute table.
    absolute = [row_of(report, "range of the true", n) for n in ("shifted-x2", "bicubic-x2")]
    for gain, mine, base in zip(gains, *absolute, strict=True):
        assert gain.mean == pytest.approx(mine.mean - base.mean)
    psnr, gain = row_of(report, "PSNR of the image", "shifted-x2")
    assert gain.mean < -1 < 20 < psnr.mean


def test_the_truth_itself_scores_best(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # One image: the provider returns what the scale space of the original holds.
    (folder / "b.png").unlink()
    rgb = np.asarray(Image.open(folder / "a.png"), np.float32)
    high = cropped(16 + rgb @ np.array([65.481, 128.553, 24.966], np.float32) / 255, 2) / 255
    levels = paper_levels(registry.get_provider("dog"), high, high.shape)
    sigmas = np.hypot((1.249, 1.545, 1.946588, 2.452527, 3.090016), 0.5)
    register(monkeypatch, "oracle-x2", StackSR(lambda image: levels, sigmas=sigmas, scale=2))
    report = run(folder, ["oracle-x2"], 2, Session())
    for cell in row_of(report, "range of the true DoG", "oracle-x2"):
        assert cell.mean > 90
    # It predicts no image.
    assert [row[0] for row in table_of(report, "PSNR of the image").rows] == ["bicubic-x2"]


def test_providers_that_do_not_fit_get_a_row_that_says_why(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(image: NDArray[np.float32]) -> NDArray[np.float32]:
        raise RuntimeError("no luck")

    register(monkeypatch, "broken-x2", PixelSR(broken, name="broken-x2"))
    wrong = ["bicubic-x4", "dog", "broken-x2", "nosuch-x2"]
    report = run(folder, wrong, 2, Session())
    reasons = [row_of(report, "Gain in DoG PSNR", name)[0] for name in wrong]
    assert "gives 5 levels of 320 x 240; expected 5 levels of 160 x 120" in reasons[0]
    assert "gives 5 levels of 80 x 60" in reasons[1]
    assert "no luck" in reasons[2]
    assert "unknown provider" in reasons[3]
    assert set(report.failed) == set(wrong)
    assert row_of(report, "range of the true", "bicubic-x2")[0].n == 2


def test_broken_images_are_skipped_and_named(folder: Path) -> None:
    (folder / "c.png").write_bytes(b"not an image")
    Image.fromarray(np.zeros((20, 90), np.uint8)).save(folder / "d.png")
    Image.fromarray(np.full((90, 90), 7, np.uint8)).save(folder / "e.png")
    report = run(folder, [], 2, Session())
    assert report.settings["images"] == 2
    assert "48 pixels or more; got 90 x 20" in report.skipped["images/d.png"]
    assert "one grey value" in report.skipped["images/e.png"]
    assert set(report.skipped) == {"images/c.png", "images/d.png", "images/e.png"}


def test_a_folder_without_usable_images_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SiftError, match="no folder"):
        run(tmp_path / "nothing", [], 2, Session())
    with pytest.raises(SiftError, match="no image"):
        run(tmp_path, [], 2, Session())
    (tmp_path / "c.png").write_bytes(b"not an image")
    with pytest.raises(InputError, match=r"no image could be used.*c\.png"):
        run(tmp_path, [], 2, Session())
    with pytest.raises(InputError, match="2 or 4"):
        run(tmp_path, [], 3, Session())


def test_a_second_run_computes_nothing(folder: Path, tmp_path: Path) -> None:
    store = Store(tmp_path / "cache")
    first = run(folder, [], 2, Session(store))
    assert (store.found, store.computed) == (0, 2)
    again = run(folder, [], 2, Session(store))
    assert (store.found, store.computed) == (2, 2)
    assert again.tables == first.tables
    run(folder, [], 4, Session(store))
    assert (store.found, store.computed) == (2, 4)


def test_the_limit_counts_images(folder: Path) -> None:
    assert run(folder, [], 2, Session(), limit=1).settings["images"] == 1
    assert len(list(read_images(folder, read_grey, Session(), limit=1))) == 1


def test_cropping_and_reduction_fit_together() -> None:
    image = np.arange(61 * 51, dtype=np.float32).reshape(61, 51) % 256
    high = cropped(image, 4)
    low = reduced_image(high, 4)
    assert (high.shape, low.shape, low.dtype) == ((60, 48), (15, 12), np.float32)
    np.testing.assert_allclose(low * 255, np.rint(low * 255), atol=1e-4)
    np.testing.assert_array_equal(reduced_image(np.full((8, 8), 51.2), 2), np.float32(51 / 255))


def test_levels_for_another_grid_are_refused() -> None:
    image = np.random.default_rng(0).random((40, 50), np.float32)
    dog = registry.get_provider("dog")
    assert paper_levels(dog, image, image.shape).shape == (5, 40, 50)
    with pytest.raises(ProviderError, match="that enlarges by 2"):
        paper_levels(dog, image, (80, 100))
    with pytest.raises(ProviderError, match="gives no levels"):
        paper_levels(dog, image[:8], (8, 50))


def test_figures_that_the_paper_reports() -> None:
    assert paper_psnr(2)["bicubic"] == [30.2, 34.75, 41.5, 45.55]
    assert paper_gains(2)["method2"] == [3.1, 2.85, 3.25, 2.83]
    assert paper_gains(4)["method1"] == [2.03, 1.68, 1.8, 1.97]
    assert "bicubic" not in paper_gains(2, "Paris")


def test_the_papers_tables_are_labelled_as_such(folder: Path) -> None:
    report = run(folder, [], 2, Session(), limit=1)
    said = [table for table in report.tables if "the paper reports" in table.title]
    assert [len(table.rows) for table in said] == [15, 18]
    assert {row[1] for table in said for row in table.rows} == {"CDVS", "Paris", "Oxford"}
    json.dumps(report.as_dict(), allow_nan=False)


@pytest.mark.parametrize(("scale", "published"), [(2, 33.66), (4, 28.42)])
def test_bicubic_on_set5_is_as_published(scale: int, published: float) -> None:
    if len(list(SET5.glob("*.png"))) != 5:
        pytest.skip("needs ../shared/data/sr_dev/set5, which is not part of the repository")
    report = run(SET5, [], scale, Session())
    psnr, gain = row_of(report, "PSNR of the image", f"bicubic-x{scale}")
    assert psnr.mean == pytest.approx(published, abs=0.02)
    assert gain is None
