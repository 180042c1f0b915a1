"""Images that are whole but odd: modes, subclasses, tensors, and paths that are no files."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from typer.testing import CliRunner

import siftcore
from siftcore import ImageReadError, InputError, InputTypeError
from siftcore.cli import app
from siftcore.image_files import read_pixels
from siftcore.rows import open_rows
from tests.fuzz.corpus import seeds

needs_pipes = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")


def _texture(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (32, 40, 3), np.uint8)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK",
                                  "YCbCr", "HSV", "I;16", "I;16B"])  # fmt: skip
def test_every_mode_of_pillow(mode):
    colour = PIL.Image.fromarray(_texture())
    if mode.startswith("I;16"):
        image = colour.convert("L").convert("I;16").convert(mode)
    else:
        image = (colour.convert("P") if mode == "PA" else colour).convert(mode)
    grey = siftcore.load_image(image)
    assert grey.shape == (32, 40)
    assert 0 <= grey.min() <= grey.max() <= 1
    assert np.ptp(grey) > 0


def test_a_palette_with_a_transparency_of_each_colour(tmp_path):
    """Pillow warns about the direct way to RGB; the colours are the same."""
    palette = PIL.Image.fromarray(_texture()).convert("P")
    path = tmp_path / "palette.png"
    palette.save(path, transparency=bytes(range(256)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pixels = read_pixels(path)
    np.testing.assert_array_equal(pixels, np.asarray(palette.convert("RGB")))


def test_tensors_that_numpy_cannot_hold():
    torch = pytest.importorskip("torch")
    plain = torch.rand(24, 32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        quantized = torch.quantize_per_tensor(plain, 1 / 255, 0, torch.quint8)
    for image in (plain.to_sparse(), plain.to("meta"), quantized):
        with pytest.raises(InputTypeError, match="must be a dense torch tensor"):
            siftcore.extract(image)
    for image in (torch.nn.Linear(1, 1), torch.float32, torch.device("cpu"), torch.Size([3])):
        with pytest.raises(InputTypeError, match="image must be a path"):
            siftcore.extract(image)


def test_tensors_with_a_pending_sign():
    torch = pytest.importorskip("torch")
    plain = torch.rand(24, 32)
    negated = torch.complex(plain, -plain).conj().imag
    assert negated.is_neg()
    np.testing.assert_array_equal(siftcore.load_image(negated), plain.numpy())
    with pytest.raises(InputTypeError, match="complex64"):
        siftcore.load_image(torch.complex(plain, plain).conj())


def test_masks_that_are_no_arrays():
    torch = pytest.importorskip("torch")
    grey = _texture()[..., 0]
    with pytest.raises(InputTypeError, match="mask must be"):
        siftcore.extract(grey, mask=[[1, 0], [1]])
    kept = siftcore.extract(grey, mask=torch.ones(32, 40, requires_grad=True))
    assert len(kept) == len(siftcore.extract(grey))


def test_paths_that_are_no_files(tmp_path):
    (tmp_path / "loop.png").symlink_to("loop.png")
    (tmp_path / "file").write_bytes(b"")
    for path, reason in (
        (tmp_path, "it is a folder"),
        (tmp_path / "loop.png", "symbolic links"),
        (tmp_path / "file" / "a.png", "irectory"),
        (tmp_path / ("x" * 5000), "too long"),
        ("a\0b.png", "zero character"),
    ):
        with pytest.raises(ImageReadError, match=reason) as raised:
            siftcore.extract(path)
        assert "damaged" not in str(raised.value)
        assert "Errno" not in str(raised.value)


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="the system has no /dev/zero")
def test_a_device_is_not_read_for_ever():
    with pytest.raises(ImageReadError, match="device"):
        siftcore.extract("/dev/zero")


@needs_pipes
@pytest.mark.parametrize("kind", ["png", "tiff"])
def test_a_pipe_is_read_like_a_file(tmp_path, kind):
    """Of a TIFF too, whose reader of strips would read it away."""
    data = seeds(kind)[0]
    file, pipe = tmp_path / "file.tif", tmp_path / "pipe.tif"
    file.write_bytes(data)
    os.mkfifo(pipe)
    assert open_rows(pipe) is None
    writer = subprocess.Popen(
        [sys.executable, "-c", f"open({str(pipe)!r}, 'wb').write(open({str(file)!r}, 'rb').read())"]
    )
    try:
        np.testing.assert_array_equal(read_pixels(pipe), read_pixels(file))
        assert writer.wait(30) == 0
    finally:
        writer.kill()


@needs_pipes
def test_hdf5_and_databases_do_not_wait_for_a_pipe(tmp_path):
    pytest.importorskip("h5py")
    from siftcore.io.colmap_database import ColmapDatabase
    from siftcore.io.hdf5 import read_features

    pipe = tmp_path / "pipe.h5"
    os.mkfifo(pipe)
    for path in (pipe, tmp_path):
        with pytest.raises(InputError, match="no regular file"):
            read_features(path, "a")
        with pytest.raises(InputError, match="no regular file"):
            ColmapDatabase(path)


@pytest.mark.parametrize("path", ["", ":memory:", "a\0b"])
def test_databases_that_would_be_lost(path):
    from siftcore.io.colmap_database import ColmapDatabase

    with pytest.raises(InputError, match="the name of a file"):
        ColmapDatabase(path)


@pytest.mark.parametrize("action", ["BEGIN EXCLUSIVE", "BEGIN IMMEDIATE"])
def test_a_database_that_another_program_holds(tmp_path, monkeypatch, action):
    import sqlite3

    from siftcore.io.colmap_database import ColmapDatabase

    path = tmp_path / "colmap.db"
    with ColmapDatabase(path):
        pass
    connect = sqlite3.connect
    other = connect(path, isolation_level=None)
    other.execute(action)
    # Its patience, 5 s, is not what is tested.
    monkeypatch.setattr(sqlite3, "connect", lambda *a, **k: connect(*a, **k, timeout=0.01))

    def write() -> int:
        with ColmapDatabase(path) as database:
            return database.add_camera(640, 480)

    with pytest.raises(siftcore.SiftError, match="another program has it open"):
        write()
    other.close()
    assert write() == 1


@pytest.mark.parametrize("name", [3, None, b"a.png"])
def test_names_that_are_no_text(tmp_path, name):
    pytest.importorskip("h5py")
    from siftcore.io.hdf5 import write_features

    empty = siftcore.Features.empty((40, 32), "dog")
    with pytest.raises(InputTypeError, match="name must be text"):
        write_features(tmp_path / "f.h5", [(name, empty)])
    with pytest.raises(InputTypeError, match="must be Features"):
        write_features(tmp_path / "f.h5", [("a.png", 3)])
    assert list(tmp_path.iterdir()) == []


def test_a_precision_of_another_type():
    pytest.importorskip("torch")
    with pytest.raises(siftcore.ParameterError, match="precision"):
        siftcore.get_provider("method3-x2-tiny", precision=["float32"])


class TestFolders:
    def test_only_files_are_found(self, tmp_path):
        from siftcore.batch.images import find_images

        for name in ("b.png", "a/c.JPG", "a/.hidden.png", ".git/d.png", "a/notes.md"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_bytes(b"")
        (tmp_path / "folder.png").mkdir()
        (tmp_path / "link.png").symlink_to("b.png")
        (tmp_path / "dangling.png").symlink_to("nothing")
        (tmp_path / "loop.png").symlink_to("loop.png")
        (tmp_path / "up.png").symlink_to(tmp_path)
        if hasattr(os, "mkfifo"):
            os.mkfifo(tmp_path / "pipe.png")
        names = [name for name, _ in find_images([tmp_path])]
        assert names == ["a/c.JPG", "b.png", "dangling.png", "link.png", "loop.png"]

    def test_a_folder_that_may_not_be_read(self, tmp_path, monkeypatch):
        from siftcore.batch.images import find_images

        (tmp_path / "a.png").write_bytes(b"")
        locked = tmp_path / "locked"
        locked.mkdir()
        scandir = os.scandir

        def refusing(path: str):
            if Path(path) == locked:
                raise PermissionError(13, "Permission denied", path)
            return scandir(path)

        monkeypatch.setattr(os, "scandir", refusing)
        with pytest.raises(InputError, match=r"locked.*Permission denied"):
            find_images([tmp_path])

    def test_an_empty_path(self):
        from siftcore.batch.images import find_images

        with pytest.raises(InputError, match="empty path"):
            find_images([""])
        for words in (["", "-o", "f.h5"], ["a.png", "", "-o", "f.h5"]):
            done = CliRunner().invoke(app, ["extract", *words])
            assert done.exit_code == 2
            assert "an empty path stands for no image" in done.output
