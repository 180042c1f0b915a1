"""What `siftcore.extract` takes for an image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from numpy.typing import NDArray

import siftcore
from siftcore import Features, InputError, SiftParams

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


def test_colours_weigh_as_in_other_programs(rgb: Image) -> None:
    # ITU-R BT.601, red first: what Pillow's "L" and OpenCV's COLOR_RGB2GRAY have.
    red, green, blue = np.moveaxis(rgb.astype(np.float64) / 255, -1, 0)
    luma = siftcore.extract(0.299 * red + 0.587 * green + 0.114 * blue)
    assert_same_keypoints(siftcore.extract(rgb), luma, px=2e-3)
    blue_first = siftcore.extract(0.114 * red + 0.587 * green + 0.299 * blue)
    assert len(blue_first) != len(luma)


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
    with pytest.raises(InputError, match=r"got \(\d+, \d+, 3\); .* use image.permute"):
        siftcore.extract(Tensor(rgb))
    with pytest.raises(InputError, match=r"got \(1, 1, 128, 160\); it is a batch: pass its images"):
        siftcore.extract(Tensor(crop[None, None]))
    with pytest.raises(InputError, match=r"\(1\|3\|4, H, W\); got \(2, 128, 160\)$"):
        siftcore.extract(Tensor(np.stack([crop, crop])))


def test_value_range(crop: Image, expected: Features) -> None:
    stretched = crop.astype(np.float64) * 4 - 100
    ranged = siftcore.extract(stretched, value_range=(-100.0, 4 * 255 - 100.0))
    assert_same_keypoints(ranged, expected, px=2e-3)
    depth_12 = crop.astype(np.uint16) * 16
    ranged = siftcore.extract(depth_12, value_range=(0, 255 * 16))
    assert_same_keypoints(ranged, expected, px=2e-3)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_beyond_black_and_white_all_is_black_and_white(crop: Image, dtype: type) -> None:
    grey = siftcore.load_image(crop.astype(dtype), value_range=(60.0, 180.0))
    expected = ((crop.astype(np.float64) - 60.0) / 120.0).clip(0.0, 1.0)
    assert 0.0 < (expected == 0.0).mean() < 1.0
    assert (expected == 1.0).any()
    np.testing.assert_allclose(grey, expected, atol=1e-6)


def test_floats_may_miss_their_range_by_rounding_only(crop: Image) -> None:
    image = crop.astype(np.float64) / 255
    for value, off in ((0.0, -9e-7), (1.0, 9e-7)):
        image[0, 0] = value + off
        assert siftcore.load_image(image).shape == crop.shape
        image[0, 0] = value + 2 * off
        with pytest.raises(InputError, match=r"must lie in \[0, 1\]"):
            siftcore.load_image(image)
        image[0, 0] = 0.5


def test_a_mask_of_colours_allows_what_is_not_black(crop: Image) -> None:
    colours = np.zeros((*crop.shape, 3), np.uint8)
    colours[:, 60:, 2] = 9
    found = siftcore.extract(crop, mask=PIL.Image.fromarray(colours))
    assert_same_keypoints(found, siftcore.extract(crop, mask=colours.any(axis=2)))
    assert len(found) > 20


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
