"""Worker processes that die: no image is lost or doubled, and only the guilty one is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from siftcore import ParameterError, SiftError
from siftcore.batch.jobs import Refused, usable_cores
from siftcore.batch.processes import extract_in_processes
from tests.batch.deadly import DeadlyJob


def outcomes(names: list[str], marks: Path, workers: int = 2) -> dict[str, object]:
    job = DeadlyJob(marks=str(marks))
    found: dict[str, object] = {}
    for index, result in extract_in_processes(job, list(enumerate(names)), workers):
        assert names[index] not in found
        found[names[index]] = result
    assert found.keys() == set(names)
    return found


def test_each_death_is_put_on_the_image_that_was_in_work(tmp_path: Path) -> None:
    names = ["fine-1", "kill-2", "fine-3", "once-4", "fine-5", "refuse-6", "kill-7", "fine-8"]
    found = outcomes(names, tmp_path)
    refused = {name: r.reason for name, r in found.items() if isinstance(r, Refused)}
    assert refused.keys() == {"kill-2", "refuse-6", "kill-7"}
    assert "died twice" in refused["kill-2"]
    assert refused["refuse-6"] == "as it says"
    threads = max(1, usable_cores() // 2)
    for name in ("fine-1", "fine-3", "once-4", "fine-5", "fine-8"):
        assert found[name].image_size == (int(name[5:]), 5)
        assert found[name].provider == f"threads {threads}"


def test_more_workers_than_images(tmp_path: Path) -> None:
    outcomes(["fine-1"], tmp_path, workers=5)
    outcomes([], tmp_path, workers=5)


def test_workers_that_die_at_the_start_end_the_run(tmp_path: Path) -> None:
    job = DeadlyJob(provider="stillborn")
    with pytest.raises(SiftError, match="died before their first image"):
        list(extract_in_processes(job, [(0, "fine-1"), (1, "fine-2")], 2))


def test_what_a_worker_says_at_the_start_is_raised() -> None:
    with pytest.raises(ParameterError, match="'cuda'"):
        list(extract_in_processes(DeadlyJob(provider="unwilling"), [(0, "fine-1")], 1))


def test_a_run_that_is_left_ends_its_workers(tmp_path: Path) -> None:
    import multiprocessing

    run = extract_in_processes(DeadlyJob(), [(i, f"fine-{i + 1}") for i in range(50)], 2)
    next(run)
    assert len(multiprocessing.active_children()) == 2
    run.close()
    assert multiprocessing.active_children() == []
