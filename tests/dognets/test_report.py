"""What a run says of its origin."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")

from dognets.training import report


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_the_commit_is_that_of_this_code_and_not_of_what_lies_around_it(tmp_path):
    def git(*words):
        who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        done = subprocess.run(
            ["git", *who, *words], cwd=tmp_path, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    installed = tmp_path / "venv" / "report.py"
    installed.parent.mkdir()
    for file in (installed, tmp_path / "own.py"):
        file.touch()
    assert report._commit(installed) == "unknown", "no repository"
    git("init", "-q")
    git("add", "own.py")
    git("commit", "-qm", "of somebody else's project")
    assert report._commit(tmp_path / "own.py") == git("rev-parse", "--short=12", "HEAD")
    assert report._commit(installed) == "unknown"


def test_the_command_can_be_typed_again(monkeypatch):
    typed = ["train", "--data", "/home/me/my photos", "--loss=bands+pixels", "--out=../runs/a"]
    monkeypatch.setattr(sys, "argv", ["dognets", *typed])
    assert report._command() == "dognets train --data 'my photos' --loss=bands+pixels --out=a"
