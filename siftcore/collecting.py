"""Features of one image, gathered in little more memory than they take themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from siftcore.kernels.reordering import reorder_rows
from siftcore.selection import order
from siftcore.types import Features

__all__ = ["FeatureCollector"]

_ORDERED = ("xy", "sigma", "angle", "response", "octave")
_SMALL = (*_ORDERED, "level")


class FeatureCollector:
    """One array of descriptors that grows, and is sorted, in place.

    Descriptors are 512 of a keypoint's 538 bytes. Joined from parts and then sorted into a copy,
    they would be in memory three times.

    Parameters
    ----------
    image_size : (int, int)
    provider : str
        As in `Features`.
    """

    def __init__(self, image_size: tuple[int, int], provider: str) -> None:
        nothing = Features.empty(image_size, provider)
        self._image_size, self._provider = image_size, provider
        self._columns: dict[str, list[NDArray[Any]]] = {
            name: [getattr(nothing, name)] for name in _SMALL
        }
        self._descriptors = nothing.descriptors.copy()

    def add(self, part: Features) -> None:
        """Append a part."""
        n = len(self._descriptors)
        # The system's realloc moves the pages of a large array, not their contents.
        self._descriptors.resize((n + len(part), *part.descriptors.shape[1:]), refcheck=False)
        self._descriptors[n:] = part.descriptors
        for name, parts in self._columns.items():
            parts.append(getattr(part, name))

    def nth_response(self, n: int) -> float:
        """The `n`-th largest response so far; 0 if there are fewer."""
        responses = np.concatenate(self._columns["response"])
        return float(np.partition(responses, -n)[-n]) if len(responses) >= n else 0.0

    def ordered(self) -> Features:
        """All of them, strongest first. Nothing can be added afterwards."""
        # Each array is freed as soon as the next one holds the same.
        columns = {name: np.concatenate(self._columns.pop(name)) for name in _SMALL}
        places = order(**{name: columns[name] for name in _ORDERED})
        reorder_rows(self._descriptors, places)
        sorted_columns = {name: columns.pop(name)[places] for name in _SMALL}
        return Features(
            **sorted_columns,
            descriptors=self._descriptors,
            image_size=self._image_size,
            provider=self._provider,
        )
