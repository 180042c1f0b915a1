"""Settings: defaults, presets, ladders, octave counts, the first octave."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray

import siftcore
from siftcore import ParameterError, ScaleSpaceParams, SiftParams
from siftcore.detection import dog_weights
from siftcore.scalespace.geometry import count_octaves, ladder_sigmas, octave_number


def test_defaults_are_the_references() -> None:
    params = SiftParams()
    assert (params.n_scales_per_octave, params.sigma0, params.input_blur) == (3, 1.6, 0.5)
    assert (params.first_octave, params.min_octave_size, params.n_octaves) == (-1, 12, None)
    assert params.contrast_threshold == pytest.approx(0.04 / 3)
    assert (params.edge_ratio, params.max_refinements) == (10.0, 5)
    assert (params.n_orientation_bins, params.orientation_peak_ratio) == (36, 0.8)
    assert (params.orientation_votes, params.orientation_window) == ("nearest", 1.5)
    assert params.descriptor_cell == 3.0
    assert (params.descriptor_clamp, params.descriptor, params.upright) == (0.2, "sift", False)


def test_params_are_frozen_and_keyword_only() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        SiftParams().sigma0 = 2.0  # type: ignore[misc]
    with pytest.raises(TypeError):
        SiftParams(3)  # type: ignore[misc]
    with pytest.raises(TypeError):
        SiftParams(sigma_0=1.6)  # type: ignore[call-arg]


def test_paper_ladder_is_absolute_blur() -> None:
    sigmas = ladder_sigmas(ScaleSpaceParams(ladder="paper"))
    assert len(sigmas) == 5
    assert np.sqrt(sigmas**2 - 0.25) == pytest.approx([1.249, 1.545, 1.946588, 2.452527, 3.090016])


@pytest.mark.parametrize(
    ("short_side", "n"), [(0, 0), (11, 0), (12, 1), (23, 1), (24, 2), (642, 6), (1024, 7)]
)
def test_octaves_go_down_to_twelve_samples(short_side: int, n: int) -> None:
    assert count_octaves(short_side, ScaleSpaceParams()) == n


def test_n_octaves_is_a_cap() -> None:
    assert count_octaves(1024, ScaleSpaceParams(n_octaves=3)) == 3
    assert count_octaves(24, ScaleSpaceParams(n_octaves=3)) == 2


def test_octave_numbers() -> None:
    assert [octave_number(delta) for delta in (0.25, 0.5, 1.0, 2.0, 64.0)] == [-2, -1, 0, 1, 6]


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_dog_weights_follow_the_spacing(n: int) -> None:
    sigmas = ladder_sigmas(ScaleSpaceParams(n_scales_per_octave=n))
    expected = (2 ** (1 / 3) - 1) / (2 ** (1 / n) - 1)
    weights = dog_weights(sigmas)
    assert weights == pytest.approx(np.full(n + 2, expected))
    assert n != 3 or (weights == 1.0).all()


def test_dog_weights_even_out_the_paper_ladder() -> None:
    sigmas = ladder_sigmas(ScaleSpaceParams(ladder="paper"))
    weights = dog_weights(sigmas)
    assert (np.diff(weights) < 0).all()
    assert weights * (sigmas[1:] / sigmas[:-1] - 1) == pytest.approx(np.full(4, 2 ** (1 / 3) - 1))


@pytest.mark.parametrize("name", ["default", "opencv", "colmap", "paper"])
def test_presets_work_by_name_and_as_objects(name: str, crop: NDArray[np.uint8]) -> None:
    by_name = siftcore.extract(crop, params=name)
    by_object = siftcore.extract(crop, params=SiftParams.preset(name))
    assert len(by_name) > 20
    np.testing.assert_array_equal(by_name.descriptors, by_object.descriptors)


def test_presets_do_what_they_name(crop: NDArray[np.uint8]) -> None:
    default = siftcore.extract(crop)
    colmap = siftcore.extract(crop, params="colmap")
    assert len(colmap) > len(default)
    places, counts = np.unique(
        np.column_stack([colmap.xy, colmap.sigma]), axis=0, return_counts=True
    )
    assert counts.max() == 2
    assert len(places) < len(colmap)
    assert np.unique(siftcore.extract(crop, params="paper").octave)[0] == 0
    assert SiftParams.preset("colmap", n_octaves=2).n_octaves == 2


def test_an_unknown_preset_or_field_lists_the_known() -> None:
    with pytest.raises(ParameterError, match="'colmap'"):
        SiftParams.preset("vlfeat")
    with pytest.raises(ParameterError, match="'n_octaves'"):
        SiftParams.preset("colmap", octaves=3)


@pytest.mark.parametrize("first_octave", [-1, 0, 1, 2])
def test_the_first_octave_is_the_one_asked_for(
    first_octave: int, camera: NDArray[np.uint8]
) -> None:
    params = SiftParams(first_octave=first_octave)
    features = siftcore.extract(camera, params=params)
    assert features.octave.min() == first_octave
    space = siftcore.get_provider("dog").build(siftcore.load_image(camera), params)
    octave = next(iter(space))
    assert (octave.delta, octave.origin) == (2.0**first_octave, 0.0)
    assert octave.sigmas[0] == pytest.approx(1.6 * 2.0**first_octave)


def test_skipped_octaves_do_not_change_the_others(camera: NDArray[np.uint8]) -> None:
    """Coarse keypoints are the same, up to rounding, wherever the octaves begin."""
    all_of_them = siftcore.extract(camera, params=SiftParams(first_octave=0))
    coarse = siftcore.extract(camera, params=SiftParams(first_octave=2))
    expected = all_of_them[all_of_them.octave >= 2]
    assert len(coarse) == pytest.approx(len(expected), abs=1)
    gaps = np.linalg.norm(coarse.xy[:, None] - expected.xy[None], axis=2).min(axis=1)
    assert (gaps < 0.02).mean() > 0.98


def test_input_blur_beyond_the_first_level_is_refused(crop: NDArray[np.uint8]) -> None:
    with pytest.raises(ParameterError, match="input_blur"):
        siftcore.extract(crop, params=SiftParams(input_blur=1.0))
    assert len(siftcore.extract(crop, params=SiftParams(input_blur=0.8))) > 0


@pytest.mark.parametrize("n", [1, 2, 5, 10])
def test_any_number_of_scales_finds_keypoints(n: int, crop: NDArray[np.uint8]) -> None:
    features = siftcore.extract(crop, params=SiftParams(n_scales_per_octave=n))
    assert len(features) > 20
    assert features.level.max() <= n + 0.6
