"""Damaged files: a valid result or a `SiftError`, and never anything else.

Here a few cases of each kind of file; ``make fuzz`` runs 12,000 and prints the counts.
"""

from __future__ import annotations

import sys

import pytest

from tests.fuzz.campaign import run_targets
from tests.fuzz.corpus import seeds
from tests.fuzz.mutator import generator, mutate
from tests.fuzz.targets import GROUPS, TARGETS
from tests.fuzz.worker import case_bytes

CASES = {"images": 25, "features": 25, "networks": 8}
linux = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="the child measures itself through /proc"
)


@linux
@pytest.mark.parametrize("group", GROUPS)
def test_a_few_of_each_kind(group: str) -> None:
    if group == "networks":
        pytest.importorskip("torch")
        pytest.importorskip("safetensors")
    outcomes = run_targets(GROUPS[group], 0, CASES[group], seed=7)
    assert not [str(finding) for outcome in outcomes for finding in outcome.findings]
    assert all(outcome.cases == CASES[group] for outcome in outcomes)
    assert sum(outcome.refused for outcome in outcomes) > 0
    assert sum(outcome.valid for outcome in outcomes) > 0


def test_every_kind_is_in_one_group() -> None:
    assert sorted(name for names in GROUPS.values() for name in names) == sorted(TARGETS)


def test_a_seed_names_a_case() -> None:
    first, again, other = (case_bytes("png", seed, 5) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    damaged = {mutate(seeds("pairs"), generator(k)) for k in range(200)}
    assert len(damaged) > 100


@linux
@pytest.mark.parametrize(
    ("code", "what"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "crash, SIGSEGV"),
        ("while True: pass", "hang"),
        ("raise KeyError('k')", "KeyError: 'k'"),
        ("import warnings; warnings.warn('w')", "UserWarning: w"),
        ("bytearray(3 * 2**30)", "MemoryError: "),
        ("raise SiftError('')", "no message"),
        ("KEPT.extend(bytes([k]) * 2**20 for k in range(1, 91))", "resident memory grew by"),
        ("KEPT.extend(open('/dev/null') for _ in range(9))", "files left open: 9"),
    ],
)
def test_what_breaks_the_rule_is_found(
    code: str, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIFTCORE_FUZZ_BREAK", code)
    (outcome,) = run_targets(["pairs"], 0, 5, worker="tests.fuzz.broken_worker")
    (finding,) = outcome.findings
    assert what in str(finding)
    assert outcome.cases == 5
