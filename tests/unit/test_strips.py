"""Large images in strips: the same keypoints as in one piece, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest

import siftcore
from siftcore import SiftParams
from siftcore.rows import ArrayRows
from siftcore.scalespace.protocol import ScaleSpace, Strip
from siftcore.scalespace.strips import (
    ENOUGH_ROWS,
    MOST_STRIP_BYTES,
    SMALLEST_STRIP,
    STRIP_BYTES,
    faster_in_strips,
    strip_rows,
    windows,
)

FIELDS = ("xy", "sigma", "angle", "response", "descriptors", "octave", "level")


class InStrips:
    """A provider that always works in strips of `core` rows."""

    def __init__(self, name: str, pixels, core: int) -> None:
        self.inner = siftcore.get_provider(name)
        self.name = self.inner.name
        self.pixels, self.core = pixels, core

    def build(self, image, params) -> ScaleSpace:
        return self.inner.build_in_strips(ArrayRows(self.pixels), params, self.core)


def assert_same(a, b):
    assert len(a) == len(b)
    for field in FIELDS:
        np.testing.assert_array_equal(getattr(a, field), getattr(b, field), err_msg=field)
    assert a.image_size == b.image_size


@pytest.fixture(scope="module")
def photo(camera):
    """301 high, 283 wide: odd, so that octaves of odd size are met too."""
    return np.ascontiguousarray(camera[60:361, 100:383])


SETTINGS = {
    "default": {},
    "own grid": {"first_octave": 0},
    "coarser": {"first_octave": 2, "contrast_threshold": 0.002},
    "the paper's ladder": {"ladder": "paper"},
    "weak ones, many fits": {"contrast_threshold": 0.002, "max_refinements": 9},
    "wide windows": {"orientation_window": 3.0, "descriptor_cell": 5.0},
    # The fits reach farther than the windows, and the orientations farther than the descriptors.
    "narrow windows, many fits": {
        "orientation_window": 0.5,
        "descriptor_cell": 0.5,
        "contrast_threshold": 0.001,
        "max_refinements": 30,
    },
    "wide orientations": {"orientation_window": 6.0, "descriptor_cell": 0.5},
    "one scale an octave": {"n_scales_per_octave": 1, "contrast_threshold": 0.002},
    "upright, one octave": {"upright": True, "n_octaves": 1},
}


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS.keys())
def test_strips_give_what_one_piece_gives(photo, settings):
    params = SiftParams(**settings)
    whole = siftcore.extract(photo, params=params)
    assert len(whole) > 5
    for core in (17, 64, 1000):
        assert_same(siftcore.extract(photo, InStrips("dog", photo, core), params), whole)


@pytest.mark.parametrize("name", ["bicubic-x2", "bicubic-x4"])
def test_enlarged_strips(photo, name):
    small = photo[:151, :140]
    whole = siftcore.extract(small, name)
    for core in (16, 77):
        assert_same(siftcore.extract(small, InStrips(name, small, core)), whole)


def test_budget_and_mask_act_on_the_whole_image(photo):
    mask = np.zeros(photo.shape, bool)
    mask[100:250, 40:200] = True
    for options in ({"max_keypoints": 37}, {"mask": mask}, {"max_keypoints": 40, "spread": True}):
        whole = siftcore.extract(photo, **options)
        assert_same(siftcore.extract(photo, InStrips("dog", photo, 40), **options), whole)


def test_large_images_go_through_strips_by_themselves(photo, monkeypatch):
    whole = siftcore.extract(photo)
    monkeypatch.setattr("siftcore.rows.LARGE", 1000)
    monkeypatch.setattr("siftcore.scalespace.strips.STRIP_BYTES", 1)
    monkeypatch.setattr("siftcore.scalespace.strips.ENOUGH_ROWS", 1)
    seen: list[Strip] = []
    detect = siftcore.pipeline.detect
    monkeypatch.setattr(
        "siftcore.pipeline.detect", lambda o, p: seen.append(o.strip) or detect(o, p)
    )
    assert_same(siftcore.extract(photo), whole)
    assert len(seen) > 10
    assert all(strip is not None for strip in seen)


def test_an_image_too_small_for_an_octave_gives_none(photo):
    tiny = photo[:5, :200]
    assert len(siftcore.extract(tiny, InStrips("dog", tiny, 2))) == 0


def test_windows_cover_every_row_once():
    rows = np.arange(50, dtype=np.float32)[:, None] * np.ones((1, 3), np.float32)
    for core, halo, block in ((7, 3, 4), (50, 9, 1), (1, 0, 50), (20, 30, 13)):
        blocks = (rows[i : i + block] for i in range(0, 50, block))
        covered = []
        for window in windows(blocks, 50, core, halo):
            covered += range(window.start, window.stop)
            assert window.first_row == max(0, window.start - halo)
            last = window.first_row + len(window.rows)
            assert last == min(50, window.stop + halo)
            np.testing.assert_array_equal(window.rows, rows[window.first_row : last])
        assert covered == list(range(50))


def test_strips_are_as_high_as_memory_allows():
    params = SiftParams()
    row = 4 * 6 * 2
    assert strip_rows(4_000, params) == STRIP_BYTES // (row * 4_000)
    # Of wide images enough rows that their surroundings are not the most of a strip.
    assert strip_rows(20_000, params) == ENOUGH_ROWS
    assert strip_rows(40_000, params) == MOST_STRIP_BYTES // (row * 40_000)
    assert strip_rows(8_000, SiftParams(first_octave=0)) == strip_rows(4_000, params)
    assert strip_rows(10**9, params) == SMALLEST_STRIP


def test_images_whose_octaves_do_not_fit_what_is_kept_are_faster_in_strips():
    params = SiftParams()
    assert not faster_in_strips((1080, 1920), params)
    assert faster_in_strips((2160, 3840), params)
    assert not faster_in_strips((2160, 3840), SiftParams(first_octave=0))
    # Strips of so wide an image would be surroundings for the most part.
    assert not faster_in_strips((100, 200_000), params)


@pytest.mark.parametrize("name", ["dog", "bicubic-x2"])
def test_images_in_memory_go_through_strips_too(photo, name, monkeypatch):
    whole = siftcore.extract(photo, name)
    monkeypatch.setattr("siftcore.scalespace.strips.KEPT_BYTES", 1)
    monkeypatch.setattr("siftcore.scalespace.strips.STRIP_BYTES", 1)
    monkeypatch.setattr("siftcore.scalespace.strips.ENOUGH_ROWS", 70)
    seen: list[Strip] = []
    detect = siftcore.pipeline.detect
    monkeypatch.setattr(
        "siftcore.pipeline.detect", lambda o, p: seen.append(o.strip) or detect(o, p)
    )
    assert_same(siftcore.extract(photo, name), whole)
    assert len(seen) > 5
    assert all(strip is not None for strip in seen)
