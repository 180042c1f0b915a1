"""The losses measure what their equations say."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

pytest.importorskip("torch")
pytest.importorskip("safetensors")

import torch

from dognets.errors import WeightsError
from dognets.training.band_losses import (
    LOWE_EDGES,
    PAPER_EDGES,
    BandAndPixelLoss,
    BandLoss,
    KeypointLoss,
)
from dognets.training.losses import LevelLoss, PixelLoss, StackLoss, make_loss
from siftcore.errors import ParameterError
from siftcore.params import ScaleSpaceParams
from siftcore.scalespace.geometry import PAPER_SIGMAS, ladder_sigmas
from tests.dognets.networks import small_model

BANDS = [*pairwise(LOWE_EDGES), *pairwise(PAPER_EDGES)]


def images(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).random(shape, np.float32))


def test_bands_are_those_that_sift_looks_at():
    # Half the engine's own ladder, then that ladder, whose first level the two share.
    fine = [float(s) for s in ladder_sigmas(ScaleSpaceParams())]
    np.testing.assert_allclose(LOWE_EDGES[3:], fine)
    np.testing.assert_allclose(LOWE_EDGES[:3], np.array(fine[:3]) / 2)
    np.testing.assert_allclose(PAPER_EDGES, np.hypot(PAPER_SIGMAS, 0.5))


@pytest.mark.parametrize("side", [48, 49])
def test_band_errors_are_those_of_the_dogs_in_space(side):
    """Parseval: the spectrum gives the mean square of each DoG of the error."""
    rng = np.random.default_rng(1)
    # Sampled and continuous Gaussians agree where there is nothing near the Nyquist frequency.
    error = gaussian_filter(rng.normal(0, 1, (2, side, side)), (0, 1.2, 1.2), mode="wrap")
    target = rng.random((2, side, side))
    loss = BandLoss(side)
    found = loss.band_errors(
        torch.from_numpy(target + error)[:, None], torch.from_numpy(target)[:, None]
    )

    def blurred(image, sigma):
        own = math.sqrt(sigma**2 - 0.25)
        return gaussian_filter(image, own, mode="wrap", truncate=8.0)

    expected = [[np.mean((blurred(e, b) - blurred(e, a)) ** 2) for a, b in BANDS] for e in error]
    assert found.shape == (2, 12)
    np.testing.assert_allclose(found[:, 1:].numpy(), np.array(expected)[:, 1:], rtol=0.01)
    # The narrowest kernel, of 0.62 samples, is too coarsely sampled in space.
    np.testing.assert_allclose(found[:, 0].numpy(), np.array(expected)[:, 0], rtol=0.07)


def test_bands_see_neither_brightness_nor_the_finest_noise():
    target = images(1, 1, 32, 32)
    loss = BandLoss(32)
    noise = 0.1 * torch.randn(1, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    assert loss.band_errors(target + 0.3, target).max() < 1e-12
    checks = torch.from_numpy((np.indices((32, 32)).sum(0) % 2).astype(np.float32)) - 0.5
    assert loss.band_errors(target + 0.1 * checks, target).max() < 2e-6
    assert loss.band_errors(target + 0.5 * noise, target).max() > 2e-5


def test_band_loss_is_one_at_the_usual_error_and_falls_below():
    target = images(4, 1, 32, 32)
    noise = images(4, 1, 32, 32, seed=1) - 0.5
    loss = BandLoss(32)
    first = float(loss(target + noise, target))
    assert first == pytest.approx(1.0, abs=0.05)
    smaller = float(loss(target + 0.5 * noise, target))
    assert smaller == pytest.approx(0.5, abs=0.05)


def test_the_usual_error_is_a_running_mean_and_part_of_the_state():
    target, noise = images(2, 1, 32, 32), images(2, 1, 32, 32, seed=1)
    loss = BandLoss(32)
    loss(target + noise, target)
    usual = loss.state_dict()["weigh.usual"].clone()
    torch.testing.assert_close(usual, loss.band_errors(target + noise, target).mean(0))
    loss(target, target)
    torch.testing.assert_close(loss.state_dict()["weigh.usual"], 0.98 * usual)
    assert set(loss.state_dict()) == {"weigh.usual"}


@pytest.mark.parametrize("loss", [BandLoss(32), LevelLoss(1)])
def test_a_first_batch_without_error_is_finite(loss):
    flat = torch.zeros(2, 1, 32, 32, requires_grad=True)
    found = loss(flat, torch.zeros(2, 1, 32, 32))
    found.backward()
    assert torch.isfinite(found)
    assert torch.isfinite(flat.grad).all()
    assert torch.isfinite(loss(flat + images(2, 1, 32, 32), torch.zeros(2, 1, 32, 32)))


def test_stack_loss_is_equations_5_and_9():
    predicted = torch.zeros(2, 3, 2, 2)
    target = torch.zeros(2, 3, 2, 2)
    # Level 0 off by 2 everywhere in one image, level 2 off by 3 at one pixel of the other.
    predicted[0, 0] = 2.0
    target[1, 2, 0, 1] = 3.0
    expected = (4 * 4) / 8 + 0.0 + 9 / 8
    assert float(StackLoss()(predicted, target)) == pytest.approx(expected)


def test_level_loss_weighs_gaussians_and_dogs_by_their_usual_error():
    target = images(3, 4, 8, 8)
    found = target + 0.1 * images(3, 4, 8, 8, seed=2)
    loss = LevelLoss(4)
    assert float(loss(found, target)) == pytest.approx(1.0, abs=0.05)
    usual = loss.state_dict()["weigh.usual"]
    error = (found - target).numpy()
    dogs, gaussians = np.diff(error, axis=1), error
    expected = [*(dogs**2).mean((0, 2, 3)), *(gaussians**2).mean((0, 2, 3))]
    np.testing.assert_allclose(usual.numpy(), expected, rtol=1e-5)


def test_pixel_loss_is_the_mean_absolute_error():
    target = torch.zeros(1, 1, 2, 2)
    predicted = torch.tensor([[[[1.0, -1.0], [0.0, 0.5]]]])
    assert float(PixelLoss()(predicted, target)) == pytest.approx(2.5 / 4)


RIGHT = [
    ("bands", "method3", BandLoss),
    ("adversarial", "srgan", BandLoss),
    ("pixels", "edsr", PixelLoss),
    ("dogs", "method1", StackLoss),
    ("gaussians", "method2", StackLoss),
    ("levels", "method3-lowe", LevelLoss),
]


@pytest.mark.parametrize(("name", "network", "kind"), RIGHT)
def test_gradients_flow(name, network, kind):
    model = small_model(network)
    loss = make_loss(name, model, 24)
    assert type(loss) is kind
    predicted = model(images(2, 1, 12, 12))
    target = images(*predicted.shape, seed=4)
    before = loss(predicted, target)
    before.backward()
    for key, p in model.named_parameters():
        assert p.grad is not None, key
        assert torch.isfinite(p.grad).all(), key
    assert max(float(p.grad.abs().max()) for p in model.parameters()) > 0


@pytest.mark.parametrize(
    ("name", "network"),
    [
        ("bands", "method1"),
        ("bands", "method3-lowe"),
        ("dogs", "method2"),
        ("gaussians", "method1"),
        ("levels", "method3"),
        ("pixels", "method2"),
        ("adversarial", "method1"),
    ],
)
def test_a_loss_for_something_else_is_refused(name, network):
    model = small_model(network)
    with pytest.raises(WeightsError, match=f"loss '{name}' .* predicts {model.predicts}"):
        make_loss(name, model, 24)


def test_an_unknown_loss_is_refused_with_those_there_are():
    with pytest.raises(ParameterError, match=r"loss must be one of adversarial, bands, .*'huber'"):
        make_loss("huber", small_model("method3"), 24)


def test_dogs_of_the_keypoint_loss_have_the_band_errors_of_the_spectrum():
    loss, error = KeypointLoss(48), images(2, 1, 48, 48) - 0.5
    in_space = loss.dogs(error).square().mean((2, 3))
    torch.testing.assert_close(in_space, loss.band_errors(error, torch.zeros_like(error)))


def blob(side, x, y, sigma):
    row, column = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    return 0.5 + 0.4 * torch.exp(-((column - x) ** 2 + (row - y) ** 2) / (2 * sigma**2))


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_keypoint_loss_finds_blobs(sign):
    loss, image = KeypointLoss(48), blob(48, 30, 14, 1.8)
    near = loss.near_extrema(loss.dogs((0.5 + sign * (image - 0.5))[None, None]))[0, 0]
    rows, columns = torch.nonzero(near, as_tuple=True)
    assert set(rows.tolist()) == {12, 13, 14, 15, 16}
    assert set(columns.tolist()) == {28, 29, 30, 31, 32}


def test_errors_near_keypoints_count_more():
    target = blob(48, 30, 14, 1.8)[None, None]
    error = 0.02 * (blob(48, 0, 0, 1.5) - 0.5)
    near, far = (error.roll((y, x), (0, 1))[None, None] for y, x in ((14, 30), (36, 10)))
    loss = KeypointLoss(48)
    loss(target + near, target)
    usual = loss.weigh.usual.clone()

    def judged(change):
        loss.weigh.usual.copy_(usual)
        return float(loss(target + change, target))

    assert judged(near) > 1.3 * judged(far)


def test_bands_and_pixels_are_both_seen():
    target = images(2, 1, 48, 48)
    loss = BandAndPixelLoss(48)
    loss(target + 0.01, target)
    # A constant is in no band: only the pixels see that it doubles.
    assert float(loss(target + 0.02, target)) > 1.3 * float(loss(target + 0.01, target))
    # Squares of either sign have the same mean absolute error, and only the bands see them.
    squares = torch.kron((-1.0) ** torch.arange(12), torch.ones(4))
    squares = 0.01 * squares[:, None] * squares
    assert float(loss(target + squares, target)) > 1.3 * float(loss(target + 0.01, target))
