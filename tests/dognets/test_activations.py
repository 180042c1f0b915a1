"""The PReLU that trains fast on a CPU is PyTorch's."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

import torch
from torch import nn

from dognets.models.activations import PReLU


def both(channels, dtype):
    torch.manual_seed(3)
    ours, theirs = PReLU(channels), nn.PReLU(channels)
    with torch.no_grad():
        # Slopes of both signs and above one: no shortcut by a maximum holds for all of them.
        ours.weight.copy_(torch.linspace(-0.5, 1.5, channels))
    theirs.load_state_dict(ours.state_dict())
    return ours.to(dtype), theirs.to(dtype)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_values_and_gradients_are_pytorchs(dtype, layout):
    ours, theirs = both(6, dtype)
    features = torch.randn(3, 6, 9, 7, dtype=dtype).contiguous(memory_format=layout)
    weights = torch.randn(3, 6, 9, 7, dtype=dtype)
    gradients = []
    for layer in (ours, theirs):
        x = features.clone().requires_grad_()
        y = layer(x)
        (y * weights).sum().backward()
        gradients.append((y.detach(), x.grad, layer.weight.grad))
    close = {"rtol": 0.02, "atol": 0.1} if dtype is torch.bfloat16 else {}
    for a, b in zip(*gradients, strict=True):
        torch.testing.assert_close(a, b, **close)


def test_the_gradient_is_that_of_the_values():
    layer, _ = both(4, torch.float64)
    x = torch.randn(2, 4, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda v, w: torch.func.functional_call(layer, {"weight": w}, (v,)),
        (x, layer.weight.detach().requires_grad_()),
    )


def test_a_gradient_of_zero_at_zero_passes_through_the_slope():
    layer, theirs = both(1, torch.float32)
    results = []
    for one in (layer, theirs):
        x = torch.zeros(1, 1, 1, 1, requires_grad=True)
        one(x).sum().backward()
        results.append(x.grad.item())
    assert results[0] == results[1]


def test_evaluation_is_pytorchs_own():
    ours, theirs = both(5, torch.float32)
    x = torch.randn(1, 5, 8, 8)
    with torch.inference_mode():
        assert torch.equal(ours.eval()(x), theirs.eval()(x))
