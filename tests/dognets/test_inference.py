"""Whole images through a network: tiles, batches, precision, devices and too little memory."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")

import torch

from dognets import inference
from dognets.errors import DeviceError
from dognets.inference import Runner, choose_device
from siftcore.errors import ParameterError
from tests.dognets.networks import SMALL, small_model, stirred

CONVOLUTIONAL = [name for name in SMALL if name not in ("method1", "method2")]


def image(*shape, seed=0):
    return np.random.default_rng(seed).random(shape, np.float32)


def runner(name, scale=2, **settings):
    return Runner(stirred(small_model(name, scale)), "cpu", **settings)


@pytest.mark.parametrize("name", CONVOLUTIONAL)
@pytest.mark.parametrize(("scale", "shape"), [(2, (37, 50)), (4, (25, 18))])
def test_tiles_equal_one_piece(name, scale, shape):
    whole = runner(name, scale)(image(*shape))
    assert whole.shape[1:] == (scale * shape[0], scale * shape[1])
    assert whole.dtype == np.float32
    for tile in (8, 16, 23, 40, 1000):
        found = runner(name, scale, tile=tile)(image(*shape))
        np.testing.assert_allclose(found, whole, rtol=0, atol=1e-6 * max(1, np.abs(whole).max()))


def test_tiles_are_really_used(monkeypatch):
    seen = []
    one = runner("method3", tile=16)
    usual = one.model.forward
    monkeypatch.setattr(one.model, "forward", lambda low: seen.append(low.shape) or usual(low))
    one(image(37, 50))
    border = 2 * one.model.radius
    assert len(seen) == 3 * 4
    assert set(seen) == {(1, 1, h + border, w + border) for h in (16, 5) for w in (16, 2)}


def test_the_border_is_a_mirror():
    one = runner("method3")
    inner, r = image(20, 24), one.model.radius
    mirrored = np.pad(inner, r, mode="symmetric")
    with torch.inference_mode():
        expected = one.model(torch.from_numpy(mirrored)[None, None])[0].numpy()
    np.testing.assert_allclose(
        one(inner), expected[:, 2 * r : -2 * r, 2 * r : -2 * r], rtol=0, atol=1e-6
    )


@pytest.mark.parametrize("shape", [(1, 1), (3, 2), (1, 40)])
@pytest.mark.parametrize("name", SMALL)
def test_tiny_images(name, shape):
    found = runner(name)(image(*shape))
    assert found.shape[1:] == (2 * shape[0], 2 * shape[1])
    assert np.isfinite(found).all()


@pytest.mark.parametrize("name", ["method3", "method2"])
def test_a_batch_equals_one_by_one(name):
    images = [image(21, 30, seed=i) for i in range(3)]
    one = runner(name)
    together = one.batch(images)
    assert together.shape == (3, one.model.channels_out, 42, 60)
    for found, low in zip(together, images, strict=True):
        np.testing.assert_allclose(found, one(low), rtol=0, atol=1e-6)


@pytest.mark.parametrize("shapes", [[], [(20, 30), (30, 20)]])
def test_images_of_a_batch_are_of_one_size(shapes):
    with pytest.raises(ParameterError, match="images of one size"):
        runner("method3").batch([image(*shape) for shape in shapes])


@pytest.mark.parametrize("name", ["method1", "method2"])
def test_networks_that_see_everything_run_in_one_piece(name, monkeypatch):
    one = runner(name, tile=8)
    calls = []
    usual = one.model.forward
    monkeypatch.setattr(one.model, "forward", lambda low: calls.append(1) or usual(low))
    found = one(image(37, 50))
    assert len(calls) == 1
    np.testing.assert_array_equal(found, runner(name)(image(37, 50)))


@pytest.mark.parametrize(("precision", "error"), [("float16", 5e-3), ("bfloat16", 5e-2)])
def test_half_precision(precision, error):
    low = image(24, 30)
    whole = runner("method3")(low)
    half = runner("method3", precision=precision)(low)
    assert half.dtype == np.float32
    difference = np.abs(half - whole).max()
    assert 0 < difference < error


def test_auto_is_single_precision_on_the_cpu():
    assert runner("method3").dtype == torch.float32
    assert runner("method3", precision="float32").dtype == torch.float32


def test_the_callers_image_is_not_changed():
    low = image(20, 20)
    before = low.copy()
    runner("method3")(low)
    np.testing.assert_array_equal(low, before)


def test_devices():
    assert choose_device("cpu") == torch.device("cpu")
    assert choose_device("auto").type in ("cpu", "cuda", "mps")


@pytest.mark.parametrize("device", ["cuda", "cuda:0", "cuda:7", "mps", "cuda:x", "cuda:"])
def test_a_device_that_is_not_there(monkeypatch, device):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(DeviceError, match=f"device '{device}' is not there; this machine has cpu$"):
        Runner(small_model("method3"), device)
    assert choose_device("auto") == torch.device("cpu")


def test_a_gpu_of_a_number_that_is_not_there(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(DeviceError, match="'cuda:2' is not there; this machine has 2 GPUs"):
        choose_device("cuda:2")
    assert choose_device("cuda:1") == torch.device("cuda", 1)


@pytest.mark.parametrize("device", ["gpu", "", "tpu:0", "CUDA"])
def test_what_is_no_device(device):
    with pytest.raises(ParameterError, match="device must be 'auto'"):
        choose_device(device)


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"precision": "float8"}, "precision"),
        ({"precision": None}, "precision"),
        ({"tile": 0}, "tile"),
        ({"tile": 32.5}, "tile"),
        ({"tile": True}, "tile"),
        ({"tile": "big"}, "tile"),
    ],
)
def test_bad_settings(settings, name):
    with pytest.raises(ParameterError, match=f"{name} must be"):
        runner("method3", **settings)


def starve(monkeypatch, one, side, error):
    """Let the network fail on anything larger than `side`."""
    usual = one.model.forward

    def forward(low):
        if max(low.shape[2:]) > side:
            raise error
        return usual(low)

    monkeypatch.setattr(one.model, "forward", forward)


OUT_OF_MEMORY = {
    "cuda": torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB"),
    "mps": RuntimeError("MPS backend out of memory (MPS allocated: 8 GB)"),
    "linux": RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 4"),
    "windows": RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 4"),
}


@pytest.mark.parametrize("system", OUT_OF_MEMORY)
def test_too_little_memory_gives_smaller_tiles(monkeypatch, system):
    low = image(130, 90)
    whole = runner("method3")(low)
    one = runner("method3")
    starve(monkeypatch, one, 40 + 2 * one.model.radius, OUT_OF_MEMORY[system])
    with pytest.warns(RuntimeWarning, match="out of memory on cpu") as caught:
        found = one(low)
    assert [str(w.message).partition("; ")[2] for w in caught] == ["trying 65", "trying 32"]
    np.testing.assert_allclose(found, whole, rtol=0, atol=1e-6)
    # The next image begins with what fitted: no warning.
    np.testing.assert_allclose(one(low), whole, rtol=0, atol=1e-6)


def test_memory_for_nothing_is_an_error(monkeypatch):
    one = runner("method3")
    starve(monkeypatch, one, 10, OUT_OF_MEMORY["cuda"])
    with (
        pytest.warns(RuntimeWarning, match="trying 35"),
        pytest.raises(MemoryError, match=r"not enough memory on cpu for an image of 50 x 70"),
    ):
        one(image(70, 50))


def test_one_piece_that_does_not_fit_is_an_error(monkeypatch):
    one = runner("method2")
    starve(monkeypatch, one, 40, OUT_OF_MEMORY["linux"])
    with pytest.raises(MemoryError, match="not enough memory"):
        one(image(70, 50))


def test_other_errors_come_through(monkeypatch):
    one = runner("method3")
    starve(monkeypatch, one, 40, RuntimeError("something else"))
    with pytest.raises(RuntimeError, match="something else"):
        one(image(70, 50))


def test_huge_images_are_tiled_from_the_start(monkeypatch):
    monkeypatch.setattr(inference, "FIRST_TILE", 32)
    one = runner("method3")
    starve(monkeypatch, one, 32 + 2 * one.model.radius, RuntimeError("too large"))
    np.testing.assert_allclose(
        one(image(70, 50)), runner("method3", tile=1000)(image(70, 50)), rtol=0, atol=1e-6
    )
