"""Cases of a target, run in child processes, and what was found."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Finding", "Outcome", "run_targets"]

_ROOT = Path(__file__).parents[2]
# The child's own watchdog ends a case; this one ends a child that does not even do that.
_SECONDS_A_CHILD = 1800.0
# Resident memory varies by blocks that the allocator keeps.
_MOST_GROWTH = 64 * 2**20
_MOST_FINDINGS = 20


@dataclass(frozen=True)
class Finding:
    """What broke the rule.

    Attributes
    ----------
    target : str
    index : int
        With the seed it makes the file again: ``tests.fuzz.worker.case_bytes``.
    what : str
        Crash, hang, exception or growth.
    at : str
        Last lines of the traceback.
    """

    target: str
    index: int
    what: str
    at: str = ""

    def __str__(self) -> str:
        return f"{self.target} {self.index}: {self.what} [{self.at}]"


@dataclass
class Outcome:
    """Counts of one target."""

    target: str
    valid: int = 0
    refused: int = 0
    growth: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def cases(self) -> int:
        """All that were run."""
        return self.valid + self.refused + sum(f.index >= 0 for f in self.findings)

    def count(self, event: dict[str, Any]) -> None:
        """What the child said of a case."""
        if event["end"] == "fault":
            found = Finding(self.target, event["case"], event["what"], event.get("at", ""))
            self.findings.append(found)
        else:
            setattr(self, event["end"], getattr(self, event["end"]) + 1)


def run_targets(
    targets: Iterable[str],
    first: int,
    last: int,
    seed: int = 0,
    worker: str = "tests.fuzz.worker",
) -> list[Outcome]:
    """Run the cases `first` to `last` (not included) of each target, over crashes and hangs.

    Parameters
    ----------
    targets : iterable of str
        Keys of `tests.fuzz.targets.TARGETS`, which share a process until one ends it.
    first, last : int
    seed : int
    worker : str
        Module that the child runs.

    Returns
    -------
    list of Outcome
    """
    outcomes = {target: Outcome(target) for target in targets}
    work = [(list(outcomes), first)]
    while work:
        names, start = work.pop()
        ended = _run_child(outcomes, names, (start, last), seed, worker)
        if ended is None:
            continue
        target, index = ended
        rest = names[names.index(target) + 1 :]
        if rest:
            work.append((rest, first))
        if index + 1 < last and len(outcomes[target].findings) < _MOST_FINDINGS:
            work.append(([target], index + 1))
    return list(outcomes.values())


def _run_child(
    outcomes: Mapping[str, Outcome],
    names: list[str],
    cases: tuple[int, int],
    seed: int,
    worker: str,
) -> tuple[str, int] | None:
    """Run one child; the target and case that ended it, if one did."""
    paths = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "PYTHONHASHSEED": "0"}
    with tempfile.TemporaryDirectory() as folder:
        words = (folder, *map(str, (seed, *cases)), *names)
        try:
            child = subprocess.run(
                [sys.executable, "-m", worker, *words],
                env=environment,
                cwd=_ROOT,
                capture_output=True,
                timeout=_SECONDS_A_CHILD,
            )
            code, said, errors = child.returncode, child.stdout, child.stderr
        except subprocess.TimeoutExpired as error:
            code, said, errors = 1, error.stdout or b"", b"Timeout (the child's own did not act)"
    open_case, warm = None, {}
    for line in said.decode().splitlines():
        event = json.loads(line)
        outcome = outcomes[event["target"]]
        if "begin" in event:
            open_case = outcome.target, event["begin"]
        elif event.get("state") == "warm":
            warm = event
        elif "state" in event:
            _check_state(outcome, warm, event)
        else:
            open_case = None
            outcome.count(event)
    text = errors.decode(errors="replace")
    if code != 0:
        if open_case is None:
            raise RuntimeError(f"the child of {names} ended between cases: {text[-2000:]}")
        what = "hang" if "Timeout" in text else f"crash, {_name_of(code)}"
        target, index = open_case
        outcomes[target].findings.append(Finding(target, index, what, _last_frames(text)))
    return open_case


def _check_state(outcome: Outcome, warm: dict[str, int], end: dict[str, int]) -> None:
    outcome.growth = max(outcome.growth, end["resident"] - warm["resident"])
    if outcome.growth > _MOST_GROWTH:
        what = f"resident memory grew by {outcome.growth / 2**20:.0f} MiB"
        outcome.findings.append(Finding(outcome.target, -1, what))
    if end["files"] > warm["files"] + 2:
        what = f"files left open: {end['files'] - warm['files']}"
        outcome.findings.append(Finding(outcome.target, -1, what))


def _name_of(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def _last_frames(text: str) -> str:
    return "; ".join([line.strip() for line in text.splitlines() if 'File "' in line][:4])
