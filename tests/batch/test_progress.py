"""Speed and time left: a bar in a terminal, lines in a log."""

from __future__ import annotations

import io
import re
import sys
import time

import pytest

from siftcore._report import progress


def test_lines_in_a_log(capsys: pytest.CaptureFixture[str]) -> None:
    with progress(5, done=2, line_every=0.0) as advance:
        for name in "abc":
            time.sleep(0.01)
            advance(name)
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(" images, ")[0] for line in lines] == ["3/5", "4/5", "5/5"]
    assert all(re.search(r", [\d.]+ images/s, \d:\d\d:\d\d left$", line) for line in lines)
    speed = float(lines[0].split(", ")[1].split()[0])
    assert 0 < speed <= 100, "images that were done before do not count"


def test_no_lines_unless_asked(capsys: pytest.CaptureFixture[str]) -> None:
    with progress(2) as advance:
        advance("a")
    assert capsys.readouterr().err == ""


def test_a_bar_in_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with progress(4, done=1, unit="pairs") as advance:
        for name in ("a[b].png", "c.png"):
            time.sleep(0.15)
            advance(name)
        time.sleep(0.3)
    shown = sys.stderr.getvalue()
    assert "3/4" in shown
    assert re.search(r"[\d.]+ pairs/s", shown)
    assert "a[b].png" in shown
