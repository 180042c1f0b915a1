"""What `siftcore.extract` takes for an image, and what it says about the rest."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from numpy.typing import NDArray

import siftcore
from siftcore import (
    Features,
    ImageReadError,
    InputError,
    InputTypeError,
    ParameterError,
    SiftError,
    SiftParams,
    UnknownProviderError,
)

Image = NDArray[np.uint8]


def assert_same_keypoints(a: Features, b: Features, px: float = 0.0) -> None:
    assert len(a) == len(b) > 20
    np.testing.assert_allclose(a.xy, b.xy, atol=px)


@pytest.fixture(scope="module")
def expected(crop: Image) -> Features:
    return siftcore.extract(crop)


@pytest.fixture(scope="module")
def rgb(motorcycle: tuple[Image, Image]) -> Image:
    return np.ascontiguousarray(motorcycle[0][200:330, 300:460])


# What is taken


@pytest.mark.parametrize("kind", [str, Path])
def test_paths(tmp_path: Path, crop: Image, expected: Features, kind: type) -> None:
    path = tmp_path / "grey of a ü.png"
    PIL.Image.fromarray(crop).save(path)
    assert_same_keypoints(siftcore.extract(kind(path)), expected)


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_pil_modes(crop: Image, expected: Features, mode: str) -> None:
    image = PIL.Image.fromarray(crop).convert(mode)
    assert_same_keypoints(siftcore.extract(image), expected, px=2e-3)


def test_pil_bilevel(crop: Image) -> None:
    binary = PIL.Image.fromarray(crop).convert("1", dither=PIL.Image.Dither.NONE)
    assert_same_keypoints(siftcore.extract(binary), siftcore.extract(np.asarray(binary)))


def test_pil_palette(rgb: Image) -> None:
    palette = PIL.Image.fromarray(rgb).quantize(64)
    assert palette.mode == "P"
    assert_same_keypoints(siftcore.extract(palette), siftcore.extract(palette.convert("RGB")))


def test_pil_16_bit_and_float(crop: Image, expected: Features) -> None:
    deep = PIL.Image.fromarray(crop.astype(np.uint16) * 257)
    assert deep.mode.startswith("I;16")
    assert_same_keypoints(siftcore.extract(deep), expected, px=2e-3)
    real = PIL.Image.fromarray(crop.astype(np.float32) / 255)
    assert real.mode == "F"
    assert_same_keypoints(siftcore.extract(real), expected, px=2e-3)


def test_16_bit_file_keeps_its_depth(tmp_path: Path, crop: Image) -> None:
    # Contrast that 8 bits cannot hold: read as 8 bits, the image would be nearly constant.
    faint = (30000 + crop.astype(np.uint16) * 2).astype(np.uint16)
    PIL.Image.fromarray(faint).save(tmp_path / "deep.png")
    params = SiftParams(contrast_threshold=0.04 / 3 * 2 * 255 / 65535)
    from_file = siftcore.extract(tmp_path / "deep.png", params=params)
    assert_same_keypoints(from_file, siftcore.extract(faint, params=params))


@pytest.mark.parametrize(
    "dtype", [np.uint8, np.uint16, np.float16, np.float32, np.float64, ">u2", ">f4"]
)
def test_dtypes(crop: Image, expected: Features, dtype: str | type) -> None:
    wanted = np.dtype(dtype)
    if wanted.kind == "f":
        image = (crop / 255).astype(wanted)
    else:
        image = crop.astype(wanted) * (257 if wanted.itemsize == 2 else 1)
    # Half precision has 11 bits: keypoints move a little, and the weakest may come or go.
    if dtype is np.float16:
        assert abs(len(siftcore.extract(image)) - len(expected)) < 5
    else:
        assert_same_keypoints(siftcore.extract(image), expected, px=2e-3)


def test_bool(crop: Image) -> None:
    binary = crop > 120
    assert_same_keypoints(siftcore.extract(binary), siftcore.extract(binary.astype(np.uint8) * 255))


def test_channels(rgb: Image, crop: Image, expected: Features) -> None:
    assert_same_keypoints(siftcore.extract(crop[:, :, None]), expected)
    assert_same_keypoints(siftcore.extract(np.repeat(crop[:, :, None], 3, 2)), expected, px=2e-3)
    alpha = np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)])
    assert_same_keypoints(siftcore.extract(alpha), siftcore.extract(rgb))
    luma = siftcore.extract(PIL.Image.fromarray(rgb).convert("L"))
    assert abs(len(siftcore.extract(rgb)) - len(luma)) < 0.1 * len(luma)
    assert len(siftcore.extract(rgb)) != len(siftcore.extract(rgb[..., ::-1]))


class Tensor:
    """As much of a torch tensor as reading its values takes, so that tests need no torch."""

    def __init__(self, array: NDArray[np.generic]) -> None:
        self.array = array

    def detach(self) -> Tensor:
        return self

    def cpu(self) -> Tensor:
        return self

    def is_floating_point(self) -> bool:
        return self.array.dtype.kind == "f"

    def float(self) -> Tensor:
        return Tensor(self.array.astype(np.float32))

    def __array__(
        self, dtype: np.dtype | None = None, copy: bool | None = None
    ) -> NDArray[np.generic]:
        return self.array.astype(dtype or self.array.dtype)


# Tensors are known by the module of their type, so that torch need not be imported.
Tensor.__module__ = "torch"


def test_tensors_are_channels_first(rgb: Image, crop: Image, expected: Features) -> None:
    assert_same_keypoints(siftcore.extract(Tensor(crop)), expected)
    assert_same_keypoints(siftcore.extract(Tensor(crop[None])), expected)
    from_tensor = siftcore.extract(Tensor(rgb.transpose(2, 0, 1) / 255))
    assert_same_keypoints(from_tensor, siftcore.extract(rgb), px=2e-3)
    with pytest.raises(InputError):
        siftcore.extract(Tensor(rgb))


def test_value_range(crop: Image, expected: Features) -> None:
    stretched = crop.astype(np.float64) * 4 - 100
    ranged = siftcore.extract(stretched, value_range=(-100.0, 4 * 255 - 100.0))
    assert_same_keypoints(ranged, expected, px=2e-3)
    depth_12 = crop.astype(np.uint16) * 16
    ranged = siftcore.extract(depth_12, value_range=(0, 255 * 16))
    assert_same_keypoints(ranged, expected, px=2e-3)


def test_input_is_not_changed(crop: Image) -> None:
    for image in (crop.copy(), crop.astype(np.float32) / 255):
        before = image.copy()
        siftcore.extract(image)
        np.testing.assert_array_equal(image, before)
        image.flags.writeable = False
        assert len(siftcore.extract(image)) > 20


def test_exif_orientation_is_not_applied(tmp_path: Path, crop: Image) -> None:
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    PIL.Image.fromarray(crop).save(tmp_path / "turned.png", exif=exif)
    assert siftcore.extract(tmp_path / "turned.png").image_size == (160, 128)


# What is refused


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
