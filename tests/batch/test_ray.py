"""The same job on a Ray cluster of two workers, one of which is killed in mid-run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from siftcore import MissingDependencyError
from siftcore.batch.jobs import Job
from siftcore.batch.ray_actors import extract_on_ray
from siftcore.io.hdf5 import list_features
from tests.batch.scenes import assert_same_content, without_progress, write_photographs

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


def extract(folder: Path, *options: str, address: str | None = None) -> subprocess.Popen[str]:
    """The command, in a process of its own: Ray raises warnings, which are errors in pytest."""
    environment = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    return subprocess.Popen(
        [sys.executable, "-m", "siftcore", "extract", "photos", *options],
        cwd=folder,
        stderr=subprocess.PIPE,
        text=True,
        env=environment | ({} if address is None else {"RAY_ADDRESS": address}),
    )


def wait_until(ready: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 180
    while not ready():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.005)


def saved(folder: Path) -> int:
    return len(list((folder / "f.h5.part").glob("segment-*.h5")))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pytest.importorskip("ray", reason="siftcore[ray] is not installed")
    write_photographs(tmp_path / "photos", IMAGES, size=(320, 240))
    (tmp_path / "photos" / "bad.png").write_text("hello")
    return tmp_path


OPTIONS = ("-o", "f.h5", "--engine", "ray", "--workers", "2", "--save-every", "2")


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds the actors in /proc")
def test_an_actor_is_killed(folder: Path) -> None:
    expected = extract(folder, "-o", "here.h5")
    told = expected.communicate(timeout=180)[1]
    assert expected.returncode == 3

    process = extract(folder, *OPTIONS)
    wait_until(lambda: saved(folder) >= 3 and len(actors_of(process.pid)) == 2, process)
    before = actors_of(process.pid)
    os.kill(before[0], signal.SIGKILL)
    assert saved(folder) < IMAGES // 2 - 5, "it was killed in mid-run"
    wait_until(lambda: bool(set(actors_of(process.pid)) - set(before)), process)
    stderr = process.communicate(timeout=180)[1]
    assert process.returncode == 3, stderr
    assert without_progress(stderr) == without_progress(told)
    assert "skipped bad.png: " in stderr
    assert len(list_features(folder / "f.h5")) == IMAGES
    assert_same_content(folder / "f.h5", folder / "here.h5")


@pytest.mark.slow
def test_a_run_that_was_terminated_goes_on(folder: Path) -> None:
    process = extract(folder, *OPTIONS)
    wait_until(lambda: saved(folder) >= 3, process)
    process.send_signal(signal.SIGTERM)
    stderr = process.communicate(timeout=180)[1]
    assert process.returncode == 143, stderr
    stopped = "stopped by SIGTERM; the same command with --resume goes on\n"
    assert without_progress(stderr) == stopped
    process = extract(folder, *OPTIONS, "--resume")
    stderr = process.communicate(timeout=180)[1]
    assert process.returncode == 3, stderr
    assert "images are done already" in stderr
    assert len(list_features(folder / "f.h5")) == IMAGES


def test_no_cluster_at_the_address(folder: Path) -> None:
    process = extract(folder, *OPTIONS, address="127.0.0.1:1")
    stderr = process.communicate(timeout=60)[1]
    assert process.returncode == 2
    assert stderr.startswith("error: cannot reach the Ray cluster at RAY_ADDRESS=127.0.0.1:1")
    assert stderr.count("\n") == 1
    assert sorted(path.name for path in folder.iterdir()) == ["photos"]


def test_without_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingDependencyError, match=r"siftcore\[ray\]"):
        next(extract_on_ray(Job(), [(0, "a.png")], 2))
