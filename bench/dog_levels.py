"""The five Gaussian levels of Noor et al., as a provider gives them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from siftcore.errors import ProviderError
from siftcore.params import ScaleSpaceParams
from siftcore.scalespace.protocol import ScaleSpaceProvider

__all__ = ["DOGS", "paper_levels"]

DOGS = ("D1", "D2", "D3", "D4")
_ON_PAPER_LADDER = ScaleSpaceParams(ladder="paper", first_octave=0, n_octaves=1)


def paper_levels(
    provider: ScaleSpaceProvider, image: NDArray[np.float32], shape: tuple[int, ...]
) -> NDArray[np.float32]:
    """Gaussian levels on the paper's ladder (Noor et al., section 2).

    They are asked for through the provider's public interface, so nothing here knows what it does
    inside. D1 to D4 are the differences of neighbours.

    Parameters
    ----------
    provider : ScaleSpaceProvider
    image : ndarray, (H, W) float32
        Intensities in [0, 1].
    shape : (int, int)
        Height and width that the levels must have.

    Returns
    -------
    ndarray, (5, *shape) float32

    Raises
    ------
    ProviderError
        When the provider gives levels of another number or size, or none.
    """
    image = np.ascontiguousarray(image, np.float32)
    octave = next(iter(provider.build(image, _ON_PAPER_LADDER)), None)
    expected = (len(DOGS) + 1, *shape)
    if octave is None or octave.gaussians.shape != expected:
        came = "no levels" if octave is None else _size(octave.gaussians.shape)
        raise ProviderError(
            f"provider {provider.name!r} gives {came}; expected {_size(expected)} on the paper's "
            f"ladder: choose one that enlarges by {shape[0] // image.shape[0]}"
        )
    return octave.gaussians


def _size(shape: tuple[int, ...]) -> str:
    levels, height, width = shape
    return f"{levels} levels of {width} x {height}"
