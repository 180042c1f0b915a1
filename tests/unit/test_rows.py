"""Rows of large images: arrays, memory-maps, HDF5, TIFF and rasterio datasets."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import PIL.Image
import pytest

import siftcore
from siftcore import ImageReadError, InputError, InputTypeError
from siftcore import rows as rows_module
from siftcore.rows import ArrayRows, RasterRows, TiffRows, _is_grey_or_rgb, open_rows

tifffile = pytest.importorskip("tifffile")


@pytest.fixture(scope="module")
def grey(camera):
    return np.ascontiguousarray(camera[100:237, 60:271])


@pytest.fixture(scope="module")
def colour(grey):
    return np.stack([grey, 255 - grey, grey // 2], axis=-1)


def whole(rows, n=32):
    return np.concatenate(list(rows.blocks(n)))


def assert_rows(rows, image, n=32):
    assert rows.shape == image.shape[:2]
    np.testing.assert_array_equal(whole(rows, n), siftcore.load_image(image))
    # Every call starts anew.
    np.testing.assert_array_equal(whole(rows, n), siftcore.load_image(image))


@pytest.mark.parametrize("n", [1, 32, 1000])
def test_rows_of_arrays(grey, colour, n):
    for image in (grey, colour, grey.astype(np.uint16) * 257, grey / 255.0, grey > 90):
        assert_rows(ArrayRows(image), image, n)


def test_rows_of_a_memory_map(grey, tmp_path):
    np.save(tmp_path / "grey.npy", grey)
    assert_rows(ArrayRows(np.load(tmp_path / "grey.npy", mmap_mode="r")), grey)


def test_rows_of_an_hdf5_dataset(grey, tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "grey.h5", "w") as file:
        dataset = file.create_dataset("image", data=grey, chunks=(16, 16))
        rows = open_rows(dataset)
        assert_rows(rows, grey)
        features = siftcore.extract(dataset)
    np.testing.assert_array_equal(features.xy, siftcore.extract(grey).xy)


LAYOUTS = {
    "one strip": {},
    "strips": {"rowsperstrip": 10},
    "tiles": {"tile": (32, 48)},
    "compressed tiles": {"tile": (64, 64), "compression": "zlib"},
    "compressed strips": {"rowsperstrip": 7, "compression": "zlib"},
}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_rows_of_tiff(grey, colour, tmp_path, layout):
    path = tmp_path / "image.tif"
    for image in (grey, colour, grey.astype(np.uint16) * 257, (grey / 255.0).astype(np.float32)):
        kind = "rgb" if image.ndim == 3 else "minisblack"
        tifffile.imwrite(path, image, photometric=kind, **layout)
        assert_rows(TiffRows(path), image)


def test_white_may_be_zero(grey, tmp_path):
    path = tmp_path / "image.tif"
    for image in (grey, grey > 90):
        tifffile.imwrite(path, ~image, photometric="miniswhite")
        assert_rows(TiffRows(path), image)


@pytest.mark.parametrize("mode", ["P", "CMYK", "LAB"])
def test_a_large_tiff_whose_samples_are_no_intensities(colour, tmp_path, monkeypatch, mode):
    path = tmp_path / "image.tif"
    PIL.Image.fromarray(colour).convert(mode).save(path)
    with pytest.raises(ImageReadError, match="are not intensities"):
        TiffRows(path)
    expected = siftcore.extract(path)
    monkeypatch.setattr(rows_module, "LARGE", 1000)
    np.testing.assert_array_equal(siftcore.extract(path).xy, expected.xy)


def test_a_large_tiff_gives_the_keypoints_of_its_array(grey, tmp_path, monkeypatch):
    path = tmp_path / "image.tif"
    tifffile.imwrite(path, grey, tile=(32, 32))
    expected = siftcore.extract(grey)
    monkeypatch.setattr(rows_module, "LARGE", 1000)
    monkeypatch.setattr("siftcore.scalespace.strips.STRIP_BYTES", 1)
    monkeypatch.setattr("siftcore.scalespace.strips.ENOUGH_ROWS", 1)
    found = siftcore.extract(path)
    np.testing.assert_array_equal(found.xy, expected.xy)
    np.testing.assert_array_equal(found.descriptors, expected.descriptors)


def raster(image):
    """What rasterio's reader looks like."""
    bands = np.atleast_3d(image)

    def read(indexes, window):
        (top, bottom), (left, right) = window
        return np.stack([bands[top:bottom, left:right, i - 1] for i in indexes])

    height, width, count = bands.shape
    return SimpleNamespace(
        read=read, height=height, width=width, count=count, dtypes=(str(image.dtype),) * count
    )


def test_rows_of_a_rasterio_dataset(grey, colour):
    assert_rows(RasterRows(raster(grey)), grey)
    assert_rows(RasterRows(raster(colour)), colour)
    features = siftcore.extract(raster(grey))
    np.testing.assert_array_equal(features.xy, siftcore.extract(grey).xy)


@pytest.mark.parametrize("bands", [1, 3, 4])
def test_rows_of_a_tiled_geotiff_through_rasterio(bands, colour, tmp_path):
    rasterio = pytest.importorskip("rasterio")
    height, width, _ = colour.shape
    deep = colour.astype(np.uint16) * 257
    layers = np.concatenate([deep, deep[..., :1]], axis=-1)[..., :bands]
    profile = {
        "driver": "GTiff", "height": height, "width": width, "count": bands, "dtype": "uint16",
        "tiled": True, "blockxsize": 64, "blockysize": 48, "compress": "deflate",
        "transform": rasterio.Affine(0.5, 0, 4e5, 0, -0.5, 5e6), "crs": "EPSG:32633",
    }  # fmt: skip
    path = tmp_path / "scene.tif"
    with rasterio.open(path, "w", **profile) as dataset:
        dataset.write(np.moveaxis(layers, -1, 0))
    with rasterio.open(path) as dataset:
        assert_rows(RasterRows(dataset), layers[..., :3].squeeze())
        found = siftcore.extract(dataset)
    expected = siftcore.extract(layers[..., :3].squeeze())
    assert len(expected) > 0
    np.testing.assert_array_equal(found.xy, expected.xy)
    np.testing.assert_array_equal(found.descriptors, expected.descriptors)


def test_small_images_are_read_in_one_piece(grey, tmp_path):
    path = tmp_path / "image.tif"
    tifffile.imwrite(path, grey)
    assert open_rows(grey) is None
    assert open_rows(path) is None
    assert open_rows("photo.jpg") is None
    assert open_rows([[0, 1], [1, 0]]) is None


def test_value_range(grey):
    deep = grey.astype(np.uint16) * 16
    rows = ArrayRows(deep, (0, 4080))
    np.testing.assert_array_equal(whole(rows), siftcore.load_image(deep, (0, 4080)))


def damaged(path, grey):
    tifffile.imwrite(path, grey, tile=(32, 32), compression="zlib")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def test_bad_files_and_arrays_are_named(grey, colour, tmp_path):
    path = tmp_path / "image.tif"
    with pytest.raises(ImageReadError, match="there is no such file"):
        TiffRows(path)
    path.write_text("no image")
    with pytest.raises(ImageReadError, match="is it a TIFF file"):
        TiffRows(path)
    damaged(path, grey)
    with pytest.raises(ImageReadError, match=r"image\.tif"):
        whole(TiffRows(path))
    tifffile.imwrite(path, np.moveaxis(colour, -1, 0), photometric="rgb", planarconfig="separate")
    with pytest.raises(ImageReadError, match="planes of their own"):
        TiffRows(path)
    with pytest.raises(InputError, match="it has 2"):
        RasterRows(raster(colour[..., :2]))
    with pytest.raises(InputTypeError, match="int32"):
        ArrayRows(grey.astype(np.int32))
    with pytest.raises(InputError, match="shape"):
        ArrayRows(np.zeros((4, 5, 6, 7)))


def test_a_nan_in_a_late_strip_is_found(grey):
    image = (grey / 255.0).astype(np.float32)
    image[130, 7] = np.nan
    with pytest.raises(InputError, match="NaN"):
        whole(ArrayRows(image))


@pytest.mark.parametrize("bits", range(1, 17))
def test_samples_of_part_of_a_byte_are_no_intensities(bits):
    # tifffile gives them as whole bytes, whose white is not 255.
    page = SimpleNamespace(bitspersample=bits, photometric=1, compression=1, dtype=np.uint8)
    assert _is_grey_or_rgb(page) == (bits == 1 or bits >= 8)
