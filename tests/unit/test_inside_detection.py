"""What passes each test of detection, beside the definitions taken literally."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import maximum_filter, minimum_filter

import siftcore
from siftcore import InputError, SiftParams
from siftcore.detection import detect
from siftcore.scalespace.protocol import Octave
from siftcore.stages import Candidates, detection_stages, weighted_dogs


@pytest.fixture(scope="module", params=["lowe", "paper"])
def params(request: pytest.FixtureRequest) -> SiftParams:
    return SiftParams(ladder=request.param)


@pytest.fixture(scope="module")
def octaves(crop: np.ndarray, params: SiftParams) -> list[Octave]:
    return list(siftcore.get_provider("dog").build(siftcore.load_image(crop), params))


def samples(candidates: Candidates) -> set[tuple[int, ...]]:
    return set(map(tuple, candidates.sample.tolist()))


def test_extrema_are_those_of_all_26_neighbours(octaves: list[Octave], params: SiftParams) -> None:
    for octave in octaves:
        dogs = weighted_dogs(octave)
        around = np.ones((3, 3, 3), bool)
        around[1, 1, 1] = False
        above = (dogs > maximum_filter(dogs, footprint=around)) & (dogs > 0)
        below = (dogs < minimum_filter(dogs, footprint=around)) & (dogs < 0)
        expected = {
            point
            for point in map(tuple, np.argwhere(above | below).tolist())
            if all(0 < i < n - 1 for i, n in zip(point, dogs.shape, strict=True))
        }
        stages = detection_stages(octave, params)
        assert samples(stages["extrema"]) == expected
        level, row, column = stages["extrema"].sample.T
        np.testing.assert_allclose(stages["extrema"].value, dogs[level, row, column], atol=1e-6)
        strong = np.abs(stages["extrema"].value) > 0.8 * params.contrast_threshold
        chosen = {tuple(point) for point in stages["extrema"].sample[strong].tolist()}
        # A sample within rounding of the threshold may fall on either side.
        assert len(chosen ^ samples(stages["prefilter"])) <= 1


def test_each_test_takes_from_the_one_before(octaves: list[Octave], params: SiftParams) -> None:
    counts = np.zeros(5, int)
    for octave in octaves:
        stages = detection_stages(octave, params)
        assert list(stages) == ["extrema", "prefilter", "fitted", "contrast", "edge"]
        counts += [len(stage) for stage in stages.values()]
        fitted, contrast, edge = (stages[name] for name in ("fitted", "contrast", "edge"))
        assert samples(edge) <= samples(contrast) <= samples(fitted)
        assert np.abs(fitted.offset).max(initial=0) <= 0.6
        strong = np.abs(fitted.value) > params.contrast_threshold
        np.testing.assert_array_equal(fitted.xy[strong], contrast.xy)
        grid = octave.origin + octave.delta * (contrast.sample + contrast.offset)[:, :0:-1]
        np.testing.assert_allclose(grid, contrast.xy, atol=1e-9)
        found = detect(octave, params)
        np.testing.assert_array_equal(np.abs(edge.value), found.response)
        np.testing.assert_allclose(edge.sigma, octave.delta * found.sigma)
        np.testing.assert_allclose(edge.xy[:, 0], octave.origin + octave.delta * found.x)
    assert (np.diff(counts) < 0).all(), "each test takes some"
    assert counts[-1] > 0


def test_keypoints_of_extract_are_the_last_stage(
    crop: np.ndarray, octaves: list[Octave], params: SiftParams
) -> None:
    last = [detection_stages(octave, params)["edge"] for octave in octaves]
    xy = np.concatenate([stage.xy for stage in last]).astype(np.float32)
    features = siftcore.extract(crop, params=params)
    assert set(map(tuple, xy.tolist())) == set(map(tuple, features.xy.tolist()))


def test_nothing_in_a_flat_octave_and_none_in_strips(octaves: list[Octave]) -> None:
    flat = Octave(np.full((6, 20, 30), 0.5, np.float32), 1.3 ** np.arange(6.0), 1.0, 0.0)
    assert [len(stage) for stage in detection_stages(flat, SiftParams()).values()] == [0] * 5
    strip = replace(octaves[0], strip=octaves[0].rows)
    with pytest.raises(InputError, match="in strips"):
        detection_stages(strip, SiftParams())


@pytest.mark.parametrize("name", ["dog", "bicubic-x2"])
def test_a_users_own_call_of_build(crop: np.ndarray, name: str) -> None:
    provider, params = siftcore.get_provider(name), SiftParams()
    part = siftcore.load_image(crop)[20:90, 10:100]
    assert not part.flags.c_contiguous
    found, expected = (next(iter(provider.build(p, params))) for p in (part, part.copy()))
    np.testing.assert_array_equal(found.gaussians, expected.gaussians)
    for wrong in (crop, part.astype(np.float64), part[..., None], part.tolist()):
        with pytest.raises(InputError, match=r"pass siftcore\.load_image\(image\)"):
            provider.build(wrong, params)
