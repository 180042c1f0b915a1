"""The fixed filters as layers: equal to Pillow's and to the engine's, borders included."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch")
pytest.importorskip("safetensors")

import torch

from dognets.models.filters import BicubicUpsample, GaussianBlur, gaussian_kernel
from siftcore.kernels.blur import gaussian_blur
from siftcore.scalespace.enlarging import upscale_bicubic
from siftcore.scalespace.geometry import PAPER_SIGMAS


def noise(*shape):
    return np.random.default_rng(5).random(shape, np.float32)


def as_batch(image):
    return torch.from_numpy(image)[None, None]


@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("shape", [(13, 21), (4, 3), (2, 2), (1, 5)])
def test_bicubic_is_that_of_pillow_at_borders_too(scale, shape):
    image = noise(*shape)
    found = BicubicUpsample(scale)(as_batch(image))[0, 0].numpy()
    size = (scale * shape[1], scale * shape[0])
    pillow = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))
    np.testing.assert_allclose(found, pillow, rtol=0, atol=1e-5)
    np.testing.assert_allclose(found, upscale_bicubic(image, scale), rtol=0, atol=1e-5)


def test_bicubic_treats_every_image_of_a_batch_alike():
    images = torch.from_numpy(noise(3, 1, 9, 7))
    upsample = BicubicUpsample(2)
    together = upsample(images)
    assert together.shape == (3, 1, 18, 14)
    for i in range(3):
        torch.testing.assert_close(together[i], upsample(images[i : i + 1])[0])


@pytest.mark.parametrize("sigma", [0.62, 1.249, 3.090016, 5.06])
@pytest.mark.parametrize("shape", [(40, 53), (9, 5)])
def test_blur_is_that_of_the_engine_at_borders_too(sigma, shape):
    # The second shape is smaller than the widest kernels: the mirror is itself mirrored.
    image = noise(*shape)
    found = GaussianBlur((sigma,))(as_batch(image))[0, 0].numpy()
    np.testing.assert_allclose(found, gaussian_blur(image, sigma), rtol=0, atol=1e-6)


def test_one_plane_a_sigma():
    image = noise(31, 24)
    planes = GaussianBlur(PAPER_SIGMAS)(as_batch(image))[0].numpy()
    assert planes.shape == (5, 31, 24)
    for plane, sigma in zip(planes, PAPER_SIGMAS, strict=True):
        np.testing.assert_allclose(plane, gaussian_blur(image, sigma), rtol=0, atol=1e-6)


def test_valid_blur_is_the_inside_of_the_mirrored_one():
    image = as_batch(noise(40, 44))
    valid = GaussianBlur(PAPER_SIGMAS, "valid")
    r = valid.radius
    assert r == 13, "ceil(4 * 3.09)"
    inside = GaussianBlur(PAPER_SIGMAS)(image)[:, :, r:-r, r:-r]
    torch.testing.assert_close(valid(image), inside, rtol=0, atol=1e-6)


def test_the_kernel_is_symmetric_and_sums_to_one():
    kernel = gaussian_kernel(1.3)
    assert len(kernel) == 2 * 6 + 1
    torch.testing.assert_close(kernel, kernel.flip(0), rtol=0, atol=0)
    assert float(kernel.sum()) == pytest.approx(1.0, abs=1e-6)
    assert int(kernel.argmax()) == 6


def test_filters_are_no_part_of_the_weights():
    assert not BicubicUpsample(2).state_dict()
    assert not GaussianBlur(PAPER_SIGMAS).state_dict()
    assert not list(GaussianBlur(PAPER_SIGMAS).parameters())
