"""The command killed with SIGKILL at random moments, and resumed until it is done."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from siftcore.io.hdf5 import list_features
from tests.batch.scenes import assert_same_content, without_progress, write_photographs

h5py = pytest.importorskip("h5py", reason="feature files need h5py")


def start(folder: Path, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "siftcore", "extract", "photos", *options]
    return subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True)


def saved(part: Path) -> int:
    return len(list(part.glob("segment-*.h5")))


def test_killed_five_times_and_resumed(tmp_path: Path) -> None:
    images, kills, save_every = 200, 5, 4
    write_photographs(tmp_path / "photos", images)
    whole = start(tmp_path, "-o", "whole.h5")
    stderr = whole.communicate(timeout=300)[1]
    assert (whole.returncode, without_progress(stderr)) == (0, "")

    rng = random.Random(2)
    part = tmp_path / "f.h5.part"
    options = ("-o", "f.h5", "--workers", "2", "--save-every", str(save_every), "--resume")
    for _ in range(kills):
        process = start(tmp_path, *options)
        # Some kills come at the start, others in the middle of the work or of writing.
        enough = saved(part) + rng.randint(0, max(1, images // save_every // (kills + 1)))
        deadline = time.monotonic() + 120
        while saved(part) < enough:
            assert process.poll() is None, process.communicate()[1]
            assert time.monotonic() < deadline
            time.sleep(0.002)
        time.sleep(rng.uniform(0, 0.05))
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        assert not (tmp_path / "f.h5").exists()
    assert 0 < saved(part) < images / save_every
    last = start(tmp_path, *options)
    stderr = last.communicate(timeout=300)[1]
    assert last.returncode == 0, stderr
    assert "images are done already" in stderr
    assert not part.exists()
    assert len(list_features(tmp_path / "f.h5")) == images
    assert_same_content(tmp_path / "f.h5", tmp_path / "whole.h5")
    assert (tmp_path / "f.h5").read_bytes() == (tmp_path / "whole.h5").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["f.h5", "photos", "whole.h5"]


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stop_ends_all_and_tells_how_to_go_on(tmp_path: Path, sent: signal.Signals) -> None:
    write_photographs(tmp_path / "photos", 60)
    process = start(tmp_path, "-o", "f.h5", "--workers", "2", "--save-every", "2")
    deadline = time.monotonic() + 120
    while saved(tmp_path / "f.h5.part") < 2:
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.002)
    process.send_signal(sent)
    # Workers hold stderr open, so this ends when they have ended too.
    stderr = process.communicate(timeout=60)[1]
    assert process.returncode == 128 + sent
    stopped = f"stopped by {sent.name}; the same command with --resume goes on\n"
    assert without_progress(stderr) == stopped
