"""What is refused, and whether the message names what came."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from numpy.typing import NDArray

import siftcore
from siftcore import (
    ImageReadError,
    InputError,
    InputTypeError,
    ParameterError,
    SiftError,
    SiftParams,
    UnknownProviderError,
)

Image = NDArray[np.uint8]


@pytest.mark.parametrize(
    ("image", "named"),
    [
        (np.zeros((0, 0), np.uint8), r"\(0, 0\)"),
        (np.zeros((0, 5), np.float32), r"\(0, 5\)"),
        (np.zeros(7, np.uint8), r"\(7,\)"),
        (np.zeros((2, 3, 4, 5), np.uint8), r"\(2, 3, 4, 5\)"),
        (np.zeros((9, 8, 2), np.uint8), r"\(9, 8, 2\)"),
        (np.zeros((9, 8, 5), np.uint8), r"\(9, 8, 5\)"),
        (np.full((9, 9), np.nan), r"(?i)nan"),
        (np.full((9, 9), np.inf, np.float32), r"(?i)inf"),
        (np.full((9, 9), 1.5), r"1\.5"),
        (np.full((9, 9), -0.5), r"-0\.5"),
        (np.full((9, 9), 128.0, np.float32), r"128"),
    ],
)
def test_arrays_of_bad_shape_or_value(image: NDArray[np.generic], named: str) -> None:
    with pytest.raises(InputError, match=named) as raised:
        siftcore.extract(image)
    assert isinstance(raised.value, SiftError)
    assert isinstance(raised.value, ValueError)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_one_bad_pixel_is_noticed(crop: Image, bad: float) -> None:
    image = crop.astype(np.float32) / 255
    image[77, 133] = bad
    with pytest.raises(InputError):
        siftcore.extract(image)
    with pytest.raises(InputError):
        siftcore.extract(image, value_range=(0.0, 1.0))


@pytest.mark.parametrize(
    ("image", "named"),
    [
        (np.zeros((9, 9), np.complex64), "complex64"),
        (np.zeros((9, 9), object), "object"),
        (np.full((9, 9), "a"), "<U1"),
        (np.zeros((9, 9), "M8[s]"), "datetime64"),
        (None, "NoneType"),
        (3.5, "float"),
        ({"image": 1}, "dict"),
    ],
)
def test_types_that_are_no_image(image: object, named: str) -> None:
    with pytest.raises(InputTypeError, match=named) as raised:
        siftcore.extract(image)  # type: ignore[arg-type]
    assert isinstance(raised.value, TypeError)


@pytest.mark.parametrize(
    "mask", [np.ones((5, 5), bool), np.ones(128, bool), np.ones((160, 128), bool)]
)
def test_mask_of_another_shape(crop: Image, mask: NDArray[np.bool_]) -> None:
    with pytest.raises(InputError) as raised:
        siftcore.extract(crop, mask=mask)
    assert str(mask.shape) in str(raised.value)
    assert str(crop.shape) in str(raised.value)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.png", tmp_path):
        with pytest.raises(ImageReadError, match=path.name) as raised:
            siftcore.extract(path)
        assert raised.value.path == str(path)


def test_files_that_hold_no_image(tmp_path: Path, crop: Image) -> None:
    text = tmp_path / "text.png"
    text.write_text("this is not a picture")
    empty = tmp_path / "empty.jpg"
    empty.touch()
    truncated = tmp_path / "truncated.png"
    PIL.Image.fromarray(crop).save(truncated)
    truncated.write_bytes(truncated.read_bytes()[:900])
    for path in (text, empty, truncated):
        with pytest.raises(ImageReadError, match=path.name):
            siftcore.extract(path)


def test_decompression_bomb(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.png"
    PIL.Image.new("1", (20_000, 20_000)).save(bomb)
    assert bomb.stat().st_size < 100_000
    with pytest.raises(ImageReadError, match=r"bomb\.png"):
        siftcore.extract(bomb)


def test_unknown_provider_lists_the_known(crop: Image) -> None:
    with pytest.raises(UnknownProviderError, match=r"'magic'.*bicubic-x2.*dog") as raised:
        siftcore.extract(crop, provider="magic")
    assert isinstance(raised.value, ValueError)
    with pytest.raises(UnknownProviderError):
        siftcore.get_provider("magic")
    with pytest.raises(SiftError, match="7"):
        siftcore.extract(crop, provider=7)  # type: ignore[arg-type]


@pytest.mark.parametrize("budget", [-1, 2.5, "many", True])
def test_bad_budget(crop: Image, budget: object) -> None:
    with pytest.raises(SiftError, match="max_keypoints"):
        siftcore.extract(crop, max_keypoints=budget)  # type: ignore[arg-type]


@pytest.mark.parametrize("value_range", [(1.0, 0.0), (0.5, 0.5), (0.0, math.nan), (0.0,), 3, "ab"])
def test_bad_value_range(crop: Image, value_range: object) -> None:
    with pytest.raises(SiftError, match="value_range"):
        siftcore.extract(crop, value_range=value_range)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n_scales_per_octave", 0),
        ("n_scales_per_octave", 2.0),
        ("sigma0", 0.0),
        ("sigma0", math.nan),
        ("input_blur", -0.1),
        ("first_octave", -2),
        ("n_octaves", 0),
        ("min_octave_size", 1),
        ("ladder", "rope"),
        ("contrast_threshold", -1e-9),
        ("contrast_threshold", "low"),
        ("edge_ratio", 0.5),
        ("max_refinements", 0),
        ("upright", 1),
        ("n_orientation_bins", 7),
        ("orientation_votes", "cubic"),
        ("orientation_peak_ratio", 1.1),
        ("orientation_window", math.inf),
        ("max_orientations", 0),
        ("descriptor", "surf"),
        ("descriptor_cell", 0),
        ("descriptor_clamp", 0),
    ],
)
def test_parameters_out_of_range(name: str, value: object) -> None:
    with pytest.raises(ParameterError, match=name) as raised:
        SiftParams(**{name: value})
    assert raised.value.value is value
    assert isinstance(raised.value, ValueError)


def test_params_of_another_kind(crop: Image) -> None:
    for params in ({"upright": True}, "no such preset", 3):
        with pytest.raises(ParameterError):
            siftcore.extract(crop, params=params)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        SiftParams(up_right=True)  # type: ignore[call-arg]
