"""Float32 is float32 on GPUs too. The switch is PyTorch's own, so that no GPU is needed here."""

from __future__ import annotations

import threading

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")

import torch

from dognets import inference
from dognets.exactness import exact_float32
from tests.dognets.networks import small_model

GPU, CPU = torch.device("cuda"), torch.device("cpu")


@pytest.fixture(autouse=True)
def tf32_as_by_default():
    assert torch.backends.cudnn.allow_tf32
    yield
    assert torch.backends.cudnn.allow_tf32, "as it was before"


def test_convolutions_are_exact_within():
    with exact_float32(GPU):
        assert not torch.backends.cudnn.allow_tf32
        with exact_float32(GPU):
            assert not torch.backends.cudnn.allow_tf32
        assert not torch.backends.cudnn.allow_tf32
    with pytest.raises(KeyError), exact_float32(GPU):
        raise KeyError


@pytest.mark.skipif(
    not hasattr(torch.backends.cudnn, "conv"), reason="the newer switches came with PyTorch 2.9"
)
def test_beside_the_newer_switches():
    conv = torch.backends.cudnn.conv
    try:
        conv.fp32_precision = "ieee"
        conv.fp32_precision = "tf32"
        torch.backends.cudnn.rnn.fp32_precision = "ieee"
        with exact_float32(GPU):
            assert conv.fp32_precision == "ieee"
        assert conv.fp32_precision == "tf32"
    finally:
        torch.backends.cudnn.allow_tf32 = True


def test_other_devices_change_nothing():
    with exact_float32(CPU):
        assert torch.backends.cudnn.allow_tf32


def test_the_last_thread_out_gives_it_back():
    entered, leave = threading.Event(), threading.Event()
    seen = []

    def longer():
        with exact_float32(GPU):
            entered.set()
            leave.wait(30)
            seen.append(torch.backends.cudnn.allow_tf32)

    with exact_float32(GPU):
        thread = threading.Thread(target=longer)
        thread.start()
        entered.wait(30)
    assert not torch.backends.cudnn.allow_tf32
    leave.set()
    thread.join(30)
    assert seen == [False]


def test_networks_run_within(monkeypatch):
    asked = []

    def on_a_gpu(device):
        asked.append(device)
        return exact_float32(GPU)

    monkeypatch.setattr(inference, "exact_float32", on_a_gpu)
    one = inference.Runner(small_model("method3"), "cpu")
    seen = []
    usual = one.model.forward
    monkeypatch.setattr(
        one.model,
        "forward",
        lambda low: seen.append(torch.backends.cudnn.allow_tf32) or usual(low),
    )
    one(np.zeros((24, 24), np.float32))
    assert (asked, seen) == ([CPU], [False])
