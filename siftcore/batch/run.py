"""A batch from its images to one file of features."""

from __future__ import annotations

import hashlib
import itertools
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from siftcore import __version__
from siftcore.batch.images import NamedImage
from siftcore.batch.jobs import Job, Refused, Results, Task, extract_here
from siftcore.batch.journal import Journal, open_journal
from siftcore.errors import ParameterError
from siftcore.io.atomic import check_writable
from siftcore.scalespace.registry import get_provider, provider_info

if TYPE_CHECKING:
    from siftcore.types import Features

__all__ = ["ENGINES", "BatchReport", "extract_batch"]

ENGINES = ("process", "ray")
# A run that is killed loses what it did in about this time.
_SAVE_SECONDS = 5.0


@dataclass
class BatchReport:
    """What came of a batch.

    Attributes
    ----------
    counts : dict of str to int
        Keypoints of each image in the file, by name.
    refused : dict of str to str
        Why each of the other images is not in it.
    found_done : int
        Images that an earlier run had finished.
    """

    counts: dict[str, int] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    found_done: int = 0


def extract_batch(
    images: Sequence[NamedImage],
    output: str | os.PathLike[str],
    job: Job,
    *,
    engine: str = "process",
    workers: int = 0,
    resume: bool = False,
    save_every: int = 64,
    on_start: Callable[[int], object] = lambda done: None,
    on_image: Callable[[str], object] = lambda name: None,
) -> BatchReport:
    """Extract features of many images into one HDF5 file, which appears when all are done.

    The calling process alone writes. What is finished is kept in ``OUTPUT.part`` until then, also
    when the run is killed. The file is the same, byte for byte, whatever the engine, the number of
    workers and the interruptions.

    Parameters
    ----------
    images : sequence of NamedImage
        As `siftcore.batch.images.find_images` gives them; the file has their order.
    output : path
        The file to make or replace.
    job : Job
    engine : {"process", "ray"}
    workers : int, default 0
        Processes or actors. With the engine "process", 0 and 1 mean this process.
    resume : bool, default False
        Go on with an earlier run. Images that it refused are tried again.
    save_every : int, default 64
        A kill costs at most this many images, or 5 seconds' worth where that is less.
    on_start, on_image : callable
        Called with the number of images found done, then with the name of each that is done or
        refused.

    Returns
    -------
    BatchReport

    Raises
    ------
    InputError
        When an earlier run is there and `resume` is False, or its settings are others.
    OutputError
        When the file or the folder cannot be written, or another process writes it.
    SiftError
        Subclasses: the provider cannot be made, or Ray is not installed.
    """
    if engine not in ENGINES:
        raise ParameterError("engine", engine, " or ".join(map(repr, ENGINES)))
    output = Path(output)
    check_writable(output)
    if not provider_info(job.provider).available:
        get_provider(job.provider, device=job.device)
    report = BatchReport()
    with open_journal(output, _settings(images, job), resume=resume) as journal:
        report.found_done = len(journal)
        on_start(len(journal))
        tasks = [
            (index, job.source(name, path))
            for index, (name, path) in enumerate(images)
            if name not in journal
        ]
        if tasks:
            with closing(_results(engine, job, tasks, workers)) as results:
                _save_all(journal, _accepted(results, images, report, on_image), save_every)
        # In the order of the images, as runs differ in theirs.
        report.refused = {
            i.name: report.refused[i.name] for i in images if i.name in report.refused
        }
        finished = journal.read(i.name for i in images)
        journal.assemble(output, _counted(finished, report.counts), job.params.descriptor)
    return report


def _settings(images: Sequence[NamedImage], job: Job) -> dict[str, Any]:
    digest = hashlib.sha256()
    for name, path in images:
        digest.update(f"{name}\0{path}\0".encode("utf-8", "surrogateescape"))
    return {
        "siftcore": __version__,
        **job.settings(),
        "number of images": len(images),
        "SHA-256 of their names and paths": digest.hexdigest(),
    }


def _results(engine: str, job: Job, tasks: list[Task], workers: int) -> Results:
    if engine == "ray":
        from siftcore.batch.ray_actors import extract_on_ray

        return extract_on_ray(job, tasks, max(1, workers))
    if workers <= 1:
        return extract_here(job, tasks)
    from siftcore.batch.processes import extract_in_processes

    return extract_in_processes(job, tasks, workers)


def _accepted(
    results: Results,
    images: Sequence[NamedImage],
    report: BatchReport,
    on_image: Callable[[str], object],
) -> Iterator[tuple[str, Features]]:
    for index, result in results:
        name = images[index].name
        if isinstance(result, Refused):
            report.refused[name] = result.reason
        else:
            yield name, result
        on_image(name)


def _save_all(journal: Journal, accepted: Iterator[tuple[str, Features]], save_every: int) -> None:
    saved = time.monotonic()

    def segment(first: tuple[str, Features]) -> Iterator[tuple[str, Features]]:
        # Counted from the last save, not from the first image: where images take long, each is
        # saved at once instead of waiting for the next.
        for number, image in enumerate(itertools.chain([first], accepted), 1):
            yield image
            if number >= save_every or time.monotonic() - saved > _SAVE_SECONDS:
                return

    for first in accepted:
        journal.save(segment(first))
        saved = time.monotonic()


def _counted(
    images: Iterable[tuple[str, Features]], counts: dict[str, int]
) -> Iterator[tuple[str, Features]]:
    for name, features in images:
        counts[name] = len(features)
        yield name, features
