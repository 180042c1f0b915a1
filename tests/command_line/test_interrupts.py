"""The command line, interrupted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from tests.command_line.running import subprocess_command


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_ends_without_a_traceback(folder):
    # Many copies of one image, so that the signal arrives while it works.
    names = [f"{i}.png" for i in range(400)]
    for name in names:
        os.link("a.png", name)
    process = subprocess.Popen(
        subprocess_command("extract", *names, "-o", "f.h5", "--draw", "shown"),
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 120
    while not (folder / "shown" / "3.png.png").exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert (process.returncode, stderr) == (130, "stopped by SIGINT\n")
    assert not [name for name in os.listdir(folder) if name.endswith((".tmp", ".h5"))]


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_inside_a_destructor_is_not_lost(folder):
    code = """
        import sys, time
        import siftcore
        from siftcore.cli import main

        class Interrupted:
            def __del__(self):
                raise KeyboardInterrupt

        def extract(*_, **__):
            Interrupted()
            for _ in range(2000):
                time.sleep(0.01)

        siftcore.extract = extract
        sys.argv = ["siftcore", "extract", "a.png", "-o", "f.h5"]
        main()
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        check=False,
        timeout=25,
    )
    assert (done.returncode, done.stderr) == (130, "stopped by SIGINT\n")
    assert sorted(os.listdir(folder)) == ["a.png", "b.png"]
