"""What a killed process was writing is deleted by the next one, and nothing else is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from siftcore.io import temporaries
from siftcore.io.atomic import atomic_write, check_writable
from siftcore.io.temporaries import temporary_beside

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the system has no locks of its own")


@pytest.fixture(autouse=True)
def as_a_new_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(temporaries, "_swept", set())


def killed_while_writing(folder: Path) -> list[str]:
    code = (
        "import os, pathlib, signal, sys\n"
        "from siftcore.io.temporaries import temporary_beside\n"
        "target = pathlib.Path(sys.argv[1], 'out')\n"
        "with temporary_beside(target), temporary_beside(target, folder=True) as made:\n"
        "    (made / 'half').write_text('1')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, folder], check=False, timeout=120)
    assert done.returncode == -signal.SIGKILL
    return sorted(os.listdir(folder))


def test_what_a_killed_process_left_is_deleted(tmp_path: Path) -> None:
    assert len(killed_while_writing(tmp_path)) == 2
    check_writable(tmp_path / "other")
    assert os.listdir(tmp_path) == []


def test_what_another_process_writes_stays(tmp_path: Path) -> None:
    with (
        temporary_beside(tmp_path / "a") as file,
        temporary_beside(tmp_path / "b", folder=True) as folder,
    ):
        (tmp_path / ".siftcore-of-mine").touch()
        code = "import sys; from siftcore.io.atomic import check_writable as c; c(sys.argv[1])"
        subprocess.run([sys.executable, "-c", code, tmp_path / "c"], check=True, timeout=120)
        assert sorted(tmp_path.iterdir()) == sorted([file, folder, tmp_path / ".siftcore-of-mine"])
    assert os.listdir(tmp_path) == [".siftcore-of-mine"]


def test_a_link_of_that_name_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.png").touch()
    (tmp_path / ".siftcore-0.tmp").symlink_to("images")
    check_writable(tmp_path / "out")
    assert (tmp_path / "images" / "a.png").exists()


def test_where_there_are_no_locks_nothing_is_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(temporaries, "try_lock", lambda file: False)
    (tmp_path / ".siftcore-0.tmp").touch()
    with atomic_write(tmp_path / "out") as temporary:
        temporary.write_text("1")
    assert sorted(os.listdir(tmp_path)) == [".siftcore-0.tmp", "out"]
