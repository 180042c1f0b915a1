"""What every architecture promises: sizes, costs, start and reach."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")

import torch

from dognets.errors import WeightsError
from dognets.evaluation import dog_levels
from dognets.ladders import LOWE_FILTERS
from dognets.models import ARCHITECTURES, build_model
from dognets.training.presets import PRESETS
from siftcore.scalespace.enlarging import upscale_bicubic
from tests.dognets.networks import SMALL, small_model, stirred

PLANES = {"image": 1, "gaussians": 5, "dogs": 4}


def test_every_architecture_is_tested():
    assert {architecture for architecture, _ in SMALL.values()} == set(ARCHITECTURES)


@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("name", SMALL)
def test_sizes(name, scale):
    model = small_model(name, scale).eval()
    planes = 6 if name == "method3-lowe" else PLANES[model.predicts]
    assert model.channels_out == planes
    with torch.no_grad():
        found = model(torch.rand(2, 1, 9, 13))
    assert found.shape == (2, planes, scale * 9, scale * 13)
    assert found.dtype == torch.float32
    assert torch.isfinite(found).all()


@pytest.mark.parametrize(
    ("name", "blocks"), [("method1", (16, 12, 10, 8)), ("method2", (16, 12, 10, 8, 6))]
)
@pytest.mark.parametrize("scale", [2, 4])
def test_parameters_of_the_papers_networks(name, blocks, scale):
    conv = 9 * 64 * 64 + 64
    squeeze = (64 * 4 + 4) + (4 * 64 + 64)
    ends = (9 * 64 + 64) + (64 * (2 * scale) ** 2 + 1)
    expected = sum(n * (2 * conv + squeeze) + ends for n in blocks)
    assert build_model(name, scale).count_parameters() == expected


@pytest.mark.parametrize(("name", "most"), [("method3-x2", 150_000), ("method3-x4", 250_000)])
def test_method3_is_small_enough_for_a_cpu(name, most):
    preset = PRESETS[name]
    cost = build_model("method3", preset.scale, **preset.options).count_multiply_adds()
    assert 10_000 < cost <= most


def test_multiply_adds_by_hand():
    # Three convolutions at twice the resolution, four samples a pixel.
    assert build_model("srcnn", 2).count_multiply_adds() == 4 * (81 * 64 + 25 * 64 * 32 + 25 * 32)
    # The deconvolution: each of its 4 x 4 weights meets each low-resolution pixel once.
    model = build_model("method2", 2, blocks=(1,) * 5, channels=16)
    squeeze = (16 + 16) / 32**2
    expected = 5 * (9 * 16 + 2 * 9 * 16 * 16 + 16 * 16 + squeeze)
    assert model.count_multiply_adds() == pytest.approx(expected)


def test_counting_leaves_the_network_as_it_was():
    model = small_model("method1").train()
    model.count_multiply_adds()
    assert model.training
    assert not any(module._forward_hooks for module in model.modules())


@pytest.mark.parametrize("scale", [2, 4])
def test_fresh_method1_is_the_dog_of_the_enlargement(photo, scale):
    with torch.no_grad():
        found = build_model("method1", scale, channels=16)(torch.from_numpy(photo)[None, None])
    expected = dog_levels(upscale_bicubic(photo, scale))
    np.testing.assert_allclose(found[0], expected, rtol=0, atol=3e-6)


@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("name", ["method3", "method3-residual", "method3-unet", "srcnn", "vdsr"])
def test_fresh_networks_with_a_skip_are_bicubic(photo, name, scale):
    with torch.no_grad():
        found = small_model(name, scale)(torch.from_numpy(photo)[None, None])
    np.testing.assert_allclose(found[0, 0], upscale_bicubic(photo, scale), rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", ["method2-predictor", "method3-paper"])
def test_fresh_levels_on_a_predictor_are_those_of_the_enlargement(photo, name):
    with torch.no_grad():
        found = small_model(name)(torch.from_numpy(photo)[None, None])
    dogs = dog_levels(upscale_bicubic(photo, 2))
    np.testing.assert_allclose(np.diff(found[0], axis=0), dogs, rtol=0, atol=3e-6)


def test_fresh_method3_with_levels_is_the_blurred_enlargement(photo):
    with torch.no_grad():
        found = small_model("method3-lowe")(torch.from_numpy(photo)[None, None])
    dogs = dog_levels(upscale_bicubic(photo, 2), LOWE_FILTERS)
    np.testing.assert_allclose(np.diff(found[0], axis=0), dogs, rtol=0, atol=3e-6)


@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("name", [n for n in SMALL if n not in ("method1", "method2")])
def test_nothing_beyond_the_radius_matters(name, scale):
    model = stirred(small_model(name, scale)).eval()
    assert model.radius is not None
    side = 2 * model.radius + 9
    # One even and one odd place, for networks that halve the resolution inside.
    for y, x in ((side // 2, side // 2 + 1), (side // 2 + 1, side // 2)):
        image = torch.rand(1, 1, side, side)
        changed = image.clone()
        changed[0, 0, y, x] += 20.0  # so that no small influence is lost in rounding
        with torch.no_grad():
            differs = (model(changed) - model(image))[0].abs().amax(0) > 0
        rows, columns = np.nonzero(differs.numpy())
        assert len(rows) > 0
        reach = max(np.abs(rows // scale - y).max(), np.abs(columns // scale - x).max())
        assert reach <= model.radius
        # A radius far too large would waste work on every tile.
        assert reach >= model.radius // 2


@pytest.mark.parametrize("name", ["method1", "method2"])
def test_squeeze_and_excitation_sees_the_whole_image(name):
    model = stirred(small_model(name)).eval()
    assert model.radius is None
    image = torch.rand(1, 1, 80, 12)
    changed = image.clone()
    changed[0, 0, :8] += 1.0
    with torch.no_grad():
        far = (model(changed) - model(image))[0, :, -16:]
    assert far.abs().max() > 1e-6


BAD = [
    ("resnet", 2, {}, "unknown architecture 'resnet'; known: edsr, method1"),
    ("srcnn", 3, {}, "scale must be 2 or 4; got 3"),
    ("srcnn", 2, {"channels": 8}, "does not take the options"),
    ("method3", 2, {"trunk": "deep"}, "does not take the options"),
    ("method3", 2, {"heads": "all"}, "does not take the options"),
    ("method1", 2, {"blocks": (1, 1, 1)}, "blocks must be 4 numbers"),
    ("method2", 2, {"blocks": (1, 1, 1, 1, -1)}, "blocks must be 5 numbers"),
    ("method3", 2, {"channels": 0}, "channels must be at least 1"),
    ("method3", 2, {"channels": -3}, "channels must be at least 1"),
]


@pytest.mark.parametrize(("name", "scale", "options", "message"), BAD)
def test_what_cannot_be_built_is_a_clear_error(name, scale, options, message):
    with pytest.raises(WeightsError, match=message):
        build_model(name, scale, **options)
