"""Networks as providers: by name, with own weights, and refused where they do not fit."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")

import dognets.providers
import siftcore
from dognets.errors import DeviceError, WeightsError
from dognets.pretrained import WEIGHTS_FOLDER
from siftcore.errors import ParameterError
from siftcore.rows import ArrayRows
from siftcore.scalespace.enlarging import upscale_bicubic
from siftcore.scalespace.geometry import PAPER_SIGMAS
from siftcore.scalespace.stack_sr import StackSR
from siftcore.scalespace.superres import PixelSR
from tests.dognets.runs import tiny_trainer
from tests.dognets.weights import save_small

VARIANTS = {
    "method1": ("", "-half"),
    "method2": ("", "-half"),
    "method3": ("", "-tiny", "-large", "-real"),
    "srcnn": ("",),
    "vdsr": ("",),
    "edsr": ("", "-half"),
    "srgan": ("",),
}
NAMES = sorted(
    f"{family}-x{scale}{variant}"
    for family, variants in VARIANTS.items()
    for variant in variants
    for scale in (2, 4)
)
SHIPPED = [name for name in NAMES if (WEIGHTS_FOLDER / f"{name}.safetensors").is_file()]
ABSENT = [name for name in NAMES if name not in SHIPPED]


@pytest.fixture(scope="module")
def small(camera):
    """48 wide and 40 high."""
    return np.ascontiguousarray(camera[60:100, 180:228])


@pytest.fixture
def no_weights(monkeypatch, tmp_path):
    """A package without weight files."""
    (tmp_path / "empty").mkdir()
    monkeypatch.setattr(
        dognets.providers, "_weights_file", lambda name: tmp_path / "empty" / f"{name}.safetensors"
    )


def test_all_are_registered():
    assert set(NAMES) <= set(siftcore.list_providers())
    for name in NAMES:
        info = siftcore.provider_info(name)
        assert info.requires == ("torch", "safetensors")
        assert info.extra == "torch"
        assert info.missing is None
        assert info.summary


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_networks_extract(small, name):
    assert siftcore.provider_info(name).available
    provider = siftcore.get_provider(name, device="cpu")
    assert provider.name == name
    features = siftcore.extract(small, provider=provider)
    assert len(features) > 5
    assert features.provider == name
    assert features.image_size == (48, 40)
    assert (features.xy >= -0.5).all()
    assert (features.xy <= np.array([48, 40]) - 0.5).all()


@pytest.mark.parametrize("name", ["method3-x2", "method3-x4-tiny"])
def test_strips_give_what_one_piece_gives(camera, name):
    pixels = np.ascontiguousarray(camera[60:157, 180:251])
    provider = siftcore.get_provider(name, device="cpu")
    whole = siftcore.extract(pixels, provider)
    assert len(whole) > 20

    class InStrips:
        def build(self, image, params):
            return provider.build_in_strips(ArrayRows(pixels), params, 20)

    InStrips.name = name
    found = siftcore.extract(pixels, InStrips())
    for field in ("xy", "sigma", "angle", "response", "descriptors"):
        np.testing.assert_array_equal(getattr(found, field), getattr(whole, field))


def test_without_weights_a_provider_is_not_available(no_weights):
    available = siftcore.list_providers(available_only=True)
    for name in NAMES:
        info = siftcore.provider_info(name)
        assert not info.available
        assert info.absent == "weights of your own training"
        assert name not in available
        with pytest.raises(WeightsError, match=rf"dognets train --preset {name}`.*weights=RUN"):
            siftcore.get_provider(name)


@pytest.mark.parametrize("name", ABSENT)
def test_networks_without_shipped_weights_say_so(name):
    assert not siftcore.provider_info(name).available
    with pytest.raises(WeightsError, match=f"no weights of '{name}' come with this version"):
        siftcore.get_provider(name)


@pytest.mark.usefixtures("no_weights")
@pytest.mark.parametrize("network", ["method1", "method2", "method3", "method3-lowe", "edsr"])
def test_own_weights(small, tmp_path, network):
    model, _ = save_small(network, tmp_path / "own.safetensors")
    name = network.partition("-")[0] + "-x2"
    provider = siftcore.get_provider(name, device="cpu", weights=tmp_path / "own.safetensors")
    assert isinstance(provider, PixelSR if model.predicts == "image" else StackSR)
    assert provider.name == name
    octave = next(iter(provider.build(siftcore.load_image(small), siftcore.SiftParams())))
    # An image is doubled once more, as every image is; a stack is an octave as it comes.
    step = 4 if model.predicts == "image" else 2
    assert octave.delta == 1 / step
    assert octave.origin == -0.25
    assert octave.gaussians.shape[1:] == (40 * step, 48 * step)
    siftcore.extract(small, provider=provider)


def test_levels_carry_the_blur_of_the_filtered_image(tmp_path):
    save_small("method2", tmp_path / "own.safetensors")
    provider = siftcore.get_provider("method2-x2", weights=tmp_path / "own.safetensors")
    np.testing.assert_allclose(provider.sigmas, np.hypot(PAPER_SIGMAS, 0.5))
    save_small("method3-lowe", tmp_path / "lowe.safetensors")
    provider = siftcore.get_provider("method3-x2", weights=tmp_path / "lowe.safetensors")
    np.testing.assert_allclose(provider.sigmas, 1.6 * 2 ** (np.arange(6) / 3))


def test_untrained_method3_finds_what_bicubic_finds(crop, tmp_path):
    from dognets.pretrained import save_weights
    from tests.dognets.networks import small_model
    from tests.dognets.weights import facts

    save_weights(small_model("method3"), tmp_path / "own.safetensors", facts("method3"))
    provider = siftcore.get_provider(
        "method3-x2", device="cpu", weights=tmp_path / "own.safetensors"
    )
    grey = siftcore.load_image(crop)
    # At the border the runner mirrors the image, where Pillow cuts its kernel.
    inside = (slice(4, -4),) * 2
    expected = upscale_bicubic(grey, 2)
    np.testing.assert_allclose(provider.upscale(grey)[inside], expected[inside], atol=1e-5)
    np.testing.assert_allclose(provider.upscale(grey), expected, atol=0.02)
    ours = siftcore.extract(crop, provider=provider)
    bicubic = siftcore.extract(crop, provider="bicubic-x2")
    assert abs(len(ours) - len(bicubic)) <= 0.02 * len(bicubic)


def test_the_folder_of_a_run(photo_folder, tmp_path, small):
    from dognets.training.report import finish

    trainer = tiny_trainer(photo_folder, tmp_path / "run", steps=2)
    finish(trainer, trainer.run(), photo_folder)
    provider = siftcore.get_provider("method3-x2", device="cpu", weights=tmp_path / "run")
    assert len(siftcore.extract(small, provider=provider)) > 5


@pytest.mark.parametrize("name", ["method3-x4", "method2-x2", "edsr-x2"])
def test_weights_of_another_network_are_refused(tmp_path, name):
    save_small("method3", tmp_path / "own.safetensors")
    with pytest.raises(WeightsError, match=rf"is method3-x2; provider '{name}' needs its own"):
        siftcore.get_provider(name, weights=tmp_path / "own.safetensors")


def test_weights_that_are_not_there_are_named(tmp_path):
    with pytest.raises(WeightsError, match=r"no weight file .*gone"):
        siftcore.get_provider("method3-x2", weights=tmp_path / "gone")


@pytest.mark.skipif(not SHIPPED, reason="this version ships no weights")
def test_damaged_shipped_weights_are_refused(monkeypatch, tmp_path):
    name = SHIPPED[0]
    shutil.copytree(WEIGHTS_FOLDER, tmp_path / "weights")
    monkeypatch.setattr(
        dognets.providers, "_weights_file", lambda n: tmp_path / "weights" / f"{n}.safetensors"
    )
    siftcore.get_provider(name, device="cpu")
    path = tmp_path / "weights" / f"{name}.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(WeightsError, match=rf"{name}\.safetensors.* damaged or was altered"):
        siftcore.get_provider(name, device="cpu")


def test_options_reach_the_network(tmp_path, small):
    save_small("method3", tmp_path / "own.safetensors")
    path = tmp_path / "own.safetensors"
    whole = siftcore.get_provider("method3-x2", device="cpu", weights=path)
    tiles = siftcore.get_provider("method3-x2", device="cpu", weights=path, tile=16)
    half = siftcore.get_provider("method3-x2", device="cpu", weights=path, precision="bfloat16")
    grey = siftcore.load_image(small)
    expected = whole.upscale(grey)
    np.testing.assert_allclose(tiles.upscale(grey), expected, rtol=0, atol=1e-6)
    assert 1e-5 < np.abs(half.upscale(grey) - expected).max() < 0.1
    for options, message in (
        ({"precision": "float8"}, "precision must be"),
        ({"tile": 0}, "tile must be"),
        ({"device": "gpu"}, "device must be"),
        ({"wieghts": path}, "wieghts"),
    ):
        with pytest.raises(ParameterError, match=message):
            siftcore.get_provider("method3-x2", **{"weights": path} | options)


def test_a_device_that_is_not_there(monkeypatch, tmp_path):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    save_small("method3", tmp_path / "own.safetensors")
    with pytest.raises(DeviceError, match="'cuda' is not there; this machine has"):
        siftcore.get_provider("method3-x2", device="cuda", weights=tmp_path / "own.safetensors")
