"""Conversions of positions, scales, angles and descriptors: golden values and round trips."""

from __future__ import annotations

import numpy as np
import pytest

from siftcore import InputError, coordinates, descriptor_layouts

ANGLES = np.array([0.0, 0.3, np.pi / 2, 3.0, np.pi, 4.0, 6.2])


def turn(a: object, b: object) -> float:
    """The largest difference between two sets of directions."""
    difference = np.asarray(a, np.float64) - np.asarray(b, np.float64)
    return float(np.abs((difference + np.pi) % (2 * np.pi) - np.pi).max())


def test_golden_values() -> None:
    assert coordinates.colmap_xy([[0.0, 2.0]]).tolist() == [[0.5, 2.5]]
    assert coordinates.opencv_size([4.45]).tolist() == [8.9]
    assert coordinates.opencv_angle([np.pi / 2]).tolist() == [90.0]
    assert coordinates.scikit_image_positions([[3.0, 7.0]]).tolist() == [[7.0, 3.0]]
    assert coordinates.scikit_image_positions([[3.0, 7.0]], 2).tolist() == [[7.25, 3.25]]
    assert coordinates.vlfeat_matlab_xy([[0.0, 1.0]]).tolist() == [[1.0, 2.0]]
    assert coordinates.lowe_row_column([[3.0, 7.0]]).tolist() == [[7.0, 3.0]]
    assert coordinates.lowe_angle([0.25]).tolist() == [-0.25]


@pytest.mark.parametrize("name", ["opencv", "scikit_image", "lowe"])
def test_angles_come_back(name: str) -> None:
    there = getattr(coordinates, f"{name}_angle")(ANGLES)
    assert turn(getattr(coordinates, f"angle_from_{name}")(there), ANGLES) < 1e-12


@pytest.mark.parametrize("angle", [-1e-20, 2 * np.pi, 2 * np.pi - 1e-12, -2 * np.pi])
def test_an_angle_just_below_a_full_turn_is_not_one(angle: float) -> None:
    assert np.float32(coordinates.wrap_angle(angle)) < np.float32(2 * np.pi)
    assert coordinates.wrap_angle(angle) >= 0.0


def test_no_angle_of_opencv_is_zero() -> None:
    assert coordinates.angle_from_opencv([-1.0]).tolist() == [0.0]


def test_octave_packs_as_opencv_packs_it() -> None:
    packed = coordinates.opencv_octave([-1, 0, 3], [1.0, 2.5 - 1e-9, 2.8])
    assert packed[0] == 255 | 1 << 8 | 128 << 16
    octave, layer, offset = coordinates.unpack_opencv_octave(packed)
    assert octave.tolist() == [-1, 0, 3]
    assert layer.tolist() == [1, 2, 3]
    np.testing.assert_allclose(layer + offset, [1.0, 2.5, 2.8], atol=0.5 / 255)


def test_affine_shape_of_colmap() -> None:
    sigma, angle = np.array([1.6, 3.2]), np.array([0.5, 5.0])
    affine = coordinates.colmap_affine(sigma, angle)
    assert affine.shape == (2, 4)
    back_sigma, back_angle = coordinates.shape_from_colmap_affine(affine)
    np.testing.assert_allclose(back_sigma, sigma)
    assert turn(back_angle, angle) < 1e-12


def test_sheared_frames_have_the_angle_of_their_programs_axis() -> None:
    # Of COLMAP the first column's, and the mean length of both.
    sigma, angle = coordinates.shape_from_colmap_affine([[2.0, 3.0, 2.0, 4.0]])
    np.testing.assert_allclose([sigma[0], angle[0]], [np.sqrt(2.0) + 2.5, np.pi / 4])
    # Of kornia the first row's, turned the other way, and the root of the area.
    lafs = np.array([[[6.0, 6.0, 5.0], [0.0, 6.0, 7.0]]], np.float32)
    xy, sigma, angle = coordinates.from_kornia_lafs(lafs)
    assert xy.tolist() == [[5.0, 7.0]]
    np.testing.assert_allclose([sigma[0], angle[0]], [1.0, 2 * np.pi - np.pi / 4], rtol=1e-6)
    tilted = coordinates.sigma_from_oxford_ellipse([[0.25, 0.125, 0.125]], magnification=1.0)
    np.testing.assert_allclose(tilted, (0.25 * 0.125 - 0.125**2) ** -0.25)


def test_half_a_turn_is_pi_and_not_less() -> None:
    assert coordinates.lowe_angle([np.pi]).tolist() == [np.pi]
    assert coordinates.scikit_image_angle([1.5 * np.pi]).tolist() == [np.pi]


def test_levels_beyond_the_first_and_between_steps_are_packed_as_opencv_packs_them() -> None:
    packed = coordinates.opencv_octave([0, 0, 5], [0.45, 1.299, 2.701])
    bits = [(1, 0), (1, round(0.799 * 255)), (3, round(0.201 * 255))]
    expected = [
        o | layer << 8 | step << 16 for o, (layer, step) in zip((0, 0, 5), bits, strict=True)
    ]
    assert packed.tolist() == expected


def test_ellipse_is_a_circle_of_the_magnified_sigma() -> None:
    a, b, c = coordinates.oxford_ellipse([2.0], magnification=3.0)[0]
    assert (a, b, c) == (1 / 36, 0.0, 1 / 36)
    np.testing.assert_allclose(
        coordinates.sigma_from_oxford_ellipse(coordinates.oxford_ellipse([2.0])), [2.0]
    )


@pytest.fixture
def unit() -> np.ndarray:
    rng = np.random.default_rng(0)
    values = np.minimum(rng.exponential(size=(20, 128)), 2.0).astype(np.float32)
    return values / np.linalg.norm(values, axis=1, keepdims=True)


@pytest.mark.parametrize(
    ("there", "back"),
    [
        ("bytes_from_unit", "unit_from_bytes"),
        ("opencv_floats", "unit_from_bytes"),
        ("vlfeat_bytes", "unit_from_vlfeat"),
        ("scikit_image_bytes", "unit_from_scikit_image"),
        ("lowe_bytes", "unit_from_lowe"),
        ("kornia_floats", "unit_from_kornia"),
    ],
)
def test_descriptors_come_back(there: str, back: str, unit: np.ndarray) -> None:
    stored = getattr(descriptor_layouts, there)(unit)
    assert stored.max() <= 255
    again = getattr(descriptor_layouts, back)(stored)
    assert np.abs(again - unit).max() < 1.5 / 512
    assert len(getattr(descriptor_layouts, there)(np.zeros((0, 128)))) == 0


def test_layouts_of_one_entry() -> None:
    """Row 1, column 2, bin 3 of ours: entry 32 + 16 + 3."""
    entry = np.zeros((1, 128), np.float32)
    entry[0, 32 + 16 + 3] = 0.25
    assert descriptor_layouts.bytes_from_unit(entry)[0, 51] == 128
    assert descriptor_layouts.vlfeat_bytes(entry)[0, 48 + 5] == 128
    # A quarter turn: ours at (row, column) stands at (column, 3 - row).
    assert descriptor_layouts.scikit_image_bytes(entry)[0, 32 * 2 + 8 * 2 + 3] == 128


def test_only_vlfeat_and_scikit_image_truncate() -> None:
    entry = np.zeros((1, 128), np.float32)
    entry[0, 0] = 127.75 / 512
    assert descriptor_layouts.bytes_from_unit(entry).max() == 128
    assert descriptor_layouts.vlfeat_bytes(entry).max() == 127
    assert descriptor_layouts.scikit_image_bytes(entry).max() == 127
    entry[0, 0] = 0.9
    for name in ("bytes_from_unit", "vlfeat_bytes", "scikit_image_bytes"):
        assert getattr(descriptor_layouts, name)(entry).max() == 255


def test_root_sift_and_back(unit: np.ndarray) -> None:
    root = descriptor_layouts.root_sift(unit)
    np.testing.assert_allclose(np.linalg.norm(root, axis=1), 1.0, atol=1e-6)
    np.testing.assert_allclose(root[0] ** 2, unit[0] / unit[0].sum(), atol=1e-6)
    np.testing.assert_allclose(descriptor_layouts.sift_from_root_sift(root), unit, atol=1e-6)
    nothing = np.zeros((1, 128), np.float32)
    assert not descriptor_layouts.root_sift(nothing).any()


def test_other_shapes_are_refused() -> None:
    with pytest.raises(InputError, match=r"\(N, 128\)"):
        descriptor_layouts.bytes_from_unit(np.zeros((3, 64)))
