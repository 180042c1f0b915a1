"""Arguments of every kind: a valid result or a `SiftError`, and never anything else.

``SIFTCORE_FUZZ_CASES`` sets how many each test draws; ``make fuzz`` runs many.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import siftcore
from siftcore import Features, SiftError, SiftParams
from siftcore.verification import estimate_geometry
from tests.fuzz.validity import (
    check_extracted,
    check_features,
    check_geometry,
    check_match_result,
    check_matches,
)

CASES = os.environ.get("SIFTCORE_FUZZ_CASES")
SETTINGS = settings(
    max_examples=int(CASES or 25),
    deadline=None,
    database=None,
    # More than the usual few are drawn anew each time; `--hypothesis-seed` repeats a run.
    derandomize=CASES is None,
    suppress_health_check=list(HealthCheck),
)
KINDS = (
    *("?", "u1", "u2", ">u2", "f2", "f4", "f8", ">f4", ">f8", "g"),
    *("i1", "i2", "i4", "u4", "u8", "F", "D", "O", "S3", "M8[s]"),
)
BAD = (np.nan, np.inf, -np.inf, 1e300, -1e300, 1e38, 1e-320, -0.0, 1.5, -0.5)


@st.composite
def textures(draw: Any) -> np.ndarray:
    """Pixels of some type, shape, layout and byte order; often good, sometimes not."""
    height, width = draw(st.integers(0, 40)), draw(st.integers(0, 40))
    tail = draw(st.sampled_from([(), (), (), (1,), (3,), (4,), (2,), (0,), (3, 1)]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    array = rng.random((height, width, *tail))
    kind = draw(st.sampled_from(KINDS))
    dtype = np.dtype(kind)
    if dtype.kind in "iu":
        array = (array * np.iinfo(dtype).max).astype(dtype)
    elif dtype.kind == "b":
        array = array > 0.5
    elif dtype.kind == "f":
        array = array.astype(dtype)
        if array.size and draw(st.booleans()):
            with np.errstate(over="ignore"):
                array.flat[draw(st.integers(0, array.size - 1))] = draw(st.sampled_from(BAD))
    elif dtype.kind == "M":
        array = (array * 1e9).astype(np.int64).astype(dtype)
    else:
        array = array.astype(dtype)
    layout = draw(st.sampled_from(["as it is", "reversed", "transposed", "strided", "fortran"]))
    if layout == "reversed":
        array = array[::-1, ::-1]
    elif layout == "transposed":
        array = np.swapaxes(array, 0, 1)
    elif layout == "strided":
        array = array[::2, ::3]
    elif layout == "fortran":
        array = np.asfortranarray(array)
    array.setflags(write=draw(st.booleans()) and array.flags.owndata)
    return array


NUMBERS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 50),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.sampled_from(["", "3", b"x", [], (1, 2), {}]),
)


@st.composite
def parameters(draw: Any) -> SiftParams:
    """Settings within their ranges, the far ends among them."""
    floats = {
        "sigma0": (0.5, 8.0),
        "input_blur": (0.0, 8.0),
        "contrast_threshold": (0.0, 0.02),
        "edge_ratio": (1.0, 1e6),
        "orientation_peak_ratio": (0.0, 1.0),
        "orientation_window": (0.5, 6.0),
        "descriptor_cell": (0.5, 20.0),
        "descriptor_clamp": (0.01, 1.0),
    }
    integers = {
        "n_scales_per_octave": (1, 10),
        "first_octave": (-1, 8),
        "n_octaves": (1, 32),
        "min_octave_size": (4, 64),
        "max_refinements": (1, 100),
        "n_orientation_bins": (8, 360),
        "max_orientations": (1, 360),
    }
    chosen: dict[str, Any] = {}
    if CASES is None:
        # Every width of a blur is compiled once a machine, which takes seconds.
        for name in ("sigma0", "input_blur", "n_scales_per_octave"):
            (floats if name in floats else integers).pop(name)
    for name in draw(st.sets(st.sampled_from([*floats, *integers]), max_size=4)):
        low, high = (floats | integers)[name]
        make = st.floats if name in floats else st.integers
        chosen[name] = draw(make(low, high))
    chosen["ladder"] = draw(st.sampled_from(["lowe", "lowe", "paper"]))
    chosen["upright"] = draw(st.booleans())
    chosen["orientation_votes"] = draw(st.sampled_from(["nearest", "linear"]))
    chosen["descriptor"] = draw(st.sampled_from(["sift", "rootsift"]))
    return SiftParams(**chosen)


def attempt(function: Any, *arguments: Any, **named: Any) -> Any:
    """What it returns; None where it refuses, with a message."""
    try:
        return function(*arguments, **named)
    except SiftError as error:
        return check_message(error)


def check_message(error: SiftError) -> None:
    assert str(error)


@SETTINGS
@given(textures(), parameters(), st.sampled_from(["dog", "bicubic-x2"]))
def test_extract(image: np.ndarray, params: SiftParams, provider: str) -> None:
    before = image.copy()
    found = attempt(siftcore.extract, image, provider, params)
    if found is not None:
        check_extracted(found, image.shape[1::-1])
    if image.dtype.kind != "O":
        np.testing.assert_array_equal(image, before)


@SETTINGS
@given(
    textures(),
    st.one_of(st.none(), textures(), NUMBERS),
    NUMBERS,
    st.one_of(st.none(), NUMBERS, st.tuples(st.floats(), st.floats())),
)
def test_the_other_arguments_of_extract(
    image: np.ndarray, mask: Any, budget: Any, value_range: Any
) -> None:
    named = {"mask": mask, "max_keypoints": budget, "value_range": value_range}
    found = attempt(siftcore.extract, image, **named)
    if found is not None:
        check_extracted(found, image.shape[1::-1])


@SETTINGS
@given(
    textures(),
    hnp.arrays(np.float64, st.tuples(st.integers(0, 4), st.integers(1, 3))),
    st.one_of(NUMBERS, hnp.arrays(np.float64, st.integers(0, 4))),
    st.one_of(NUMBERS, hnp.arrays(np.float64, st.integers(0, 4))),
)
def test_describe(image: np.ndarray, xy: np.ndarray, sigma: Any, angle: Any) -> None:
    found = attempt(siftcore.describe, image, xy, sigma, angle)
    if found is not None:
        check_features(found)


@SETTINGS
@given(st.dictionaries(st.sampled_from(sorted(SiftParams.__dataclass_fields__)), NUMBERS))
def test_settings(chosen: dict[str, Any]) -> None:
    attempt(SiftParams, **chosen)


@SETTINGS
@given(
    textures(),
    textures(),
    NUMBERS,
    NUMBERS,
    st.sampled_from([None, "homography", "fundamental", "affine"]),
    NUMBERS,
)
def test_match(a: Any, b: Any, ratio: Any, mutual: Any, geometry: Any, max_error: Any) -> None:
    pytest.importorskip("poselib")
    named = {"ratio": ratio, "mutual": mutual, "geometry": geometry, "max_error": max_error}
    found = attempt(siftcore.match, a, b, **named)
    if found is not None:
        check_match_result(found)


def features_of(rows: np.ndarray) -> Features:
    n = len(rows)
    zeros = np.zeros(n)
    return Features(
        xy=np.zeros((n, 2)), sigma=zeros + 1, angle=zeros, response=zeros, octave=zeros,
        level=zeros, descriptors=rows, image_size=(9, 9), provider="test",
    )  # fmt: skip


@st.composite
def descriptors(draw: Any) -> np.ndarray:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rows = rng.random((draw(st.integers(0, 9)), 128), np.float32)
    rows[:: draw(st.integers(1, 4))] = rows[:1]
    if len(rows) and draw(st.booleans()):
        with np.errstate(over="ignore"):
            rows[draw(st.integers(0, len(rows) - 1)), :7] = draw(st.sampled_from(BAD))
    return rows * np.float32(draw(st.sampled_from([0, 1e-30, 1, 512])))


@SETTINGS
@given(descriptors(), descriptors(), st.booleans(), st.booleans())
@pytest.mark.filterwarnings("ignore:invalid value encountered in multiply:RuntimeWarning")
def test_descriptors(a: np.ndarray, b: np.ndarray, mutual: bool, approximate: bool) -> None:
    if approximate:
        pytest.importorskip("faiss")
    named = {"mutual": mutual, "approximate": approximate}
    found = attempt(siftcore.match_features, features_of(a), features_of(b), **named)
    if found is not None:
        check_matches(found, len(a), len(b))


@SETTINGS
@given(
    hnp.arrays(np.float32, st.tuples(st.integers(0, 30), st.integers(1, 3))),
    hnp.arrays(np.float32, st.tuples(st.integers(0, 30), st.just(2))),
    st.integers(0, 2**32 - 1),
    st.sampled_from(["random", "equal", "drawn", "one line", "far"]),
    st.sampled_from(["homography", "fundamental"]),
    NUMBERS,
)
def test_geometry(
    a: np.ndarray, b: np.ndarray, seed: int, kind: str, geometry: Any, max_error: Any
) -> None:
    pytest.importorskip("poselib")
    if kind != "drawn":
        a = np.random.default_rng(seed).random((len(a), 2), np.float32) * 100
        a = {"one line": a[:, :1].repeat(2, axis=1), "far": a * np.float32(1e30)}.get(kind, a)
        b = a + 3 if kind == "equal" else a[::-1]
    found = attempt(estimate_geometry, a, b, geometry, max_error)
    if found is not None:
        check_geometry(*found, len(a))
