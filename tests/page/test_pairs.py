"""Pairs of the page: where the copy's points truly lie."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from siftcore.demo_page.pairs import pair_of_copy
from siftcore.errors import InputError, ParameterError


def _spots(points: NDArray[np.float64], size: tuple[int, int]) -> Image.Image:
    x, y = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    grey = np.zeros(x.shape)
    for cx, cy in points:
        grey += np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * 5.0**2))
    return Image.fromarray(np.rint(255 * grey.clip(0, 1)).astype(np.uint8))


def _centre_of_mass(
    image: Image.Image, near: NDArray[np.float64], reach: int
) -> NDArray[np.float64]:
    grey = np.asarray(image, np.float64)
    column, row = np.rint(near).astype(int)
    y, x = np.mgrid[row - reach : row + reach + 1, column - reach : column + reach + 1]
    weight = grey[y, x]
    return np.array([(x * weight).sum(), (y * weight).sum()]) / weight.sum()


@pytest.mark.parametrize("reduction", [2, 4])
@pytest.mark.parametrize("angle_deg", [0, 10, -35, 90, 180])
def test_the_copys_points_lie_where_it_says(reduction: int, angle_deg: float) -> None:
    points = np.array([[110.3, 98.6], [190.7, 133.2], [135.0, 171.4]])
    pair = pair_of_copy(_spots(points, (311, 263)), reduction, angle_deg)
    assert pair.b_to_a is not None
    a_to_b = np.linalg.inv(pair.b_to_a)
    for point in points:
        expected = a_to_b[:2, :2] @ point + a_to_b[:2, 2]
        found = _centre_of_mass(pair.image_b, expected, 20 // reduction)
        assert np.abs(found - expected).max() < 0.1 / reduction + 0.02


def test_without_a_turn_it_is_the_plain_reduction() -> None:
    image = Image.fromarray(np.random.default_rng(0).integers(0, 255, (60, 80), np.uint8))
    pair = pair_of_copy(image, 2)
    assert pair.image_a is image
    np.testing.assert_array_equal(pair.image_b, image.resize((40, 30), Image.Resampling.BICUBIC))


@pytest.mark.parametrize("angle_deg", [10, 45, 100, -170])
def test_a_turned_copy_has_no_empty_corners(angle_deg: float) -> None:
    pair = pair_of_copy(Image.new("L", (201, 150), 200), 2, angle_deg)
    # The outermost pixel may reach half a pixel over the edge.
    assert np.asarray(pair.image_b)[1:-1, 1:-1].min() == 200


def test_what_cannot_be_made() -> None:
    image = Image.new("L", (60, 40))
    with pytest.raises(
        InputError, match=r"60 x 40 pixels is too small to be reduced by 4.*15 x 10"
    ):
        pair_of_copy(image, 4)
    with pytest.raises(ParameterError, match="reduction must be 2 or 4; got 3"):
        pair_of_copy(image, 3)
    with pytest.raises(ParameterError, match="angle_deg"):
        pair_of_copy(image, 2, float("nan"))
