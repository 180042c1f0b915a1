"""Files that fuzzing found, or that were suspected beside them: each refused, or read rightly."""

from __future__ import annotations

import io
import sqlite3
import struct
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

import siftcore
from siftcore import ImageReadError, InputError, ParameterError
from siftcore.image_files import read_pixels
from siftcore.io.colmap_database import ColmapDatabase
from siftcore.io.foreign import foreign_features
from siftcore.io.lowe_key import read_key
from tests.fuzz.corpus import FEATURE_NAMES, SIZE, features, seeds
from tests.fuzz.validity import check_extracted

ERRORS = (
    struct.error("unpack"), SyntaxError("no"), EOFError(), zlib.error("-3"), OverflowError("big"),
    IndexError("out"), KeyError("tag"), TypeError("none"), AttributeError("x"), MemoryError(),
    RecursionError("deep"), ZeroDivisionError(), RuntimeError("codec"), UserWarning("exif"),
)  # fmt: skip


@pytest.mark.parametrize("error", ERRORS, ids=lambda e: type(e).__name__)
def test_whatever_pillow_raises(tmp_path, monkeypatch, error):
    path = tmp_path / "image.png"
    path.write_bytes(seeds("png")[1])
    with PIL.Image.open(path) as opened:

        def load(self: Any) -> None:
            raise error

        monkeypatch.setattr(type(opened), "load", load)
        for image in (path, opened):
            with pytest.raises(ImageReadError, match=r"damaged") as raised:
                siftcore.extract(image)
            assert str(path) in str(raised.value)


def test_an_interrupt_passes(tmp_path, monkeypatch):
    def load(self: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(PIL.Image.Image, "load", load)
    with pytest.raises(KeyboardInterrupt):
        siftcore.load_image(PIL.Image.new("L", (40, 40)))


def test_a_bomb_is_refused_whatever_becomes_of_warnings(tmp_path, monkeypatch):
    path = tmp_path / "image.png"
    path.write_bytes(seeds("png")[0])
    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", 40 * 32 - 1)
    for action in ("error", "ignore"):
        with warnings.catch_warnings():
            warnings.simplefilter(action)
            filters = list(warnings.filters)
            with pytest.raises(ImageReadError, match="MAX_IMAGE_PIXELS"):
                read_pixels(path)
            assert warnings.filters == filters
    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", None)
    assert read_pixels(path).shape == (32, 40)


@pytest.mark.parametrize("suffix", [".tif", ".pgm"])
def test_sixteen_bits_in_either_order(tmp_path, suffix):
    grey = np.arange(40 * 32, dtype=np.uint16).reshape(32, 40) * 51
    path = tmp_path / f"image{suffix}"
    if suffix == ".tif":
        tifffile = pytest.importorskip("tifffile")
        tifffile.imwrite(path, grey, byteorder=">")
    else:
        path.write_bytes(b"P5 40 32 65535 " + grey.astype(">u2").tobytes())
    pixels = read_pixels(path)
    assert pixels.dtype.kind == "u"
    assert pixels.dtype.itemsize == 2
    np.testing.assert_array_equal(pixels, grey)
    np.testing.assert_array_equal(siftcore.load_image(path), siftcore.load_image(grey))
    swapped = grey.astype(">u2")
    np.testing.assert_array_equal(siftcore.load_image(swapped), siftcore.load_image(grey))


def test_a_large_tiff_that_only_pillow_can_decode(tmp_path, monkeypatch):
    pytest.importorskip("tifffile")
    path = tmp_path / "image.tif"
    image = PIL.Image.open(io.BytesIO(seeds("png")[0]))
    image.save(path, compression="tiff_lzw")
    monkeypatch.setattr("siftcore.rows.LARGE", 64)
    check_extracted(siftcore.extract(path), (40, 32))


def test_a_tiff_whose_header_promises_too_much(tmp_path, monkeypatch):
    tifffile = pytest.importorskip("tifffile")
    from siftcore.rows import TiffRows

    path = tmp_path / "image.tif"
    tifffile.imwrite(path, np.zeros((32, 32), np.uint8), tile=(16, 16))
    data = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as file:
        places = {tag: file.pages[0].tags[tag].offset for tag in (256, 257)}
    for tag, place in places.items():
        data[place : place + 12] = struct.pack("<HHII", tag, 4, 1, 200_000)
    path.write_bytes(data)
    with pytest.raises(ImageReadError, match=r"40000000000 bytes of samples"):
        TiffRows(path)
    with pytest.raises(ImageReadError):
        siftcore.extract(path)


@pytest.mark.parametrize("content", [b"", b"II*\0", b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08\xff\xff"])
def test_a_stump_of_a_tiff(tmp_path, content):
    path = tmp_path / "image.tif"
    path.write_bytes(content)
    with pytest.raises(ImageReadError):
        siftcore.extract(path)


def test_values_beyond_float32():
    image = np.full((40, 40), 0.5)
    image[3, 4] = 1e300
    with pytest.raises(InputError, match="finite"):
        siftcore.extract(image)


@pytest.mark.parametrize("pair", [(0.0, 1e300), (-1e308, 1e308), (0.0, 1e-320), (1e38, 2e38)])
def test_a_range_beyond_float32(pair):
    with pytest.raises(ParameterError, match="value_range"):
        siftcore.extract(np.zeros((40, 40)), value_range=pair)


def change_hdf5(path: Path, dataset: str, array: Any, **options: Any) -> None:
    import h5py

    path.write_bytes(seeds("hdf5-features")[0])
    with h5py.File(path, "r+") as file:
        group = file[FEATURE_NAMES[0]]
        del group[dataset]
        if array is not None:
            group.create_dataset(dataset, data=array, **options)
        else:
            group.create_dataset(dataset, **options)


@pytest.mark.parametrize(
    ("dataset", "array", "options"),
    [
        ("keypoints", np.full((5, 2), np.nan), {}),
        ("keypoints", np.full((5, 2), 1e300), {}),
        ("keypoints", np.zeros((5, 3)), {}),
        ("keypoints", np.zeros((4, 2)), {}),
        ("keypoints", None, {"shape": (2**33, 2), "dtype": "f4"}),
        ("scales", np.zeros(5), {}),
        ("scales", np.full(5, -1.0), {}),
        ("scales", np.full(5, b"1.0"), {}),
        ("scales", np.ones(5, complex), {}),
        ("scores", np.full(5, np.inf), {}),
        ("angle", np.full(5, 7.0), {}),
        ("level", None, {"shape": (5,), "dtype": [("a", "f4"), ("b", "i4")]}),
        ("octave", 3, {}),
        ("descriptors", None, {"shape": (128, 2**40), "dtype": "f4", "chunks": (128, 64)}),
        ("image_size", np.array([0, 5]), {}),
        ("image_size", np.array([-4, 5]), {}),
        ("image_size", np.array([4, 5, 6]), {}),
        ("image_size", np.array(["a", "b"], "S1"), {}),
    ],
)
def test_features_in_damaged_hdf5(tmp_path, dataset, array, options):
    pytest.importorskip("h5py")
    from siftcore.io.hdf5 import read_features

    path = tmp_path / "features.h5"
    change_hdf5(path, dataset, array, **options)
    with pytest.raises(InputError, match=r"features\.h5"):
        read_features(path, FEATURE_NAMES[0])
    assert len(read_features(path, FEATURE_NAMES[1])) == 5


@pytest.mark.parametrize("value", [3, b"\xff", np.zeros(4)])
def test_a_provider_that_is_no_name(tmp_path, value):
    h5py = pytest.importorskip("h5py")
    from siftcore.io.hdf5 import read_features

    path = tmp_path / "features.h5"
    path.write_bytes(seeds("hdf5-features")[0])
    with h5py.File(path, "r+") as file:
        file[FEATURE_NAMES[0]].attrs["provider"] = value
    with pytest.raises(InputError):
        read_features(path, FEATURE_NAMES[0])


@pytest.mark.parametrize(
    ("partner", "score"),
    [
        (np.zeros(3, np.int16), np.full(3, np.nan, np.float16)),
        (np.zeros(3, np.int16), np.full(3, np.inf, np.float16)),
        (np.zeros(3, np.int16), np.full(3, b"x")),
        (np.full(3, 2**63, np.uint64), np.ones(3, np.float16)),
        (np.zeros(3, np.float32), np.ones(3, np.float16)),
    ],
)
def test_matches_in_damaged_hdf5(tmp_path, partner, score):
    h5py = pytest.importorskip("h5py")
    from siftcore.io.hloc_matches import read_matches

    path = tmp_path / "matches.h5"
    with h5py.File(path, "w") as file:
        file["a/b/matches0"], file["a/b/matching_scores0"] = partner, score
    with pytest.raises(InputError, match=r"matches\.h5"):
        read_matches(path, "a", "b")


@pytest.mark.parametrize("array", [np.full(5, b"x"), np.ones(5, complex), np.full(5, np.nan)])
def test_angles_in_damaged_files_of_glue_factory(tmp_path, array):
    h5py = pytest.importorskip("h5py")
    from siftcore.io.glue_factory import read_glue_factory

    path = tmp_path / "cache.h5"
    path.write_bytes(seeds("glue-factory")[0])
    with h5py.File(path, "r+") as file:
        del file[FEATURE_NAMES[0]]["oris"]
        file[FEATURE_NAMES[0]]["oris"] = array
    with pytest.raises(InputError, match=r"cache\.h5"):
        read_glue_factory(path, FEATURE_NAMES[0], SIZE)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE keypoints SET rows = 'many'",
        "UPDATE keypoints SET rows = -rows, cols = -cols",
        "UPDATE keypoints SET data = 'text that is as long as it likes'",
        "UPDATE keypoints SET data = NULL",
        "UPDATE keypoints SET rows = 1e300",
        "UPDATE descriptors SET cols = 64, rows = 10",
        "UPDATE cameras SET width = 'wide'",
        "UPDATE cameras SET height = 0",
        "UPDATE images SET name = CAST(x'ff' AS TEXT)",
        "UPDATE images SET name = x'6162'",
    ],
)
def test_a_damaged_colmap_database(tmp_path, change):
    path = tmp_path / "database.db"
    path.write_bytes(seeds("colmap-database")[0])
    connection = sqlite3.connect(path)
    # Names are unique: a change of one.
    where = " WHERE image_id = 1" if "images" in change else ""
    connection.execute(change + where)
    connection.commit()
    connection.close()

    def first(database: ColmapDatabase) -> siftcore.Features:
        return database.read_features(database.images()[0].name)

    with ColmapDatabase(path) as database, pytest.raises(InputError, match=r"database\.db"):
        first(database)


@pytest.mark.parametrize("table", ["matches", "two_view_geometries"])
@pytest.mark.parametrize("change", ["cols = 5, rows = 2", "data = x'ffffffffffffffff', rows = 1"])
def test_damaged_matches_of_colmap(tmp_path, table, change):
    path = tmp_path / "database.db"
    path.write_bytes(seeds("colmap-database")[0])
    connection = sqlite3.connect(path)
    connection.execute(f"UPDATE {table} SET {change}")
    connection.commit()
    connection.close()
    with ColmapDatabase(path) as database, pytest.raises(InputError, match="damaged"):
        (database.read_matches if table == "matches" else database.read_inliers)(1, 2)


def test_a_database_with_a_damaged_page(tmp_path):
    path = tmp_path / "database.db"
    data = bytearray(seeds("colmap-database")[0])
    data[4096:] = bytes(len(data) - 4096)
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"database\.db"), ColmapDatabase(path) as database:
        database.read_features(FEATURE_NAMES[0])


def test_a_database_whose_schema_is_no_text(tmp_path):
    path = tmp_path / "database.db"
    data = seeds("colmap-database")[0]
    schema = b"CREATE TABLE keypoints ("
    assert data.count(schema) == 1
    path.write_bytes(data.replace(schema, b"CREATE TABL\x80 keypoints ("))
    with pytest.raises(InputError, match=r"database\.db"):
        ColmapDatabase(path)


@pytest.mark.parametrize("word", [b"1e30", b"nan", b"-inf", b"1e400", b"0x10", b"\xc3\xa9"])
def test_numbers_of_text_files(tmp_path, word):
    path = tmp_path / "image.key"
    words = seeds("lowe-key")[0].split()
    path.write_bytes(b" ".join([*words[:40], word, *words[41:]]))
    with pytest.raises(InputError, match=r"image\.key"):
        read_key(path, SIZE)


def test_positions_that_float32_cannot_hold():
    with pytest.raises(InputError, match="finite"):
        foreign_features(
            "a list", xy=[[1e300, 1.0]], sigma=[1.0], angle=[0.0], descriptors=None,
            image_size=SIZE, provider="x",
        )  # fmt: skip


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30])
@pytest.mark.parametrize("second", [False, True])
def test_descriptors_that_cannot_be_compared(value, second):
    good = features()
    rows = good.descriptors.copy()
    rows[2, 7] = value
    bad = siftcore.Features(**{**vars(good), "descriptors": rows})
    pair = (good, bad) if second else (bad, good)
    with pytest.raises(InputError, match="features_b" if second else "features_a"):
        siftcore.match_features(*pair)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (np.full((9, 2), np.nan), np.zeros((9, 2))),
        (np.zeros((9, 2)), np.full((9, 2), np.inf)),
        (np.full((9, 2), 1e30), np.zeros((9, 2))),
        (np.zeros((9, 2)), np.zeros((8, 2))),
        (np.zeros((9, 3)), np.zeros((9, 2))),
        (np.zeros(9), np.zeros(9)),
    ],
)
@pytest.mark.parametrize("geometry", ["homography", "fundamental"])
def test_points_that_determine_nothing(a, b, geometry):
    pytest.importorskip("poselib")
    from siftcore.verification import estimate_geometry

    with pytest.raises(InputError, match="xy_"):
        estimate_geometry(a.astype(np.float32), b.astype(np.float32), geometry)
