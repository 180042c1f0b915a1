"""A larger method3 that computes what a smaller one does: where its training starts.

Widened and deepened without a change of the result, after Net2Net (Chen et al. 2016), so that what
was learned once is not learned again.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from dognets.errors import WeightsError
from dognets.models import SuperResolver
from dognets.models.method3 import Method3
from dognets.models.trunks import PlainTrunk
from dognets.pretrained import WeightsEntry

__all__ = ["start_from"]


@torch.no_grad()
def start_from(
    model: SuperResolver, trained: SuperResolver, entry: WeightsEntry, options: dict[str, Any]
) -> None:
    """Give `model` the weights of `trained`, or weights with which it computes the same.

    Parameters
    ----------
    model : SuperResolver
        Fresh; changed in place.
    trained : SuperResolver
        Of the same architecture and scale: of the same sizes, or a method3 with a plain trunk that
        is not wider nor deeper than `model`.
    entry : WeightsEntry
        Of `trained`.
    options : dict
        Sizes of `model`.

    Raises
    ------
    WeightsError
        When `trained` does not fit.
    """
    if (type(trained), trained.scale) != (type(model), model.scale):
        raise WeightsError(
            f"cannot start from {entry.name!r}: it is {entry.architecture}-x{entry.scale}, not "
            f"{type(model).__name__.lower()}-x{model.scale}"
        )
    old, new = trained.state_dict(), model.state_dict()
    if {k: v.shape for k, v in old.items()} == {k: v.shape for k, v in new.items()}:
        model.load_state_dict(old)
        return
    if not (_has_plain_trunk(trained) and _has_plain_trunk(model)):
        raise WeightsError(
            f"cannot start from {entry.name!r}: its sizes {entry.options} are not {options}; only "
            "a method3 with a plain trunk can grow"
        )
    layers, known_layers = (len([k for k in s if _is_bias(k)]) for s in (new, old))
    width, known = (len(s["trunk.0.weight"]) for s in (new, old))
    same_head = new["head.bias"].shape == old["head.bias"].shape
    if layers < known_layers or width < known or not same_head:
        raise WeightsError(
            f"cannot start from {entry.name!r}: its sizes {entry.options} do not fit into {options}"
        )
    _grow_trunk(old, new, known_layers, layers)
    new["linear.weight"].copy_(old["linear.weight"])
    new["head.bias"].copy_(old["head.bias"])
    new["head.weight"].zero_()[:, :known] = old["head.weight"]


def _has_plain_trunk(model: SuperResolver) -> bool:
    return isinstance(model, Method3) and isinstance(model.trunk, PlainTrunk)


def _is_bias(key: str) -> bool:
    return key.startswith("trunk.") and key.endswith(".bias")


def _grow_trunk(
    old: dict[str, Tensor], new: dict[str, Tensor], known_layers: int, layers: int
) -> None:
    """Old channels see what they saw; new ones start at random and are seen by new ones only."""
    # Spread evenly; between them, layers that pass on what they get.
    places = torch.linspace(0, layers - 1, known_layers).round().int().tolist()
    for i in range(layers):
        # Convolutions and their PReLU take turns.
        kernel, bias, slopes = (
            new[f"trunk.{2 * i}.weight"],
            new[f"trunk.{2 * i}.bias"],
            new[f"trunk.{2 * i + 1}.weight"],
        )
        if i in places:
            j = 2 * places.index(i)
            source = old[f"trunk.{j}.weight"]
            known, seen = source.shape[:2]
            kernel[:known].zero_()[:, :seen] = source
            bias[:known] = old[f"trunk.{j}.bias"]
            slopes[:known] = old[f"trunk.{j + 1}.weight"]
        else:
            known, centre = len(old["trunk.0.weight"]), kernel.shape[-1] // 2
            kernel[:known] = 0.0
            for channel in range(known):
                kernel[channel, channel, centre, centre] = 1.0
            bias[:known] = 0.0
            slopes[:known] = 1.0
