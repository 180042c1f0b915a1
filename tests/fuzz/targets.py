"""What is done with each damaged file. The one rule: a valid result, or a `SiftError`."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import PIL.Image

import siftcore
from siftcore import SiftError
from tests.fuzz.corpus import FEATURE_NAMES, SIZE, rehashed, seeds
from tests.fuzz.mutator import with_png_checksums
from tests.fuzz.validity import check_extracted, check_features, check_matches

__all__ = ["GROUPS", "TARGETS", "Target"]

# Damage to a header can make a small file a large image, which would be extracted for seconds.
_MOST_PIXELS = 2**17


@dataclass(frozen=True)
class Target:
    """A kind of file.

    Attributes
    ----------
    name : str
        Of its seeds in `tests.fuzz.corpus`.
    file : str
        Name under which a case lies on the disk.
    use : callable
        Reads the file; raises `SiftError` where it is refused, and anything else for a fault.
    prepare : callable, optional
        What is written for a case: (damaged bytes, a number drawn) to bytes.
    """

    name: str
    file: str
    use: Callable[[Path], None]
    prepare: Callable[[bytes, int], bytes] = lambda data, _: data


def _check_pixels(pixels: np.ndarray) -> None:
    assert pixels.ndim in (2, 3)
    assert pixels.dtype in (np.uint8, np.uint16, np.int32, np.float32, np.bool_) or (
        pixels.dtype.newbyteorder("=") == np.uint16
    )


def _image(path: Path) -> None:
    from siftcore.image_files import read_pixels

    # As a user's own PIL image, which is read late.
    with contextlib.suppress(Exception), PIL.Image.open(path) as opened:
        if opened.width * opened.height <= _MOST_PIXELS:
            try:
                siftcore.load_image(opened)
            except SiftError:
                pass
            except Exception as error:
                raise SystemExit(f"a PIL image: {error!r}") from error
    pixels = read_pixels(path)
    _check_pixels(pixels)
    height, width = pixels.shape[:2]
    if height * width <= _MOST_PIXELS:
        check_extracted(siftcore.extract(path), (width, height))


def _tiff_in_strips(path: Path) -> None:
    import siftcore.rows

    before = siftcore.rows.LARGE
    siftcore.rows.LARGE = 64
    try:
        rows = siftcore.rows.open_rows(path)
        if rows is not None and rows.shape[0] * rows.shape[1] > _MOST_PIXELS:
            for block in rows.blocks(64):
                assert np.isfinite(block).all()
        elif rows is not None:
            check_extracted(siftcore.extract(path), rows.shape[::-1])
        else:
            _image(path)
    finally:
        siftcore.rows.LARGE = before


def _refusal(read: Callable[[], object]) -> SiftError | None:
    try:
        read()
    except SiftError as error:
        return error
    return None


def _all_of(reads: Iterable[Callable[[], object]]) -> None:
    """Do all, whatever becomes of the others; then raise the first refusal."""
    for error in [_refusal(read) for read in reads]:
        if error is not None:
            raise error


def _hdf5_features(path: Path) -> None:
    from siftcore.io.hdf5 import list_features, read_features

    def read(name: str) -> None:
        features = read_features(path, name)
        n = len(features)
        check_features(features)
        check_matches(siftcore.match_features(features, features), n, n)

    def read_listed() -> None:
        _all_of(partial(read, name) for name in list_features(path))

    _all_of([read_listed, *(partial(read, name) for name in FEATURE_NAMES)])


def _hloc_matches(path: Path) -> None:
    from siftcore.io.hloc_matches import read_matches

    for pair in (FEATURE_NAMES, FEATURE_NAMES[::-1]):
        matches = read_matches(path, *pair)
        assert (matches.indices >= 0).all()
        assert matches.indices.shape == (len(matches), 2)
        assert np.isfinite(matches.ratio).all()


def _glue_factory(path: Path) -> None:
    from siftcore.io.glue_factory import read_glue_factory

    for name in FEATURE_NAMES:
        check_features(read_glue_factory(path, name, SIZE))


def _lowe_key(path: Path) -> None:
    from siftcore.io.lowe_key import read_key

    check_features(read_key(path, SIZE))


def _oxford(path: Path) -> None:
    from siftcore.io.oxford import read_oxford

    check_features(read_oxford(path, SIZE))


def _colmap_text(path: Path) -> None:
    from siftcore.io.colmap_text import read_colmap_text

    check_features(read_colmap_text(path, SIZE))


def _pairs(path: Path) -> None:
    from siftcore.io.pairs import read_pairs

    for first, second in read_pairs(path):
        assert first != second
        assert len(first.split()) == len(second.split()) == 1


def _colmap_database(path: Path) -> None:
    from siftcore.io.colmap_database import ColmapDatabase

    def read_pairs(read: Callable[[int, int], np.ndarray]) -> None:
        rows = read(1, 2)
        assert rows.dtype == np.int32
        assert rows.ndim == 2
        assert rows.shape[1] == 2

    with ColmapDatabase(path) as database:

        def read_listed() -> None:
            _all_of(partial(read, image.name) for image in database.images())

        def read(name: str) -> None:
            check_features(database.read_features(name))

        pairs = (database.read_matches, database.read_inliers)
        named = [partial(read, name) for name in FEATURE_NAMES]
        _all_of([read_listed, *named, *(partial(read_pairs, one) for one in pairs)])


def _network(folder: Path) -> None:
    from dognets.providers import make_provider

    provider = make_provider("method3-x2", weights=folder, device="cpu")
    image = np.linspace(0, 1, 24 * 20, dtype=np.float32).reshape(24, 20)
    check_extracted(siftcore.extract(image, provider), (20, 24))


def _weights(path: Path) -> None:
    content = path.read_bytes()
    # Else every case would end at the SHA-256.
    manifest = rehashed(seeds("manifest")[0], content)
    (path.parent / "manifest.json").write_bytes(manifest)
    _network(path.parent)


def _manifest(path: Path) -> None:
    (path.parent / "weights.safetensors").write_bytes(seeds("weights")[0])
    _network(path.parent)


def _checkpoint(path: Path) -> None:
    from dognets.training.checkpoint import load_checkpoint

    state = load_checkpoint(path.parent)
    assert "step" in state


def _png_case(data: bytes, drawn: int) -> bytes:
    # Else nearly every case would end at a checksum.
    return with_png_checksums(data) if drawn % 4 else data


_ALL = (
    Target("png", "case.png", _image, _png_case),
    Target("jpeg", "case.jpg", _image),
    Target("tiff", "case.tif", _image),
    Target("tiff-in-strips", "case.tif", _tiff_in_strips),
    Target("bmp", "case.bmp", _image),
    Target("webp", "case.webp", _image),
    Target("gif", "case.gif", _image),
    Target("pnm", "case.pgm", _image),
    Target("other-images", "case.img", _image),
    Target("hdf5-features", "case.h5", _hdf5_features),
    Target("hloc-matches", "case.h5", _hloc_matches),
    Target("glue-factory", "case.h5", _glue_factory),
    Target("lowe-key", "case.key", _lowe_key),
    Target("oxford", "case.hesaff", _oxford),
    Target("colmap-text", "case.txt", _colmap_text),
    Target("pairs", "case.txt", _pairs),
    Target("colmap-database", "case.db", _colmap_database),
    Target("weights", "weights.safetensors", _weights),
    Target("manifest", "manifest.json", _manifest),
    Target("checkpoint", "last.pt", _checkpoint),
)
TARGETS = {target.name: target for target in _ALL}
NETWORKS = ("weights", "manifest", "checkpoint")
GROUPS = {
    "images": tuple(name for name in TARGETS if TARGETS[name].use in (_image, _tiff_in_strips)),
    "features": tuple(
        name
        for name in TARGETS
        if TARGETS[name].use not in (_image, _tiff_in_strips) and name not in NETWORKS
    ),
    "networks": NETWORKS,
}
