"""Commands in a process of their own: ended from outside, without a terminal, on a full disk."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

import siftcore

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="pipes with names and limits of files are Linux's"
)
_LIMITED = (
    "import resource, sys\n"
    "resource.setrlimit(resource.RLIMIT_FSIZE, (8192, resource.RLIM_INFINITY))\n"
)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    # In a folder of its own, so that what a command leaves behind shows.
    path = tmp_path / "images" / "a.png"
    path.parent.mkdir()
    texture = np.random.default_rng(0).random((24, 32)).repeat(4, 0).repeat(4, 1)
    PIL.Image.fromarray((texture * 255).astype(np.uint8)).save(path)
    return path


# A machine that does much else besides is slow.
_PATIENCE = 300


@contextlib.contextmanager
def _started(*words: object) -> Iterator[subprocess.Popen[bytes]]:
    """A command, which does not outlast its test."""
    whole = [sys.executable, "-m", "siftcore", *map(str, words)]
    with subprocess.Popen(whole, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


def _when_read(pipe: Path, process: subprocess.Popen[bytes]) -> int:
    """The pipe, open to be written to, once `process` waits for it."""
    for _ in range(20 * _PATIENCE):
        with contextlib.suppress(OSError):
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        assert process.poll() is None
        time.sleep(0.05)
    raise AssertionError("nobody opened the pipe")


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_command_that_is_ended_leaves_nothing(tmp_path, number):
    pipe = tmp_path / "pipe.png"
    os.mkfifo(pipe)
    with _started("extract", pipe, "-o", tmp_path / "f.h5") as process:
        writer = _when_read(pipe, process)
        try:
            assert len(list(tmp_path.glob(".siftcore-*"))) == 1
            process.send_signal(number)
            _, told = process.communicate(timeout=_PATIENCE)
        finally:
            os.close(writer)
    assert process.returncode == 128 + number
    assert told.decode() == f"stopped by {number.name}\n"
    assert list(tmp_path.iterdir()) == [pipe]


def test_an_image_through_a_pipe(tmp_path, image):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with _started("match", pipe, image) as process:
        with open(_when_read(pipe, process), "wb") as file:
            file.write(image.read_bytes())
        told, _ = process.communicate(timeout=_PATIENCE)
    keypoints = len(siftcore.extract(image))
    assert process.returncode == 0
    assert told.decode().count(f"{keypoints} keypoints") == 2


def test_without_standard_streams(tmp_path, image):
    """They were None, and the file of features could have had the number of one."""
    line = (
        f'exec "{sys.executable}" -m siftcore extract "{image}" -o "{tmp_path}/f.h5" <&- >&- 2>&-'
    )
    subprocess.run(["sh", "-c", line], check=True, timeout=_PATIENCE)
    assert (tmp_path / "f.h5").exists()


def test_an_error_without_a_place_for_it(tmp_path):
    """It went to the output."""
    line = f'exec "{sys.executable}" -m siftcore match "{tmp_path}/none" "{tmp_path}/none" 2>&-'
    done = subprocess.run(
        ["sh", "-c", line], check=False, stdout=subprocess.PIPE, timeout=_PATIENCE
    )
    assert (done.returncode, done.stdout) == (2, b"")


def test_a_reader_that_goes_away():
    with _started("providers") as process:
        assert process.stdout is not None
        process.stdout.close()
        process.stdout = None
        _, told = process.communicate(timeout=_PATIENCE)
    assert (process.returncode, told) == (1, b"")


def test_an_index_on_a_full_disk(tmp_path, image):
    pytest.importorskip("faiss")
    from siftcore.io.hdf5 import write_features

    write_features(tmp_path / "f.h5", {"a.png": siftcore.extract(image)})
    script = _LIMITED + "from siftcore.cli import main; sys.argv[0] = 'siftcore'; main()"
    words = [sys.executable, "-c", script, "index", tmp_path / "f.h5", "-o", tmp_path / "made"]
    done = subprocess.run(words, check=False, capture_output=True, timeout=_PATIENCE)
    assert done.returncode == 2
    assert done.stderr.startswith(b"error: cannot write")
    assert b"File too large" in done.stderr
    assert done.stderr.count(b"\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["f.h5", "images"]


@pytest.mark.parametrize("there", [False, True])
def test_a_database_on_a_full_disk(tmp_path, there):
    from siftcore.io.colmap_database import ColmapDatabase

    path = tmp_path / "colmap.db"
    if there:
        with ColmapDatabase(path) as database:
            assert database.add_camera(640, 480) == 1
    script = _LIMITED + (
        "import siftcore\n"
        "from siftcore.io.colmap_database import ColmapDatabase\n"
        "try:\n"
        "    with ColmapDatabase(sys.argv[1]) as database:\n"
        "        for _ in range(2000): database.add_camera(640, 480)\n"
        "except siftcore.OutputError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, path], check=True, capture_output=True, timeout=_PATIENCE
    )
    assert done.stdout.startswith(b"cannot write")
    if there:
        with ColmapDatabase(path) as database:
            assert database.add_camera(640, 480) == 2
        path.unlink()
    assert list(tmp_path.iterdir()) == []


def test_output_to_where_a_pipe_is(image):
    with _started("match", image, image, "--json", "/dev/stdout") as process:
        _, told = process.communicate(timeout=_PATIENCE)
    assert process.returncode == 2
    assert b"'/dev/stdout': it is not a regular file" in told
