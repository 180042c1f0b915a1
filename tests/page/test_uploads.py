"""Whatever somebody drops on the page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from siftcore.demo_page.uploads import Upload, fit, read_upload
from siftcore.errors import ImageReadError, InputError

RNG = np.random.default_rng(1)
GREY = RNG.integers(0, 255, (30, 40), np.uint8)
COLOUR = RNG.integers(0, 255, (30, 40, 3), np.uint8)


def _read(path: Path, max_megapixels: float = 1.0) -> Image.Image:
    return read_upload(Upload(str(path), "mine"), max_megapixels)


@pytest.mark.parametrize(
    ("image", "suffix", "expected"),
    [
        (Image.fromarray(GREY), "png", GREY),
        (Image.fromarray(COLOUR), "png", COLOUR),
        (Image.fromarray(np.dstack([COLOUR, GREY])), "png", COLOUR),
        (Image.fromarray(np.dstack([GREY, GREY])), "png", GREY),
        (Image.fromarray(GREY > 99), "png", np.where(GREY > 99, np.uint8(255), np.uint8(0))),
        (Image.fromarray(GREY.astype(np.uint16) * 257), "png", GREY),
        (Image.fromarray(GREY.astype(np.float32) / 255), "tiff", GREY),
        (Image.fromarray(GREY).convert("P"), "png", np.dstack([GREY] * 3)),
    ],
    ids=["grey", "colour", "alpha", "grey-alpha", "bits", "16-bit", "float", "palette"],
)
def test_kinds_of_images(
    tmp_path: Path, image: Image.Image, suffix: str, expected: np.ndarray
) -> None:
    path = tmp_path / f"image.{suffix}"
    image.save(path)
    read = _read(path)
    assert read.mode in ("L", "RGB")
    np.testing.assert_array_equal(np.asarray(read), expected)


def test_it_is_turned_as_the_browser_turns_it(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(COLOUR).save(tmp_path / "turned.png", exif=exif)
    np.testing.assert_array_equal(np.asarray(_read(tmp_path / "turned.png")), np.rot90(COLOUR, -1))


def test_too_many_pixels_are_refused_undecoded(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    Image.new("1", (2000, 1001)).save(path)
    # Cut off behind the header: decoding it would be another error.
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(ImageReadError, match=r"'mine': it has 2000 x 1001 pixels; at most 2 meg"):
        _read(path, 2.0)
    Image.new("1", (20000, 10000)).save(path)
    with pytest.raises(ImageReadError, match=r"'mine': it is far too large; at most 24 megapixels"):
        _read(path, 24.0)


def test_files_that_are_no_images(tmp_path: Path) -> None:
    text = tmp_path / "text.png"
    text.write_text("no image")
    with pytest.raises(ImageReadError, match="'mine': it is not an image of a known format"):
        _read(text)
    damaged = tmp_path / "damaged.jpg"
    Image.fromarray(COLOUR).resize((400, 300)).save(damaged)
    damaged.write_bytes(damaged.read_bytes()[:2000])
    with pytest.raises(ImageReadError, match="may be damaged") as caught:
        _read(damaged)
    with pytest.raises(ImageReadError) as missing:
        _read(tmp_path / "absent.png")
    for error in (caught, missing):
        # Where uploads lie is nobody's business.
        assert str(tmp_path) not in str(error.value)


def test_values_that_no_image_has(tmp_path: Path) -> None:
    path = tmp_path / "nan.tiff"
    Image.fromarray(np.full((20, 20), np.nan, np.float32)).save(path)
    with pytest.raises(InputError, match="finite"):
        _read(path)


@pytest.mark.parametrize(
    ("size", "long_side", "expected"),
    [
        ((400, 300), None, (400, 300)),
        ((400, 300), 400, (400, 300)),
        ((400, 300), 200, (200, 150)),
        ((300, 400), 200, (150, 200)),
        ((4000, 1), 100, (100, 1)),
    ],
)
def test_fit(size: tuple[int, int], long_side: int | None, expected: tuple[int, int]) -> None:
    assert fit(Image.new("L", size), long_side).size == expected


def test_fit_smooths() -> None:
    stripes = Image.fromarray(np.tile(np.array([0, 255], np.uint8), (64, 32)))
    inner = np.asarray(fit(stripes, 16), int)[:, 2:-2]
    assert np.abs(inner - 127).max() < 12
