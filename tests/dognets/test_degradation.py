"""From a high-resolution crop to the low-resolution input."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch")
pytest.importorskip("safetensors")

from dognets.data import degradation
from dognets.data.degradation import degrade_clean, degrade_real, to_8_bits
from dognets.data.images import reduce_bicubic


@pytest.fixture(scope="module")
def high(camera):
    return np.ascontiguousarray(camera[100:164, 200:280])


def real(high, seed, scale=2):
    return degrade_real(high, scale, np.random.default_rng(seed))


@pytest.mark.parametrize("scale", [2, 4])
def test_clean_is_the_8_bit_bicubic_reduction(high, scale):
    low, target = degrade_clean(high, scale, np.random.default_rng(0))
    size = (80 // scale, 64 // scale)
    reduced = Image.fromarray(high.astype(np.float32)).resize(size, Image.Resampling.BICUBIC)
    np.testing.assert_array_equal(low, np.clip(np.rint(np.asarray(reduced)), 0, 255))
    assert low.dtype == np.uint8
    assert target is high


@pytest.mark.parametrize("scale", [2, 4])
def test_real_keeps_type_and_size(high, scale):
    for seed in range(12):
        low, target = real(high, seed, scale)
        assert low.dtype == target.dtype == np.uint8
        assert low.shape == (64 // scale, 80 // scale)
        assert target.shape == high.shape


def test_real_depends_on_its_random_numbers_only(high):
    before = high.copy()
    results = [real(high, seed) for seed in range(8)]
    for seed, (low, target) in enumerate(results):
        again = real(high, seed)
        np.testing.assert_array_equal(again[0], low)
        np.testing.assert_array_equal(again[1], target)
    assert len({low.tobytes() for low, _ in results}) == 8
    np.testing.assert_array_equal(high, before)


def test_low_light_belongs_to_the_scene(high):
    """The target is darkened as the input is; blur, noise and JPEG are for the input only."""
    darkened = 0
    for seed in range(24):
        low, target = real(high, seed)
        assert (target <= high).all(), "gamma above 1 never brightens"
        # Noise has no mean, so that the brightness agrees.
        assert abs(low.mean() - target.mean()) < 6
        # A function of the value alone: where the scene is equal, the target is.
        for value in np.unique(high)[::20]:
            assert len(np.unique(target[high == value])) == 1
        darkened += (target < high).any()
    assert 6 <= darkened <= 18, "half of them"


def test_each_flaw_occurs_and_is_absent(high):
    clean = to_8_bits(reduce_bicubic(high.astype(np.float32), 2)).astype(int)
    errors = []
    for seed in range(100):
        low, target = real(high, seed)
        if (target == high).all():
            errors.append(np.abs(low - clean).mean())
    assert min(errors) == 0, "sometimes nothing but the reduction"
    assert max(errors) > 4


def test_a_flat_image_stays_flat_without_noise():
    flat = np.full((32, 32), 130, np.uint8)
    spreads = [np.ptp(real(flat, seed)[0]) for seed in range(20)]
    assert min(spreads) == 0
    assert max(spreads) > 4


def test_rounding_to_8_bits():
    values = np.array([-3.0, 0.4, 0.6, 254.6, 300.0], np.float32)
    np.testing.assert_array_equal(to_8_bits(values), np.array([0, 0, 1, 255, 255], np.uint8))


@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("kernel", degradation._KERNELS, ids=lambda k: k.__name__.strip("_"))
def test_blurs_move_nothing_and_stay_within_the_margin(kernel, scale):
    for seed in range(20):
        taps = kernel(np.random.default_rng(seed), scale)
        half = taps.shape[0] // 2
        assert taps.shape == (2 * half + 1, 2 * half + 1)
        assert half <= scale * degradation.MARGIN
        np.testing.assert_allclose(taps, taps[::-1, ::-1], atol=1e-12)
        assert (taps >= 0).all()


def _spread(taps):
    """Variances along the longer and the shorter axis of a kernel."""
    half = taps.shape[0] // 2
    y, x = np.mgrid[-half : half + 1, -half : half + 1]
    moments = [[(a * b * taps).sum() / taps.sum() for b in (y, x)] for a in (y, x)]
    return np.linalg.eigvalsh(moments)[::-1]


def test_kernels_have_the_size_that_was_drawn():
    for seed in range(5):
        rng = np.random.default_rng(seed)
        sigmas = 4 * np.random.default_rng(seed).uniform(0.2, 0.8, 2)
        expected = np.sort(sigmas**2)[::-1]
        np.testing.assert_allclose(_spread(degradation._gaussian(rng, 4)), expected, rtol=0.1)
        rng = np.random.default_rng(seed)
        radius = 4 * np.random.default_rng(seed).uniform(0.5, 2.0)
        np.testing.assert_allclose(_spread(degradation._disc(rng, 4)), radius**2 / 4, rtol=0.15)
        rng = np.random.default_rng(seed)
        length = 8 * np.random.default_rng(seed).uniform(0.5, 3.5)
        along, across = _spread(degradation._streak(rng, 4))
        np.testing.assert_allclose(along, length**2 / 12, rtol=0.2, atol=0.3)
        assert across < 0.5
