"""Commands that are stopped: by one signal or many, while they start, clean up and end."""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from siftcore import _stopping
from siftcore._children import end_with_parent, start_child
from siftcore._stopping import InterruptsWait, Stop

pytestmark = [
    pytest.mark.skipif(os.name != "posix", reason="the system has no signals between processes"),
    pytest.mark.usefixtures("interruptible"),
]
SECONDS = 240.0
HERE = os.getpid


@pytest.fixture
def stop() -> Iterator[Stop]:
    before = {number: signal.getsignal(number) for number in _stopping._numbers()}
    hook = sys.unraisablehook
    yield Stop()
    sys.unraisablehook = hook
    for number, handler in before.items():
        signal.signal(number, handler)


def command(folder: Path, before: str, program: str = "siftcore") -> tuple[int, str]:
    """Exit code and stderr of ``siftcore extract a.png -o f.h5`` behind some lines of Python."""
    texture = np.random.default_rng(0).random((24, 32)).repeat(4, 0).repeat(4, 1)
    PIL.Image.fromarray((texture * 255).astype(np.uint8)).save(folder / "a.png")
    code = """
        import atexit, os, signal, sys, time
        def hit(number=signal.SIGINT):
            os.kill(os.getpid(), number)
    """
    ends = f"\nfrom {program}.cli import main\nmain()\n"
    code = textwrap.dedent(code) + textwrap.dedent(before) + ends
    words = [sys.executable, "-c", code, "extract", "a.png", "-o", "f.h5"]
    done = subprocess.run(
        words, cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    return done.returncode, done.stderr


IMPORTED = """
    class Finder:
        def find_spec(self, name, *_):
            if name == "typer":
                try:
                    hit()
                except KeyboardInterrupt:
                    {then}
    sys.meta_path.insert(0, Finder())
"""


# Some modules of C code turn an interrupt into an ImportError.
@pytest.mark.parametrize("then", ["raise", "raise ImportError('half')"])
@pytest.mark.parametrize("program", ["siftcore", "dognets"])
def test_while_it_starts(tmp_path: Path, program: str, then: str) -> None:
    told = command(tmp_path, IMPORTED.format(then=then), program)
    assert told == (130, "stopped by SIGINT\n")


# Typer gives the exit code, without a word.
def test_while_typer_reads_the_command_line(tmp_path: Path) -> None:
    code = """
        from typer.core import TyperGroup
        usual = TyperGroup.make_context
        def make_context(*arguments, **more):
            hit()
            return usual(*arguments, **more)
        TyperGroup.make_context = make_context
    """
    status, told = command(tmp_path, code)
    assert (status, told.strip()) == (130, "stopped by SIGINT")


# Python would end by SIGINT, if it were a KeyboardInterrupt itself.
def test_a_signal_inside_exec(tmp_path: Path) -> None:
    code = """
        import siftcore
        siftcore.extract = lambda *_, **__: exec("hit(signal.SIGTERM)", globals())
    """
    assert command(tmp_path, code) == (143, "stopped by SIGTERM\n")


DELETING = """
    from siftcore.io import temporaries
    usual = temporaries._delete
    hits = 0
    def delete(path):
        for _ in range(hits):
            hit()
        usual(path)
    temporaries._delete = delete
    import siftcore
    def extract(*_, **__):
        global hits
        hits = 9
        hit(signal.{name})
    siftcore.extract = extract
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_more_signals_while_it_cleans_up(tmp_path: Path, name: str) -> None:
    told = command(tmp_path, DELETING.format(name=name))
    assert told == (128 + signal.Signals[name], f"stopped by {name}\n")
    assert os.listdir(tmp_path) == ["a.png"]


def test_signals_while_python_ends(tmp_path: Path) -> None:
    code, told = command(tmp_path, "atexit.register(hit)\nsys.argv[1:] = ['--version']")
    assert (code, told) == (0, "")


def test_the_first_raises_and_the_others_wait(stop: Stop, monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[int] = []
    monkeypatch.setattr(os, "_exit", ended.append)
    stop.take_signals()
    with pytest.raises(KeyboardInterrupt):
        os.kill(HERE(), signal.SIGTERM)
    assert (stop.number, stop.code) == (15, 143)
    os.kill(HERE(), signal.SIGINT)
    assert ended == []
    monkeypatch.setattr(_stopping.time, "monotonic", lambda: float("inf"))
    os.kill(HERE(), signal.SIGINT)
    assert ended == [130]


def test_what_the_caller_ignores_stays_ignored(stop: Stop) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    stop.take_signals()
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    os.kill(HERE(), signal.SIGHUP)
    assert stop.number is None


def test_when_the_command_is_over_nothing_is_raised(stop: Stop) -> None:
    stop.take_signals()
    stop.over()
    os.kill(HERE(), signal.SIGINT)
    assert stop.number is None


def test_what_a_destructor_drops_is_raised_again(stop: Stop) -> None:
    class Dropping:
        def __del__(self) -> None:
            os.kill(HERE(), signal.SIGTERM)
            len(str(self))

    stop.take_signals()
    stop.raise_dropped(lambda dropped: None)

    def drop() -> None:
        Dropping()
        gc.collect()
        time.sleep(20.0)

    with pytest.raises(KeyboardInterrupt):
        drop()
    assert stop.code == 143


def wait_while_interrupted() -> None:
    with InterruptsWait() as waits:
        os.kill(HERE(), signal.SIGINT)
        os.kill(HERE(), signal.SIGINT)
        asked.append(waits.asked)


asked: list[int | None] = []


@pytest.mark.parametrize("taken", [False, True])
def test_an_interrupt_waits_for_the_end_of_a_step(
    stop: Stop, monkeypatch: pytest.MonkeyPatch, taken: bool
) -> None:
    monkeypatch.setattr(_stopping, "stop", stop)
    if taken:
        stop.take_signals()
    asked.clear()
    with pytest.raises(KeyboardInterrupt):
        wait_while_interrupted()
    assert asked == [signal.SIGINT]
    assert stop.number == (signal.SIGINT if taken else None)
    assert signal.getsignal(signal.SIGINT) == (stop.handle if taken else signal.default_int_handler)


def fail_while_interrupted() -> None:
    with InterruptsWait():
        os.kill(HERE(), signal.SIGINT)
        raise ZeroDivisionError


def test_an_error_of_the_step_comes_first() -> None:
    with pytest.raises(ZeroDivisionError):
        fail_while_interrupted()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


class Interrupted(multiprocessing.get_context("spawn").Process):  # type: ignore[name-defined,misc]
    """As its start is."""

    def start(self) -> None:
        os.kill(HERE(), signal.SIGINT)
        super().start()


def _hit(connection: Connection) -> None:
    os.kill(HERE(), signal.SIGINT)
    with contextlib.suppress(OSError):
        connection.send(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, []))


def test_no_interrupt_reaches_a_child_and_one_waits_for_its_start() -> None:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    child = Interrupted(target=_hit, args=(theirs,), daemon=True)
    with pytest.raises(KeyboardInterrupt):
        start_child(child)
    assert ours.poll(SECONDS)
    assert ours.recv() is True
    child.join(SECONDS)
    assert child.exitcode == 0
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])


def _wait_for_ever(connection: Connection) -> None:
    end_with_parent()
    connection.send(os.getpid())
    while True:
        time.sleep(60.0)


def _parent(connection: Connection) -> None:
    child = multiprocessing.get_context("spawn").Process(target=_wait_for_ever, args=(connection,))
    start_child(child)
    time.sleep(SECONDS)


def test_a_child_ends_with_its_parent_whatever_it_is_at() -> None:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    parent = context.Process(target=_parent, args=(theirs,))
    parent.start()
    theirs.close()
    assert ours.poll(SECONDS)
    ours.recv()
    parent.kill()
    parent.join()
    # The end of the pipe is that of all who hold its other end.
    assert ours.poll(SECONDS / 10)
    with pytest.raises(EOFError):
        ours.recv()
