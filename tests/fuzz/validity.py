"""What a valid result is."""

from __future__ import annotations

from typing import Any

import numpy as np

from siftcore import Features, Matches, MatchResult

__all__ = ["check_extracted", "check_features", "check_match_result", "check_matches"]

_FORMS = {
    "xy": (np.float32, (2,)),
    "sigma": (np.float32, ()),
    "angle": (np.float32, ()),
    "response": (np.float32, ()),
    "octave": (np.int16, ()),
    "level": (np.float32, ()),
    "descriptors": (np.float32, (128,)),
}


def check_features(features: Features) -> None:
    """Shapes and types right, every number finite, every sigma positive, every angle a turn."""
    assert isinstance(features, Features)
    n = len(features)
    for name, (dtype, tail) in _FORMS.items():
        array: np.ndarray = getattr(features, name)
        assert array.dtype == dtype, name
        assert array.shape == (n, *tail), name
        assert np.isfinite(array).all(), name
    assert (features.sigma > 0).all()
    assert (features.angle >= 0).all()
    assert (features.angle < np.float32(2 * np.pi)).all()
    width, height = features.image_size
    assert isinstance(width, int)
    assert isinstance(height, int)
    assert isinstance(features.provider, str)


def check_extracted(features: Features, image_size: tuple[int, int] | None = None) -> None:
    """Valid, inside the image, descriptors of norm 1, strongest first."""
    check_features(features)
    if image_size is not None:
        assert features.image_size == image_size
    width, height = features.image_size
    x, y = features.xy.T
    assert (x >= -0.5).all()
    assert (y >= -0.5).all()
    assert (x <= width - 0.5).all()
    assert (y <= height - 0.5).all()
    assert (np.diff(features.response) <= 0).all()
    assert (features.descriptors >= 0).all()
    norms = np.linalg.norm(features.descriptors, axis=1)
    assert ((np.abs(norms - 1) < 1e-3) | (norms == 0)).all()


def check_matches(matches: Matches, n_a: int, n_b: int, with_distance: bool = True) -> None:
    """Rows that exist, in order; finite distances and ratios."""
    m = len(matches)
    assert matches.indices.dtype == np.int32
    assert matches.indices.shape == (m, 2)
    assert matches.ratio.shape == matches.distance.shape == (m,)
    assert (matches.indices >= 0).all()
    assert (matches.indices < (n_a, n_b)).all()
    assert (np.diff(matches.indices[:, 0]) > 0).all()
    assert np.isfinite(matches.ratio).all()
    if with_distance:
        assert np.isfinite(matches.distance).all()
        assert (matches.distance >= 0).all()


def check_match_result(result: MatchResult) -> None:
    """All of its parts."""
    check_extracted(result.features_a)
    check_extracted(result.features_b)
    check_matches(result.matches, len(result.features_a), len(result.features_b))
    check_geometry(result.model, result.inliers, len(result))


def check_geometry(model: Any, inliers: Any, n: int) -> None:
    """A finite 3 x 3 matrix or none, and as many flags as matches."""
    if inliers is not None:
        assert inliers.shape == (n,)
        assert inliers.dtype == np.bool_
    if model is not None:
        assert model.shape == (3, 3)
        assert np.isfinite(model).all()
