"""Published VDSR weights give the published PSNR: reading, reduction, network and score together.

The protocol is that of the super-resolution literature: luminance in 16..235, reduced bicubically
and rounded to 8 bits, the result rounded, a border as wide as the factor left out.
"""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")

from dognets.data.degradation import to_8_bits
from dognets.data.images import read_luminance, reduce_bicubic
from dognets.inference import Runner
from dognets.models import build_model
from siftcore.scalespace.enlarging import upscale_bicubic
from tests.dognets.conftest import SHARED

BICUBIC = {2: 33.66, 4: 28.42}


@pytest.fixture(scope="module")
def published():
    path = SHARED / "weights" / "vdsr.npz"
    if not path.is_file():
        pytest.skip("needs ../shared/data/weights/vdsr.npz, which is not part of the repository")
    with np.load(path) as weights:
        return dict(weights)


def pair(path, scale):
    """High-resolution luminance, 0..255, and its reduced version, in [0, 1]."""
    high = read_luminance(path)
    height, width = (n // scale * scale for n in high.shape)
    high = high[:height, :width]
    return high, to_8_bits(reduce_bicubic(high, scale)).astype(np.float32) / 255.0


def psnr(found, high, scale):
    inside = (slice(scale, -scale),) * 2
    error = to_8_bits(255.0 * found)[inside].astype(np.float64) - high[inside]
    return 20.0 * np.log10(255.0 / np.sqrt(np.mean(error**2)))


def mean_psnr(upscale, paths, scale):
    pairs = (pair(path, scale) for path in paths)
    return np.mean([psnr(upscale(low), high, scale) for high, low in pairs])


def vdsr(published, scale):
    model = build_model("vdsr", scale)
    model.load_published(published)
    runner = Runner(model, "cpu")
    return lambda low: runner(low)[0]


@pytest.mark.parametrize("scale", [2, 4])
def test_bicubic_on_set5(set5, scale):
    found = mean_psnr(lambda low: upscale_bicubic(low, scale), set5, scale)
    assert found == pytest.approx(BICUBIC[scale], abs=0.02)


def test_vdsr_x2_on_set5(set5, published):
    assert mean_psnr(vdsr(published, 2), set5, 2) == pytest.approx(37.54, abs=0.05)


def test_vdsr_x4_on_set5(set5, published):
    # All five images give 31.43 dB, as published; the two small ones of them save half a minute.
    two = [path for path in set5 if path.stem in ("butterfly", "woman")]
    assert mean_psnr(vdsr(published, 4), two, 4) == pytest.approx((27.265 + 29.997) / 2, abs=0.02)


def test_the_published_network_is_the_shipped_one(published):
    from dognets.pretrained import WEIGHTS_FOLDER, load_model

    path = WEIGHTS_FOLDER / "vdsr-x2.safetensors"
    if not path.is_file():
        pytest.skip("this version ships no VDSR")
    shipped, _ = load_model(path)
    low = np.random.default_rng(0).random((16, 20), np.float32)
    np.testing.assert_allclose(Runner(shipped, "cpu")(low)[0], vdsr(published, 2)(low), atol=2e-3)


def test_weights_of_another_layout_are_refused(published):
    del_one = {key: value for key, value in published.items() if "output" not in key}
    with pytest.raises(KeyError, match="output"):
        build_model("vdsr", 2).load_published(del_one)
