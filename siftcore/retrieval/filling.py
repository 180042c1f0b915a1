"""How descriptors get into an index: all at once, or images that come later."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from siftcore.errors import InputError
from siftcore.retrieval._faiss import DIMENSION, make_structure, trained_on, with_threads
from siftcore.retrieval._sources import FeatureSource, Part
from siftcore.retrieval.index import ImageIndex
from siftcore.retrieval.settings import IndexSettings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from siftcore.types import Features

__all__ = ["add_images", "build_index"]

# What another extraction of the same image would change.
_COMPARED = ("xy", "sigma", "angle", "descriptors")


def build_index(
    source: FeatureSource,
    settings: IndexSettings,
    advance: Callable[[str], None] | None = None,
) -> ImageIndex:
    """As `ImageIndex.from_file`, from any source."""
    counts = dict(sorted(source.counts().items()))
    total = sum(counts.values())
    kind = settings.kind_for(total)
    made = ImageIndex((), (), settings, None)
    sample = _sample(made, source, counts, trained_on(kind, total))
    made.structure, kind = make_structure(kind, total, sample, settings.probes)
    made.settings = replace(settings, kind=kind)
    _fill(made, Part(source, counts), advance)
    return made


def add_images(
    index: ImageIndex, source: FeatureSource, advance: Callable[[str], None] | None = None
) -> tuple[str, ...]:
    """As `ImageIndex.add_file`, from any source."""
    held, fresh = set(index.names), {}
    for name, count in sorted(source.counts().items()):
        if name not in held:
            fresh[name] = count
        elif _are_same(index.features(name), source.read(name)):
            if advance is not None:
                advance(name)
        else:
            raise InputError(
                f"image {name!r} is in the index already, with other features; rename it, or build "
                "the index anew"
            )
    if fresh:
        _fill(index, Part(source, fresh), advance)
    return tuple(fresh)


def _fill(index: ImageIndex, part: Part, advance: Callable[[str], None] | None) -> None:
    """Put a part's descriptors into the structure: of all its images, or of none."""
    providers, before = set(index.providers), index.structure.ntotal
    try:
        for name, expected in part.counts.items():
            features = part.source.read(name)
            if len(features) != expected:
                raise InputError(
                    f"image {name!r} has {len(features)} features, but {expected} were counted; "
                    "leave the file alone while it is indexed"
                )
            providers.add(features.provider)
            if len(features):
                with with_threads():
                    index.structure.add(index.descriptors_of(features))
            if advance is not None:
                advance(name)
    except BaseException:
        with with_threads() as faiss:
            added = faiss.IDSelectorRange(before, index.structure.ntotal)
            index.structure.remove_ids(added)
        raise
    index.parts = (*index.parts, part)
    index.providers = tuple(sorted(providers))


def _sample(
    index: ImageIndex, source: FeatureSource, counts: Mapping[str, int], n: int
) -> NDArray[np.float32]:
    """`n` descriptors of the whole collection, without more than one image's others in memory."""
    if not n:
        return np.zeros((0, DIMENSION), np.float32)
    generator = np.random.default_rng(index.settings.seed)
    rows = np.sort(generator.choice(sum(counts.values()), n, replace=False))
    parts, first = [], 0
    for name, count in counts.items():
        inside = rows[np.searchsorted(rows, first) : np.searchsorted(rows, first + count)] - first
        if len(inside):
            parts.append(index.descriptors_of(source.read(name)[inside]))
        first += count
    return np.concatenate(parts)


def _are_same(one: Features, other: Features) -> bool:
    if one.image_size != other.image_size:
        return False
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in _COMPARED)
