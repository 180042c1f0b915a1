"""Adam and Muon: every parameter once, updates of known size."""

from __future__ import annotations

from collections import Counter

import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")

import torch
from torch import nn

from dognets.models import build_model
from dognets.training.optimisers import Muon, make_optimisers
from siftcore.errors import ParameterError
from tests.dognets.networks import SMALL, small_model


def muon_step(gradient, lr=1.0, momentum=0.95):
    """What one step takes off."""
    p = nn.Parameter(torch.zeros_like(gradient))
    p.grad = gradient.clone()
    Muon([p], lr=lr, momentum=momentum).step()
    return -p.detach()


@pytest.mark.parametrize("shape", [(24, 24, 3, 3), (48, 20), (20, 48), (64, 4, 2, 2)])
def test_an_update_has_singular_values_near_one(shape):
    torch.manual_seed(0)
    update = muon_step(torch.randn(shape)).flatten(1)
    values = torch.linalg.svdvals(update)
    # Tall matrices are stretched, so that their outputs change as those of square ones do.
    stretch = max(1.0, update.shape[0] / update.shape[1]) ** 0.5
    assert values.min() > 0.5 * stretch
    assert values.max() < 1.35 * stretch


def test_an_update_does_not_depend_on_the_size_of_the_gradient():
    torch.manual_seed(0)
    gradient = torch.randn(32, 32)
    torch.testing.assert_close(
        muon_step(gradient), muon_step(1e-12 * gradient), rtol=1e-5, atol=1e-6
    )
    torch.testing.assert_close(muon_step(gradient, lr=0.1), 0.1 * muon_step(gradient))


@pytest.mark.parametrize("optimiser", ["adam", "muon"])
def test_losses_may_be_tiny(optimiser):
    """The squared error of a coarse DoG is 1e-8; its network must learn as fast as any other."""
    moved = []
    for size in (1.0, 1e-6):
        model = small_model("method2")
        before = [p.detach().clone() for p in model.parameters()]
        steps = make_optimisers(optimiser, model, 1e-3)
        (size * model(torch.full((1, 1, 8, 8), 0.3)).square().mean()).backward()
        for step in steps:
            step.step()
        moved.append([p - b for p, b in zip(model.parameters(), before, strict=True)])
    # Where the gradient itself is next to nothing its rounding decides.
    agree = [(a - b).abs() < 5e-5 for a, b in zip(*moved, strict=True)]
    assert torch.cat([part.flatten() for part in agree]).float().mean() > 0.99


def test_an_update_goes_down():
    torch.manual_seed(0)
    gradient = torch.randn(18, 8, 3, 3)
    assert (gradient * muon_step(gradient)).sum() > 0


def test_momentum_remembers():
    p = nn.Parameter(torch.zeros(16, 16))
    optimiser = Muon([p], lr=1.0)
    torch.manual_seed(0)
    p.grad = torch.randn(16, 16)
    optimiser.step()
    after_one = p.detach().clone()
    p.grad = torch.zeros(16, 16)
    optimiser.step()
    assert not torch.equal(p, after_one), "it goes on without a gradient"


def test_parameters_without_gradient_stay():
    p = nn.Parameter(torch.ones(4, 4))
    Muon([p], lr=1.0).step()
    assert torch.equal(p, torch.ones(4, 4))


def test_a_closure_makes_the_gradient_anew():
    p = nn.Parameter(torch.ones(16, 16))
    optimiser = Muon([p], lr=0.1)

    def closure():
        optimiser.zero_grad()
        loss = p.square().sum()
        loss.backward()
        return loss

    assert optimiser.step(closure) == 256
    assert not torch.equal(p, torch.ones(16, 16))


def test_muon_solves_a_quadratic():
    torch.manual_seed(0)
    goal = torch.randn(20, 20)
    p = nn.Parameter(torch.zeros(20, 20))
    optimiser = Muon([p], lr=0.2)
    errors = []
    for step in range(120):
        optimiser.param_groups[0]["lr"] = 0.2 * (1 - step / 120)
        loss = (p - goal).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        errors.append(float(loss.detach()))
    assert errors[-1] < 0.02 * errors[0]


@pytest.mark.parametrize("optimiser", ["adam", "muon"])
@pytest.mark.parametrize("name", SMALL)
def test_every_parameter_is_in_exactly_one_optimiser(name, optimiser):
    model = small_model(name)
    optimisers = make_optimisers(optimiser, model, 0.01)
    groups = [group for o in optimisers for group in o.param_groups]
    counted = Counter(id(p) for group in groups for p in group["params"])
    assert set(counted) == {id(p) for p in model.parameters()}
    assert set(counted.values()) == {1}
    assert all(group["base_lr"] == group["lr"] for group in groups)


def test_muon_takes_the_inner_kernels():
    model = build_model("method3", 2, channels=24, depth=3)
    muon, adam = make_optimisers("muon", model, 0.015)
    assert isinstance(muon, Muon)
    assert muon.param_groups[0]["lr"] == 0.015
    assert [tuple(p.shape) for p in muon.param_groups[0]["params"]] == [(24, 24, 3, 3)] * 3
    assert adam.param_groups[0]["lr"] == 0.002, "Adam's own, whatever Muon's is"


def test_a_network_too_narrow_for_muon_is_left_to_adam():
    (only,) = make_optimisers("muon", build_model("method3", 2, channels=8, depth=2), 0.015)
    assert isinstance(only, torch.optim.Adam)


def test_state_survives_saving():
    torch.manual_seed(0)
    start, gradients = torch.randn(18, 18), torch.randn(4, 18, 18)

    def run(p, optimiser, steps):
        for gradient in steps:
            p.grad = gradient.clone()
            optimiser.step()

    p = nn.Parameter(start.clone())
    whole = Muon([p], lr=0.1)
    run(p, whole, gradients)
    q = nn.Parameter(start.clone())
    first = Muon([q], lr=0.1)
    run(q, first, gradients[:2])
    second = Muon([q], lr=0.7)
    second.load_state_dict(first.state_dict())
    run(q, second, gradients[2:])
    assert torch.equal(p, q)


def test_unknown_names_are_refused():
    with pytest.raises(ParameterError, match="'adam' or 'muon'; got 'sgd'"):
        make_optimisers("sgd", small_model("method3"), 0.1)
