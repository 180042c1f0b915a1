"""Votes: each descriptor of a query for the images of its nearest descriptors.

The weight of a vote is how much nearer the descriptor is than the background, as in local naive
Bayes nearest neighbour (McCann & Lowe 2012): with ``d_1 <= d_2 <= ...`` the distances of a query's
descriptor and K the neighbours that may vote,

    w_j = 1 - (d_j / d_{K+1}) ** 2.

It is near 1 for a descriptor that is like few others, and near 0 for one of a common texture,
which has many as near. Bursts (Jegou, Douze & Schmid 2009) count once: of an image only the
nearest descriptor gets a vote, and a descriptor of the collection keeps only its largest vote.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from siftcore.errors import InputTypeError
from siftcore.retrieval._faiss import with_threads
from siftcore.types import Features
from siftcore.validation import check_integer

if TYPE_CHECKING:
    from siftcore.retrieval.index import ImageIndex

__all__ = ["NEIGHBOURS", "Candidate", "search", "tally"]

# McCann & Lowe recommend 10 to 20.
NEIGHBOURS = 10
# Squared distance of unit vectors that have nothing in common: the background of a collection
# with fewer descriptors than are asked for.
_UNRELATED = 2.0


@dataclass(frozen=True, eq=False)
class Candidate:
    """An image of the collection that may show what the query shows.

    Attributes
    ----------
    name : str
    score : float
        Sum of the weights of its votes.
    votes : int
        Descriptors of the query that voted for it.
    inliers : int or None
        Matches that agree with `model`; None where that was not looked at.
    model : ndarray, (3, 3) float64, or None
        Query to image: the homography, or F with ``image^T F query = 0``.
    """

    name: str
    score: float
    votes: int
    inliers: int | None = None
    model: NDArray[np.float64] | None = None


def tally(
    squared: NDArray[np.float32],
    rows: NDArray[np.int64],
    images: NDArray[np.int64],
    n_images: int,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Scores and votes of all images.

    Parameters
    ----------
    squared : ndarray, (Q, K + 1) float32
        Squared distances of Q descriptors to their nearest, ascending.
    rows : ndarray, (Q, K + 1) int64
        Rows of those in the collection; -1 where there were no more.
    images : ndarray, (Q, K + 1) int64
        Images that those belong to.
    n_images : int

    Returns
    -------
    score : ndarray, (n_images,) float64
    votes : ndarray, (n_images,) int64
    """
    background = np.where(rows[:, -1:] >= 0, squared[:, -1:], _UNRELATED).astype(np.float64)
    share = squared[:, :-1] / np.where(background > 0.0, background, 1.0)
    weight = np.where(background > 0.0, 1.0 - share, 0.0)
    weight = np.where(rows[:, :-1] >= 0, weight.clip(0.0, 1.0), 0.0)
    asking, place = np.nonzero(weight > 0.0)
    weight, row, image = weight[asking, place], rows[asking, place], images[asking, place]
    # The first of its image is the nearest, because np.nonzero goes along each query descriptor.
    _, nearest = np.unique(asking * n_images + image, return_index=True)
    asking, weight, row, image = (part[nearest] for part in (asking, weight, row, image))
    order = np.lexsort((asking, -weight, row))
    _, largest = np.unique(row[order], return_index=True)
    kept = np.sort(order[largest])
    score = np.bincount(image[kept], weight[kept], minlength=n_images)
    votes = np.bincount(image[kept], minlength=n_images)
    return score.astype(np.float64), votes.astype(np.int64)


def search(
    index: ImageIndex, features: Features, top: int = 10, neighbours: int = NEIGHBOURS
) -> list[Candidate]:
    """The images of an index by score; `ImageIndex.query` says more."""
    if not isinstance(features, Features):
        raise InputTypeError(
            "the query must be Features, as siftcore.extract returns; "
            f"got {type(features).__name__}"
        )
    check_integer("top", top, 1, 2**31 - 1)
    # FAISS's heaps grow with it, and it would vote for images that are no neighbours at all.
    check_integer("neighbours", neighbours, 1, 1000)
    if not len(features) or not index.n_descriptors:
        return []
    with with_threads():
        squared, rows = index.structure.search(index.descriptors_of(features), neighbours + 1)
    images = np.searchsorted(index.offsets, rows, side="right") - 1
    score, votes = tally(squared, rows, images, len(index))
    names = index.names
    order = sorted(np.flatnonzero(votes), key=lambda image: (-score[image], names[image]))
    return [
        Candidate(names[image], float(score[image]), int(votes[image])) for image in order[:top]
    ]
