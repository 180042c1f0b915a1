"""The same job on a Ray cluster of two workers, one of which is killed in mid-run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from siftcore import MissingDependencyError
from siftcore.batch.jobs import Job
from siftcore.batch.ray_actors import extract_on_ray
from siftcore.io.hdf5 import list_features
from tests.batch.scenes import assert_same_content, write_photographs

h5py = pytest.importorskip("h5py", reason="feature files need h5py")

IMAGES = 90


def actors_of(parent: int) -> list[int]:
    """Processes below `parent` that are our actors: Ray names them after what they run."""
    parent_of, found = {}, []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            stat = (entry / "stat").read_text()
            title = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        parent_of[int(entry.name)] = int(stat.rpartition(")")[2].split()[1])
        if title.startswith(b"ray::_Actor"):
            found.append(int(entry.name))

    def is_below(pid: int) -> bool:
        while pid > 1 and pid != parent:
            pid = parent_of.get(pid, 0)
        return pid == parent

    return sorted(filter(is_below, found))


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds the actors in /proc")
def test_an_actor_is_killed(tmp_path: Path) -> None:
    # In a process of its own: Ray raises warnings, which are errors in pytest.
    pytest.importorskip("ray", reason="siftcore[ray] is not installed")
    write_photographs(tmp_path / "photos", IMAGES, size=(320, 240))
    (tmp_path / "photos" / "bad.png").write_text("hello")
    command = [sys.executable, "-m", "siftcore", "extract", "photos", "-o"]
    expected = subprocess.run([*command, "here.h5"], cwd=tmp_path, capture_output=True, text=True)
    assert expected.returncode == 3

    options = ["f.h5", "--engine", "ray", "--workers", "2", "--save-every", "2"]
    process = subprocess.Popen(
        [*command, *options],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        env={name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"},
    )
    part = tmp_path / "f.h5.part"
    deadline = time.monotonic() + 180
    while len(list(part.glob("segment-*.h5"))) < 3 or len(actors_of(process.pid)) < 2:
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.005)
    before = actors_of(process.pid)
    os.kill(before[0], signal.SIGKILL)
    assert len(list(part.glob("segment-*.h5"))) < IMAGES // 2 - 5, "it was killed in mid-run"
    replaced: set[int] = set()
    while process.poll() is None and not replaced:
        replaced = set(actors_of(process.pid)) - set(before)
        time.sleep(0.005)
    stderr = process.communicate(timeout=180)[1]
    assert process.returncode == 3, stderr
    assert replaced, "somebody took its place"
    assert stderr == expected.stderr
    assert "skipped bad.png: " in stderr
    assert len(list_features(tmp_path / "f.h5")) == IMAGES
    assert_same_content(tmp_path / "f.h5", tmp_path / "here.h5")


def test_without_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingDependencyError, match=r"siftcore\[ray\]"):
        next(extract_on_ray(Job(), [(0, "a.png")], 2))
