"""Pixels without a value: masked arrays and rasterio's datasets."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import siftcore
from siftcore import InputError
from siftcore.coordinates import map_from_xy, xy_from_map
from siftcore.nodata import fill_black, has_gaps, valid_pixels


@pytest.fixture
def missing(crop: np.ndarray) -> np.ndarray:
    where = np.zeros(crop.shape, bool)
    where[:, :50] = True
    where[100:, 60:90] = True
    return where


def test_masked_pixels_are_black_and_have_no_keypoints(
    crop: np.ndarray, missing: np.ndarray
) -> None:
    black = np.where(missing, 0, crop)
    expected = siftcore.extract(black, mask=~missing)
    masked = np.ma.MaskedArray(crop, missing)
    found = siftcore.extract(masked)
    assert 0 < len(found) < len(siftcore.extract(crop))
    np.testing.assert_array_equal(found.xy, expected.xy)
    np.testing.assert_array_equal(siftcore.load_image(masked), siftcore.load_image(black))
    # A mask of the caller's acts beside it.
    mine = np.zeros(crop.shape, bool)
    mine[:64] = True
    both = siftcore.extract(masked, mask=mine)
    np.testing.assert_array_equal(both.xy, siftcore.extract(black, mask=mine & ~missing).xy)
    result = siftcore.match(masked, masked)
    np.testing.assert_array_equal(result.features_a.xy, expected.xy)


@pytest.mark.parametrize("hole", [-9999.0, np.nan, np.inf, 1e30])
def test_the_value_under_the_mask_does_not_matter(
    crop: np.ndarray, missing: np.ndarray, hole: float
) -> None:
    values = np.where(missing, hole, crop / 255.0)
    found = siftcore.extract(np.ma.MaskedArray(values, missing))
    expected = siftcore.extract(np.where(missing, 0.0, crop / 255.0), mask=~missing)
    np.testing.assert_array_equal(found.xy, expected.xy)
    with pytest.raises(InputError):
        siftcore.extract(values)


def test_colour_is_valid_where_all_bands_are(crop: np.ndarray) -> None:
    rgb = np.ma.MaskedArray(np.stack([crop] * 3, axis=-1), False)
    assert valid_pixels(np.ma.MaskedArray(crop)) is None
    rgb[5, 7, 1] = np.ma.masked
    valid = valid_pixels(rgb)
    assert valid is not None
    assert np.argwhere(~valid).tolist() == [[5, 7]]
    assert valid_pixels(crop) is None


def test_black_is_what_value_range_says() -> None:
    ints = np.ma.MaskedArray(np.array([[9, 7]], np.uint16), [[True, False]])
    assert fill_black(ints, (300.0, 400.0)).tolist() == [[300, 7]]
    assert fill_black(ints, (-5.0, 400.0)).tolist() == [[0, 7]]
    floats = np.ma.MaskedArray(np.array([[9.0, 0.5]]), [[True, False]])
    assert fill_black(floats, (-1.0, 1.0)).tolist() == [[-1.0, 0.5]]
    assert fill_black(floats, None).tolist() == [[0.0, 0.5]]


@pytest.fixture
def scene(tmp_path: Path, crop: np.ndarray, missing: np.ndarray) -> Any:
    """A function that writes a GeoTIFF of 12 bits without data where `missing`."""
    rasterio = pytest.importorskip("rasterio", reason="needs rasterio")

    def write(dtype: str, nodata: float | None, bands: int = 1) -> Path:
        path = tmp_path / f"{dtype}{nodata}.tif"
        values = (crop.astype(dtype) * 16) + 100
        if nodata is not None:
            values[missing] = nodata
        transform = rasterio.Affine(0.5, 0, 4e5, 0, -0.5, 5e6)
        height, width = crop.shape
        with rasterio.open(
            path, "w", driver="GTiff", width=width, height=height, count=bands, dtype=dtype,
            nodata=nodata, transform=transform, crs="EPSG:32633",
        ) as dataset:  # fmt: skip
            for band in range(1, bands + 1):
                dataset.write(values, band)
        return path

    return write


@pytest.mark.parametrize(
    ("dtype", "nodata"), [("uint16", 0), ("float32", -9999), ("float32", np.nan), ("int16", -1)]
)
def test_a_dataset_has_no_keypoints_without_data(
    scene: Any, crop: np.ndarray, missing: np.ndarray, dtype: str, nodata: float
) -> None:
    import rasterio

    black = np.where(missing, 0.0, crop / 255.0)
    expected = siftcore.extract(black, mask=~missing)
    limits = (100, 100 + 16 * 255)
    with rasterio.open(scene(dtype, nodata)) as dataset:
        found = siftcore.extract(dataset, value_range=limits)
        masked = siftcore.extract(dataset.read(1, masked=True), value_range=limits)
        described = siftcore.describe(dataset, found.xy, found.sigma, value_range=limits)
    assert len(found) == len(expected) > 0
    np.testing.assert_allclose(found.xy, expected.xy, atol=1e-3)
    np.testing.assert_array_equal(masked.xy, found.xy)
    assert described.image_size == found.image_size


def test_every_provider_takes_a_dataset(scene: Any, crop: np.ndarray) -> None:
    import rasterio

    class Whole:
        """The classical scale space, of whole images only."""

        name = "whole"

        def build(self, image: Any, params: Any) -> Any:
            assert image.shape == crop.shape
            return siftcore.get_provider("dog").build(image, params)

    limits = (100, 100 + 16 * 255)
    with rasterio.open(scene("uint16", None)) as dataset:
        whole = siftcore.extract(dataset, Whole(), value_range=limits)
        strips = siftcore.extract(dataset, value_range=limits)
    np.testing.assert_allclose(whole.xy, strips.xy, atol=1e-4)


@pytest.mark.parametrize("interleave", ["pixel", "band"])
def test_colour_of_16_bits_by_its_path(tmp_path: Path, crop: np.ndarray, interleave: str) -> None:
    tifffile = pytest.importorskip("tifffile")
    rgb = np.stack([crop, crop[::-1], 255 - crop], axis=-1).astype(np.uint16) * 257
    planes = {"pixel": "contig", "band": "separate"}[interleave]
    data = rgb if interleave == "pixel" else rgb.transpose(2, 0, 1)
    tifffile.imwrite(tmp_path / "a.tif", data, photometric="rgb", planarconfig=planes)
    np.testing.assert_array_equal(siftcore.load_image(tmp_path / "a.tif"), siftcore.load_image(rgb))
    tifffile.imwrite(tmp_path / "b.tif", np.stack([rgb[..., 0]] * 5, -1), planarconfig="contig")
    with pytest.raises(InputError, match=r"choose one band, image\[\.\.\., i\]"):
        siftcore.load_image(tmp_path / "b.tif")
    (tmp_path / "c.tif").write_bytes((tmp_path / "a.tif").read_bytes()[:300])
    with pytest.raises(siftcore.ImageReadError, match=r"c\.tif"):
        siftcore.load_image(tmp_path / "c.tif")


def test_pillows_limit_holds_for_tifffile_too(
    tmp_path: Path, crop: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    tifffile = pytest.importorskip("tifffile")
    rgb = np.stack([crop] * 3, axis=-1).astype(np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", rgb, photometric="rgb")
    monkeypatch.setattr("PIL.Image.MAX_IMAGE_PIXELS", crop.size - 1)
    with pytest.raises(siftcore.ImageReadError, match="--max-pixels"):
        siftcore.load_image(tmp_path / "a.tif")
    monkeypatch.setattr("PIL.Image.MAX_IMAGE_PIXELS", crop.size)
    assert siftcore.load_image(tmp_path / "a.tif").shape == crop.shape


def test_map_coordinates_are_rasterios() -> None:
    rasterio = pytest.importorskip("rasterio", reason="needs rasterio")
    transform = rasterio.Affine(0.5, 0.1, 4e5, -0.2, -0.4, 5e6)
    xy = np.array([[0.0, 0.0], [3.25, 7.5], [11999.75, 8999.5]])
    easting, northing = rasterio.transform.xy(transform, xy[:, 1], xy[:, 0])
    points = map_from_xy(xy, transform)
    np.testing.assert_allclose(points, np.stack([easting, northing], axis=1), atol=1e-6)
    np.testing.assert_allclose(xy_from_map(points, transform), xy, atol=1e-6)
    assert map_from_xy(np.zeros((0, 2)), transform).shape == (0, 2)
    np.testing.assert_allclose(map_from_xy([[-0.5, -0.5]], list(transform)[:6]), [[4e5, 5e6]])


def test_without_tifffile_wrong_planes_are_refused(
    tmp_path: Path, crop: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    tifffile = pytest.importorskip("tifffile")
    rgb = np.stack([crop, crop[::-1], 255 - crop], axis=-1).astype(np.uint16) * 257
    tifffile.imwrite(tmp_path / "a.tif", rgb, photometric="rgb", planarconfig="contig")
    planes = rgb.transpose(2, 0, 1)
    tifffile.imwrite(tmp_path / "b.tif", planes, photometric="rgb", planarconfig="separate")
    monkeypatch.setitem(sys.modules, "tifffile", None)
    eight = siftcore.load_image(tmp_path / "a.tif")
    np.testing.assert_allclose(eight, siftcore.load_image(rgb), atol=1 / 255)
    with pytest.raises(siftcore.ImageReadError, match="install tifffile"):
        siftcore.load_image(tmp_path / "b.tif")


@pytest.mark.parametrize("name", ["all_valid", "nodata", "alpha", "per_dataset"])
def test_every_kind_of_mask_is_a_gap(name: str) -> None:
    bands = [[SimpleNamespace(name="all_valid")], [SimpleNamespace(name=name)]]
    assert has_gaps(SimpleNamespace(mask_flag_enums=bands)) == (name != "all_valid")
