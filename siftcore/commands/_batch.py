"""``siftcore extract`` over many images: what it prints, and how it ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from siftcore._stopping import stop

if TYPE_CHECKING:
    from siftcore.batch.images import NamedImage
    from siftcore.batch.jobs import Job

__all__ = ["run_batch"]

_SOME_REFUSED = 3
_LINE_SECONDS = 60.0


def run_batch(
    images: Sequence[NamedImage],
    output: Path,
    job: Job,
    *,
    engine: str,
    workers: int,
    resume: bool,
    save_every: int,
) -> None:
    """Extract, show progress, list what was skipped."""
    from siftcore import _outputs, _report
    from siftcore.batch.run import extract_batch

    # A file that is not there yet is no input; a look at a million paths takes a while.
    inputs = [Path(path) for _, path in images] if output.exists() else []
    _outputs.check_outputs(inputs, [output])
    started = time.perf_counter()
    with ExitStack() as stack:
        advance: Callable[[str], None] = lambda name: None  # noqa: E731

        def start(done: int) -> None:
            nonlocal advance
            if done:
                typer.echo(f"{done} of {len(images)} images are done already", err=True)
            advance = stack.enter_context(
                _report.progress(len(images), done, line_every=_LINE_SECONDS)
            )

        try:
            report = extract_batch(
                images,
                output,
                job,
                engine=engine,
                workers=workers,
                resume=resume,
                save_every=save_every,
                on_start=start,
                on_image=lambda name: advance(name),
            )
        except KeyboardInterrupt:
            stack.close()
            code = stop.say("; the same command with --resume goes on")
            raise typer.Exit(code) from None
    seconds = time.perf_counter() - started
    typer.echo(
        _report.extract_table(list(report.counts), list(report.counts.values()), output, seconds)
    )
    for name, reason in report.refused.items():
        typer.echo(f"skipped {name}: {' '.join(reason.split())}", err=True)
    if report.refused:
        typer.echo(f"{len(report.refused)} of {len(images)} images were skipped", err=True)
        raise typer.Exit(_SOME_REFUSED)
