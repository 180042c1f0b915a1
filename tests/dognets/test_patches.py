"""Patches: the right pixels, a function of seed and step alone, exact truth for every level."""

from __future__ import annotations

import signal

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")

import torch

from dognets.data.cache import ImageCache
from dognets.data.degradation import to_8_bits
from dognets.data.images import reduce_bicubic
from dognets.data.patches import PatchBatches
from dognets.training.loading import load_batches
from dognets.training.losses import Target
from siftcore.kernels.blur import gaussian_blur
from tests.dognets.networks import small_model


@pytest.fixture(scope="module")
def cache(photo_folder, tmp_path_factory):
    return ImageCache.open(photo_folder, 48, tmp_path_factory.mktemp("cache"))


def batches(cache, **changes):
    settings = {"scale": 2, "patch": 16, "halo": 2, "batch": 6, "seed": 3} | changes
    return PatchBatches(cache, range(len(cache)), **settings)


def turned(image, k):
    """One of the eight flips and turns."""
    image = np.rot90(image, k % 4)
    return image[:, ::-1] if k >= 4 else image


def find(cache, high):
    """Image, top, left and turn of a patch; (None, ...) where it is nowhere."""
    side = high.shape[0]
    for i in range(len(cache)):
        windows = np.lib.stride_tricks.sliding_window_view(cache.image(i), (side, side))
        for k in range(8):
            # Rare to agree on the first row and differ below.
            there = turned(high, k)
            hits = np.argwhere((windows[:, :, 0] == there[0]).all(-1))
            for top, left in hits:
                if (windows[top, left] == there).all():
                    return i, top, left, k
    return None, 0, 0, 0


@pytest.mark.parametrize("scale", [2, 4])
def test_pairs_equal_cutting_after_reducing_the_whole_image(cache, scale):
    low, high = batches(cache, scale=scale, patch=8, batch=12)[0]
    assert low.dtype == high.dtype == np.uint8
    assert low.shape == (12, 12, 12)
    assert high.shape == (12, scale * 12, scale * 12)
    inside = 0
    for small, large in zip(low, high, strict=True):
        i, top, left, k = find(cache, large)
        assert i is not None, "the patch is cut from an image"
        assert top % scale == 0
        assert left % scale == 0
        whole = to_8_bits(reduce_bicubic(cache.image(i).astype(np.float32), scale))
        y, x = top // scale, left // scale
        expected = whole[y : y + 12, x : x + 12].astype(int)
        # Beyond the border Pillow leaves samples out, where a patch has them mirrored.
        keep = np.ones((12, 12), bool)
        for axis, start, size in ((0, y, whole.shape[0]), (1, x, whole.shape[1])):
            place = start + np.arange(12)
            ok = (place >= 2) & (place < size - 2)
            keep &= ok[:, None] if axis == 0 else ok
        inside += keep.mean()
        difference = np.abs(turned(small, k).astype(int) - expected)
        assert difference[keep].max() == 0
        assert difference.max() <= 25
    assert inside > 6


def test_all_flips_and_turns_occur(cache):
    low, high = batches(cache, batch=100)[0]
    turns = {find(cache, patch)[3] for patch in high}
    assert turns == set(range(8))
    # The low-resolution patch is turned alike: it looks like the reduced one.
    for small, large in zip(low[:10], high[:10], strict=True):
        close = reduce_bicubic(large.astype(np.float32), 2)[3:-3, 3:-3]
        np.testing.assert_allclose(small[3:-3, 3:-3], close, atol=0.51)


def test_every_place_can_be_drawn(cache):
    tops, lefts = set(), set()
    for step in range(4):
        for patch in batches(cache, batch=64)[step][1]:
            _, top, left, _ = find(cache, patch)
            tops.add(top)
            lefts.add(left)
    assert {0, 80 - 40} <= tops
    assert {0, 96 - 40} <= lefts


def test_a_batch_depends_on_seed_and_step_only(cache):
    one = batches(cache)
    seventh = one[7]
    for _ in range(3):
        one[0]
    for again in (one[7], batches(cache)[7]):
        np.testing.assert_array_equal(again[0], seventh[0])
        np.testing.assert_array_equal(again[1], seventh[1])
    assert not np.array_equal(one[8][1], seventh[1])
    assert not np.array_equal(batches(cache, seed=4)[7][1], seventh[1])


@pytest.mark.parametrize("degradation", ["clean", "real"])
def test_processes_share_a_batch_without_overlap(cache, degradation):
    whole = batches(cache, degradation=degradation)[5]
    for rank in range(3):
        part = batches(cache, degradation=degradation, rank=rank, world=3)[5]
        np.testing.assert_array_equal(part[0], whole[0][rank::3])
        np.testing.assert_array_equal(part[1], whole[1][rank::3])


def test_images_are_drawn_by_area(cache):
    chosen = PatchBatches(cache, [1, 3], 2, 16, 0, 60, 0)[0][1]
    found = [find(cache, patch)[0] for patch in chosen]
    assert set(found) == {1, 3}
    assert found.count(1) == pytest.approx(30, abs=15)


def test_an_image_as_large_as_a_patch_will_do(cache):
    low, high = batches(cache, patch=36, halo=2, batch=2)[0]
    assert high.shape == (2, 80, 80)
    assert find(cache, high[0])[1] == 0
    assert low.shape == (2, 40, 40)


@pytest.mark.parametrize("name", ["method1", "method2", "method3-lowe", "method3"])
def test_the_truth_is_exact(cache, name):
    """Levels of a patch are those of the whole image, at the image's border too."""
    model = small_model(name)
    target = Target(model)
    r = target.radius
    borders = 0
    for patch in batches(cache, patch=32, halo=0, batch=8)[1][1]:
        i, top, left, k = find(cache, patch)
        straight = np.ascontiguousarray(turned(patch, k), np.float32) / 255.0
        found = target(torch.from_numpy(straight)[None, None])[0].numpy()
        image = cache.image(i).astype(np.float32) / 255.0
        levels = np.stack([gaussian_blur(image, s) for s in model.sigmas] or [image])
        if model.predicts == "dogs":
            levels = np.diff(levels, axis=0)
        cut = levels[:, top + r : top + 64 - r, left + r : left + 64 - r]
        assert found.shape == cut.shape
        np.testing.assert_allclose(found, cut, rtol=0, atol=1e-6)
        borders += top == 0 or left == 0 or top + 64 == 80 or left + 64 == 96
    assert borders > 0, "some patch lies at a border"


class OfSignals:
    """Batches that say whether the process which cuts them ignores Ctrl-C."""

    def __getitem__(self, step):
        ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        return np.full((1, 1, 1), 255 * ignored, np.uint8), np.zeros((1, 1, 1), np.uint8)


@pytest.mark.parametrize("workers", [0, 1])
def test_ctrl_c_is_the_main_process_s_affair(workers):
    ((ignored, _),) = load_batches(OfSignals(), 0, 1, torch.device("cpu"), workers)
    assert bool(ignored) == bool(workers)
    assert signal.getsignal(signal.SIGINT) is not signal.SIG_IGN
