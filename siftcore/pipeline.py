"""The public functions on images: extract, match, describe."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from siftcore.collecting import FeatureCollector
from siftcore.describing import check_keypoints, describe_in
from siftcore.detection import (
    Keypoints,
    assign_orientations,
    describe_keypoints,
    detect,
    to_features,
)
from siftcore.errors import InputError
from siftcore.image import check_mask, check_type, load_image
from siftcore.matching import match_features
from siftcore.nodata import fill_black, valid_pixels
from siftcore.octaves import for_octaves
from siftcore.params import SiftParams, resolve_params
from siftcore.rows import GreyRows, open_rows, read_grey
from siftcore.scalespace.protocol import Octave, ScaleSpace, ScaleSpaceProvider, StripProvider
from siftcore.scalespace.registry import resolve_provider
from siftcore.scalespace.strips import faster_in_strips, strip_rows
from siftcore.selection import check_budget, spread_out
from siftcore.types import Features, MatchResult
from siftcore.verification import Geometry, check_geometry, estimate_geometry

__all__ = ["describe", "extract", "match"]

Provider = str | ScaleSpaceProvider


def _inside(octave: Octave, keypoints: Keypoints, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    height, width = mask.shape
    column = np.rint(octave.origin + octave.delta * keypoints.x).astype(np.intp)
    row = np.rint(octave.origin + octave.delta * keypoints.y).astype(np.intp)
    return mask[np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)]


def _strongest(keypoints: Keypoints, n: int, floor: float) -> Keypoints:
    """Those that can be among the `n` strongest of all, when `floor` is the n-th so far.

    Ties stay, because only the final order decides them.
    """
    response = keypoints.response.astype(np.float32)
    if len(response) > n:
        floor = max(floor, float(np.partition(response, -n)[-n]))
    return keypoints.take(response >= floor)


def _scale_space(
    image: Any,
    source: ScaleSpaceProvider,
    params: SiftParams,
    value_range: tuple[float, float] | None,
) -> ScaleSpace:
    """In one piece; in strips where the image is large and the provider can."""
    if not getattr(source, "in_strips", False):
        return source.build(read_grey(image, value_range), params)
    in_strips = cast(StripProvider, source)
    scale: int = getattr(source, "scale", 1)
    rows = open_rows(image, value_range)
    if rows is None:
        grey = load_image(image, value_range)
        height, width = grey.shape
        if not faster_in_strips((scale * height, scale * width), params):
            return source.build(grey, params)
        rows = GreyRows(grey)
    return in_strips.build_in_strips(rows, params, strip_rows(scale * rows.shape[1], params))


def extract(
    image: Any,
    provider: Provider = "dog",
    params: SiftParams | str | None = None,
    mask: Any = None,
    max_keypoints: int | None = None,
    spread: bool = False,
    value_range: tuple[float, float] | None = None,
) -> Features:
    """Detect and describe the keypoints of an image.

    Parameters
    ----------
    image : path, PIL image, ndarray or torch tensor
        (H, W) or (H, W, 1|3|4) array of bool, uint8, uint16 or float; tensor (H, W) or (C, H, W).
        RGB order. See `siftcore.load_image`. Also rasterio datasets, memory-maps and HDF5 data
        sets. Keypoints on masked pixels of a masked array, or on those without data of a rasterio
        dataset, are left out.
    provider : str or ScaleSpaceProvider, default "dog"
        Where the scale space comes from; see `siftcore.list_providers`.
    params : SiftParams or str, optional
        Settings, or the name of a preset.
    mask : array_like, (H, W), path or PIL image, optional
        Keypoints are kept where it is not zero; it acts before `max_keypoints`.
    max_keypoints : int, optional
        Keep exactly min(this, available), strongest first. Each orientation of a location counts.
    spread : bool, default False
        Choose them over a grid instead, the strongest of each cell first.
    value_range : (float, float), optional
        Values of black and white in `image`, where they differ from its dtype's.

    Returns
    -------
    Features
        By descending response; ties by y, x, sigma, angle. No keypoints is an ordinary result.

    Raises
    ------
    SiftError
        A subclass that is also a ValueError or TypeError: bad image, mask, parameter or provider.

    Examples
    --------
    >>> import numpy as np
    >>> import siftcore
    >>> y, x = np.mgrid[:64, :96]
    >>> blob = np.exp(-((x - 40.3) ** 2 + (y - 30.6) ** 2) / (2 * 4.0**2))
    >>> siftcore.extract(blob, params=siftcore.SiftParams(upright=True)).xy.round(1)
    array([[40.3, 30.6]], dtype=float32)
    """
    settings = resolve_params(params)
    budget = check_budget(max_keypoints)
    source = resolve_provider(provider)
    valid = valid_pixels(image)
    if isinstance(image, np.ma.MaskedArray):
        check_type(image.dtype, value_range)
        image = fill_black(image, value_range)
    space = _scale_space(image, source, settings, value_range)
    image_size = space.image_size
    allowed = check_mask(mask, image_size[::-1])
    if valid is not None:
        allowed = valid if allowed is None else allowed & valid

    collector = FeatureCollector(image_size, source.name)
    strongest = None if spread else budget

    def features_of(octave: Octave) -> Features:
        keypoints = detect(octave, settings)
        if allowed is not None:
            keypoints = keypoints.take(_inside(octave, keypoints, allowed))
        keypoints = assign_orientations(octave, keypoints, settings)
        if strongest is not None:
            # What lies below the n-th largest response so far need not be described.
            keypoints = _strongest(keypoints, strongest, collector.nth_response(strongest))
        descriptors = describe_keypoints(octave, keypoints, settings)
        return to_features(octave, keypoints, descriptors, image_size, source.name)

    for_octaves(space, features_of, collector.add)
    features = collector.ordered()
    if budget is None or len(features) <= budget:
        return features
    return features[spread_out(features, budget)] if spread else features[:budget]


def describe(
    image: Any,
    xy: ArrayLike,
    sigma: ArrayLike,
    angle: ArrayLike | None = None,
    provider: Provider = "dog",
    params: SiftParams | str | None = None,
    value_range: tuple[float, float] | None = None,
) -> Features:
    """Describe given keypoints, in their order.

    Parameters
    ----------
    image : path, PIL image, ndarray or torch tensor
        As for `extract`.
    xy : array_like, (N, 2)
        Column and row in pixels of `image`, inside it.
    sigma : array_like, (N,) or a number
        Gaussian sigma in pixels, positive.
    angle : array_like, (N,) or a number, optional
        Radians. By default the direction of the highest peak of each keypoint's orientation
        histogram, or 0 with ``upright``.
    provider, params, value_range
        As for `extract`.

    Returns
    -------
    Features
        N rows; each described on the Gaussian level nearest to its sigma. `response` is 0.

    Raises
    ------
    InputError
        Shapes that do not fit, NaN, points outside the image, or an image too small for an octave.
    """
    settings = resolve_params(params)
    source = resolve_provider(provider)
    grey = read_grey(image, value_range)
    points = check_keypoints(xy, sigma, angle, grey.shape)
    return describe_in(source.build(grey, settings), points, settings)


def match(
    image_a: Any,
    image_b: Any,
    provider: Provider | tuple[Provider, Provider] = "dog",
    ratio: float | None = 0.8,
    mutual: bool = True,
    params: SiftParams | str | None = None,
    max_keypoints: int | None = None,
    geometry: Geometry | None = None,
    value_range: tuple[float, float] | None = None,
    max_error: float | None = None,
) -> MatchResult:
    """Match two images.

    Parameters
    ----------
    image_a, image_b : path, PIL image, ndarray or torch tensor
        As for `extract`.
    provider : str or ScaleSpaceProvider, or a pair of them
        One for both images, or one each: a low-resolution query against a high-resolution
        reference takes for example ``("bicubic-x2", "dog")``.
    ratio, mutual
        As for `match_features`.
    params, max_keypoints, value_range
        As for `extract`, for both images.
    geometry : {"homography", "fundamental"}, optional
        Verify the matches with PoseLib; see `siftcore.verification.estimate_geometry`.
    max_error : float, optional
        Largest error of an inlier, in pixels of `image_b`.

    Returns
    -------
    MatchResult

    Raises
    ------
    SiftError
        As for `extract`; `MissingDependencyError` for `geometry` without PoseLib.
    """
    if isinstance(provider, (tuple, list)):
        if len(provider) != 2:
            raise InputError(
                f"provider must be one provider or a pair (for a, for b); got {len(provider)}"
            )
        provider_a, provider_b = provider
    else:
        provider_a = provider_b = provider
    check_geometry(geometry, max_error)
    # Resolved once: a network provider is slow to make.
    source_a = resolve_provider(provider_a)
    source_b = source_a if provider_b is provider_a else resolve_provider(provider_b)
    features_a, features_b = (
        extract(image, source, params, max_keypoints=max_keypoints, value_range=value_range)
        for image, source in ((image_a, source_a), (image_b, source_b))
    )
    matches = match_features(features_a, features_b, ratio, mutual)
    result = MatchResult(features_a, features_b, matches)
    if geometry is None:
        return result
    model, inliers = estimate_geometry(result.xy_a, result.xy_b, geometry, max_error)
    return MatchResult(features_a, features_b, matches, inliers, model)
