"""Options that the commands share."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Optional

import typer

from bench.report import Report
from bench.session import Session
from bench.store import Store, default_folder
from siftcore._cli_errors import make_app
from siftcore.io.atomic import check_writable

app = make_app()

# Typer reads Optional on Python 3.10.
OptionalPath = Optional[Path]  # noqa: UP045
OptionalInt = Optional[int]  # noqa: UP045
JsonFile = Annotated[OptionalPath, typer.Option("--json", help="Also write the tables here.")]
Data = Annotated[Path, typer.Option("--data", help="Folder of the data set.")]
Providers = Annotated[
    str,
    typer.Option(help="Names with commas between; NAME@RUN takes the weights of a training run."),
]
Scale = Annotated[int, typer.Option(min=2, max=4, help="Reduction: 2 or 4.")]
Seed = Annotated[int, typer.Option(help="Of everything that is drawn.")]
Cache = Annotated[
    OptionalPath,
    typer.Option(help="Folder of what was computed before; by default in the user's cache."),
]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Compute everything; keep nothing.")]
Limit = Annotated[OptionalInt, typer.Option(min=1, help="At most so many images or pairs.")]
Scenes = Annotated[OptionalInt, typer.Option(min=1, help="At most so many scenes.")]
Size = Annotated[str, typer.Option(help="W x H of the views; smaller images are skipped.")]
IMAGES_HELP = "Folder of images of your own; skimage: all that scikit-image ships."
Budgets = Annotated[str, typer.Option(help="Keypoints of every image; a table each.")]


# Options whose value says only where this machine keeps its files.
_LOCAL = ("--json", "--cache", "--results", "--out")


def names(text: str) -> list[str]:
    """Names with commas between, each once."""
    return list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def numbers(text: str) -> list[int]:
    """Positive integers with commas between."""
    found = names(text)
    if not found or not all(name.isdecimal() and int(name) > 0 for name in found):
        raise typer.BadParameter(f"expected positive integers with commas between; got {text!r}")
    return [int(name) for name in found]


def make_session(cache: Path | None, no_cache: bool, seed: int) -> Session:
    """A session whose cache is where the user wants it."""
    return Session(Store(None if no_cache else cache or default_folder()), seed)


def command_of(arguments: Sequence[str]) -> str:
    """The command again, without where this machine keeps its files."""
    words, drop = ["python -m bench"], False
    for word in arguments:
        option, equals, value = word.rpartition("=")
        if drop or option in _LOCAL or (word in _LOCAL):
            drop = word in _LOCAL and not drop
            continue
        words.append(option + equals + ",".join(map(_without_folders, value.split(","))))
    return " ".join([*words[:1], shlex.join(words[1:])]).rstrip()


def _without_folders(value: str) -> str:
    """A path's last part; of ``NAME@RUN`` that of the run."""
    name, at, path = value.rpartition("@")
    return name + at + (Path(path).name if "/" in path else path)


def show(make_report: Callable[[], Report], json_file: Path | None) -> Report:
    """Run, print, write."""
    if json_file is not None:
        # Before the work, which may take minutes.
        check_writable(json_file)
    report = make_report()
    report.command = command_of(sys.argv[1:])
    typer.echo(report.markdown())
    if json_file is not None:
        report.write_json(json_file)
    return report
