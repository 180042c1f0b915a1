"""A file is there whole or not at all, and what cannot be written is said early."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import textwrap

import pytest

from siftcore.errors import OutputError
from siftcore.io.atomic import atomic_write, check_writable


def bad_paths(folder):
    (folder / "file").write_text("x")
    (folder / "folder").mkdir()
    os.mkfifo(folder / "pipe")
    return {
        "missing folder": (folder / "no" / "out.h5", "does not exist; make it first"),
        "inside a file": (folder / "file" / "out.h5", "is a file, not a folder"),
        "a folder": (folder / "folder", "it is a folder; add the name"),
        "special file": (folder / "pipe", "not a regular file"),
        "empty": ("", "give the name of a file"),
        "too long": (folder / ("a" * 300), "choose a shorter name"),
        "nul": (str(folder / "a\0b"), "choose another name"),
    }


CASES = ["missing folder", "inside a file", "a folder", "special file", "empty", "too long", "nul"]


def test_the_file_appears_when_the_block_ends(tmp_path):
    target = tmp_path / "out.txt"
    with atomic_write(target) as temporary:
        temporary.write_text("new")
        assert temporary.parent == tmp_path
        assert not target.exists()
    assert target.read_text() == "new"
    assert os.listdir(tmp_path) == ["out.txt"]


@pytest.mark.parametrize("error", [ValueError("mine"), KeyboardInterrupt(), SystemExit(3)])
def test_after_any_error_the_old_file_stays(tmp_path, error):
    target = tmp_path / "out.txt"
    target.write_text("old")

    def fail():
        with atomic_write(target) as temporary:
            temporary.write_text("half")
            raise error

    with pytest.raises(type(error)) as caught:
        fail()
    assert caught.value is error
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["out.txt"]


@pytest.mark.parametrize("case", CASES)
def test_a_bad_destination_is_an_output_error(tmp_path, case):
    path, message = bad_paths(tmp_path)[case]
    before = sorted(os.listdir(tmp_path))
    with pytest.raises(OutputError, match=message):
        check_writable(path)
    with pytest.raises(OutputError, match=message), atomic_write(path):
        pytest.fail("the block must not be entered")
    assert sorted(os.listdir(tmp_path)) == before


def test_checking_leaves_no_trace(tmp_path):
    check_writable(tmp_path / "new.txt")
    assert os.listdir(tmp_path) == []
    target = tmp_path / "old.txt"
    target.write_text("old")
    changed = target.stat().st_mtime_ns
    check_writable(target)
    assert target.read_text() == "old"
    assert target.stat().st_mtime_ns == changed
    assert os.listdir(tmp_path) == ["old.txt"]


def test_a_name_of_the_greatest_length_can_be_written(tmp_path):
    target = tmp_path / ("a" * 255)
    with atomic_write(target) as temporary:
        temporary.write_text("x")
    assert target.read_text() == "x"


def test_paths_relative_to_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with atomic_write("out.txt") as temporary:
        temporary.write_text("x")
    assert (tmp_path / "out.txt").read_text() == "x"


def test_a_link_is_followed(tmp_path):
    (tmp_path / "real").mkdir()
    target = tmp_path / "real" / "out.txt"
    target.write_text("old")
    link = tmp_path / "link.txt"
    link.symlink_to(target)
    with atomic_write(link) as temporary:
        temporary.write_text("new")
    assert link.is_symlink()
    assert target.read_text() == "new"


def test_permissions(tmp_path):
    fresh, old = tmp_path / "fresh", tmp_path / "old"
    plain = tmp_path / "plain"
    plain.write_text("")
    old.write_text("")
    old.chmod(0o640)
    for target in (fresh, old):
        with atomic_write(target) as temporary:
            temporary.write_text("x")
    assert stat.S_IMODE(fresh.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)
    assert stat.S_IMODE(old.stat().st_mode) == 0o640


def test_an_os_error_about_another_file_is_not_blamed_on_the_output(tmp_path):
    with pytest.raises(FileNotFoundError, match="input"), atomic_write(tmp_path / "out"):
        open(tmp_path / "input")  # noqa: SIM115
    assert os.listdir(tmp_path) == []


def test_a_refused_write_becomes_an_output_error(tmp_path):
    # A limit on file sizes stands in for a full disk: the system refuses the write.
    code = """
        import resource, sys
        from siftcore.io.atomic import atomic_write
        from siftcore.errors import OutputError
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        try:
            with atomic_write(sys.argv[1]) as temporary:
                temporary.write_bytes(bytes(100_000))
        except OutputError as error:
            print(error)
    """
    target = tmp_path / "out.bin"
    target.write_text("old")
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(target)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith(f"cannot write {str(target)!r}: File too large")
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["out.bin"]
