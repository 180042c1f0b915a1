"""Whole files to damage: small, real, of every kind that is read."""

from __future__ import annotations

import hashlib
import io
import json
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import skimage.data

import siftcore

__all__ = ["FEATURE_NAMES", "SIZE", "features", "rehashed", "seeds"]

SIZE = (40, 32)
FEATURE_NAMES = ("db/1.jpg", "2.jpg")


def _rgb() -> np.ndarray:
    return np.ascontiguousarray(skimage.data.astronaut()[90:122, 180:220])


def _grey() -> np.ndarray:
    return np.ascontiguousarray(skimage.data.camera()[100:132, 210:250])


def _saved(image: PIL.Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def _pictures() -> dict[str, PIL.Image.Image]:
    grey, rgb = PIL.Image.fromarray(_grey()), PIL.Image.fromarray(_rgb())
    return {"L": grey, "RGB": rgb, "RGBA": rgb.convert("RGBA"), "P": rgb.quantize(32)}


def _png() -> list[bytes]:
    p = _pictures()
    deep = PIL.Image.fromarray(_grey().astype(np.uint16) * 257)
    found = [_saved(p[mode], "PNG") for mode in ("L", "RGB", "RGBA", "P")]
    return [*found, _saved(deep, "PNG"), _saved(p["L"].convert("1"), "PNG")]


def _jpeg() -> list[bytes]:
    p = _pictures()
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    return [
        _saved(p["L"], "JPEG"),
        _saved(p["RGB"], "JPEG", exif=exif),
        _saved(p["RGB"], "JPEG", progressive=True, quality=40),
        _saved(p["RGB"].convert("CMYK"), "JPEG"),
    ]


def _tiff() -> list[bytes]:
    import tifffile

    def written(array: np.ndarray, **options: Any) -> bytes:
        file = io.BytesIO()
        tifffile.imwrite(file, array, **options)
        return file.getvalue()

    p = _pictures()
    deep = _grey().astype(np.uint16) * 257
    return [
        *(_saved(p["L"], "TIFF", compression=c) for c in (None, "tiff_lzw", "tiff_deflate")),
        _saved(p["RGB"], "TIFF", compression="jpeg"),
        _saved(p["L"].convert("1"), "TIFF", compression="group4"),
        written(_grey(), tile=(16, 16)),
        written(_rgb(), tile=(16, 16), compression="zlib"),
        written(deep, rowsperstrip=8),
        written(deep, byteorder=">", tile=(16, 16)),
        written(_grey().astype(np.float32) / 255, rowsperstrip=5),
        written(_grey(), bigtiff=True),
        written(np.stack([_grey(), _grey()])),
    ]


def _bmp() -> list[bytes]:
    return [_saved(image, "BMP") for image in _pictures().values()]


def _webp() -> list[bytes]:
    p = _pictures()
    return [
        _saved(p["RGB"], "WEBP"),
        _saved(p["RGBA"], "WEBP", lossless=True),
        _saved(p["RGB"], "WEBP", save_all=True, append_images=[p["RGB"].rotate(90)]),
    ]


def _gif() -> list[bytes]:
    p = _pictures()
    return [
        _saved(p["P"], "GIF"),
        _saved(p["L"], "GIF", interlace=True),
        _saved(p["P"], "GIF", save_all=True, append_images=[p["P"].rotate(90)]),
    ]


def _pnm() -> list[bytes]:
    p = _pictures()
    plain = " ".join(map(str, _grey().ravel())).encode()
    return [
        _saved(p["L"], "PPM"),
        _saved(p["RGB"], "PPM"),
        _saved(p["L"].convert("1"), "PPM"),
        _saved(PIL.Image.fromarray(_grey().astype(np.uint16) * 257), "PPM"),
        b"P2\n# plain\n40 32\n255\n" + plain,
        _saved(PIL.Image.fromarray(_grey().astype(np.float32) / 255), "PPM"),
    ]


def _others() -> list[bytes]:
    kinds = ("JPEG2000", "AVIF", "TGA", "PCX", "SGI", "ICO", "DDS", "IM", "TIFF", "QOI", "MPO")
    found = []
    for kind in kinds:
        image = _pictures()["RGB"]
        try:
            found.append(_saved(image, kind))
        except (KeyError, OSError):  # not every build of Pillow has all of them
            continue
    return found


@cache
def features() -> siftcore.Features:
    """Five keypoints of a real image."""
    found = siftcore.extract(skimage.data.camera()[100:164, 180:260])[:5]
    assert len(found) == 5
    return found


def _written(write: Callable[[Path], object], name: str = "file") -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        write(path)
        return path.read_bytes()


def _in_hdf5(make: Callable[[Any], None], **options: Any) -> bytes:
    import h5py

    def write(path: Path) -> None:
        with h5py.File(path, "w", **options) as file:
            make(file)

    return _written(write)


def _hdf5() -> list[bytes]:
    from siftcore.io.hdf5 import write_features

    ours = _written(lambda p: write_features(p, {name: features() for name in FEATURE_NAMES}))

    def packed(file: Any) -> None:
        arrays = {
            "keypoints": features().xy,
            "scores": features().response,
            "descriptors": features().descriptors.T,
            "scales": features().sigma,
            "angle": features().angle,
            "octave": features().octave,
            "level": features().level,
            "image_size": np.array(features().image_size),
        }
        for image in FEATURE_NAMES:
            group = file.create_group(image)
            for name, array in arrays.items():
                group.create_dataset(name, data=array, chunks=True, compression="gzip")
            group.attrs["provider"] = "dog"

    return [ours, _in_hdf5(packed), _in_hdf5(packed, libver="latest")]


def _hloc_matches() -> list[bytes]:
    from siftcore.io.hloc_matches import write_matches

    matches = siftcore.match_features(features(), features())
    pairs = [(*FEATURE_NAMES, matches, len(features()))]
    return [_written(lambda p: write_matches(p, pairs))]


def _glue_factory() -> list[bytes]:
    from siftcore.io.glue_factory import write_glue_factory

    return [_written(lambda p: write_glue_factory(p, {n: features() for n in FEATURE_NAMES}))]


def _lowe() -> list[bytes]:
    from siftcore.io.lowe_key import write_key

    return [_written(lambda p: write_key(p, features()))]


def _oxford() -> list[bytes]:
    from siftcore.io.oxford import write_oxford

    return [
        _written(lambda p: write_oxford(p, features())),
        _written(lambda p: write_oxford(p, features(), descriptors=False)),
    ]


def _colmap_text() -> list[bytes]:
    from siftcore.io.colmap_text import write_colmap_text

    return [_written(lambda p: write_colmap_text(p, features()))]


def _pairs() -> list[bytes]:
    return [b"a.jpg b.jpg\n\nc.jpg  a.jpg\n", "\ufeffé.jpg b/c.jpg\r\n".encode()]


def _colmap_database() -> list[bytes]:
    from siftcore.io.colmap_database import ColmapDatabase

    def write(path: Path) -> None:
        with ColmapDatabase(path) as database:
            camera = database.add_camera(*features().image_size)
            first, second = (database.add_image(name, camera) for name in FEATURE_NAMES)
            for image in (first, second):
                database.write_features(image, features())
            rows = np.arange(5)[:, None].repeat(2, axis=1)
            database.write_matches(first, second, rows)
            database.write_two_view_geometry(first, second, rows, homography=np.eye(3))

    return [_written(write)]


def _weights_files(kind: str) -> list[bytes]:
    from tests.dognets.weights import save_small

    found = []
    for half in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            save_small("method3", Path(folder, "weights.safetensors"), half=half)
            found.append(Path(folder, kind).read_bytes())
    return found


def _checkpoint() -> list[bytes]:
    import torch

    from dognets.training.checkpoint import save_checkpoint

    state = {"step": 3, "model": {"a": torch.arange(6.0).reshape(2, 3)}, "loss": [0.5, 0.25]}
    return [_written(lambda p: save_checkpoint(p.parent, state), "last.pt")]


_MAKE: dict[str, Callable[[], list[bytes]]] = {
    "png": _png,
    "jpeg": _jpeg,
    "tiff": _tiff,
    "tiff-in-strips": _tiff,
    "bmp": _bmp,
    "webp": _webp,
    "gif": _gif,
    "pnm": _pnm,
    "other-images": _others,
    "hdf5-features": _hdf5,
    "hloc-matches": _hloc_matches,
    "glue-factory": _glue_factory,
    "lowe-key": _lowe,
    "oxford": _oxford,
    "colmap-text": _colmap_text,
    "pairs": _pairs,
    "colmap-database": _colmap_database,
    "weights": lambda: _weights_files("weights.safetensors"),
    "manifest": lambda: _weights_files("manifest.json")[:1],
    "checkpoint": _checkpoint,
}


@cache
def seeds(name: str) -> list[bytes]:
    """The whole files of a target."""
    return _MAKE[name]()


def rehashed(manifest: bytes, content: bytes) -> bytes:
    """A manifest of one entry whose SHA-256 is that of `content`."""
    (entry,) = json.loads(manifest)
    return json.dumps([entry | {"sha256": hashlib.sha256(content).hexdigest()}]).encode()
