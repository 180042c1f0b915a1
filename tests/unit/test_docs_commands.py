"""The documentation's command lines, held to the commands' own parsers; none is executed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer

import bench.commands
import dognets.cli
import siftcore.cli

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
APPS = {"siftcore": siftcore.cli.app, "dognets": dognets.cli.app, "bench": bench.commands.app}
FENCE = re.compile(r"^ *```(\w*)[^\n]*\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
INLINE = re.compile(r"(?<!`)`([^`]+)`(?!`)")
# Options of other programs that the pages name: pytest, torchrun.
FOREIGN = {"--hypothesis-seed", "--nproc-per-node", "--editable"}
# python -m tests.fuzz, which has no Typer application.
FUZZ = {"--cases", "--seed", "--targets", "--keep"}


@dataclass(frozen=True)
class Line:
    """A command line: which of the three programs, and what follows its name."""

    program: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        return shlex.join((self.program, *self.words))


def lines_of(text: str) -> Iterator[Line]:
    """The command lines in shell text, whatever stands before a program's name."""
    for row in re.sub(r"\\\n\s*", " ", text).splitlines():
        try:
            words = shlex.split(row, comments=True)
        except ValueError:  # a part of a quoted program, or prose
            continue
        for at, word in enumerate(words):
            module = at > 0 and words[at - 1] == "-m"
            command = word in ("siftcore", "dognets") and (at == 0 or is_prefix(words[:at]))
            if not (command or (word in APPS and module)):
                continue
            rest = words[at + 1 :]
            ends = [i for i, after in enumerate(rest) if after in ("|", "||", "&&", ";", "&")]
            yield Line(word, tuple(rest[: ends[0]] if ends else rest))
            break


def is_prefix(words: list[str]) -> bool:
    """Whether a shell line may go on with a command here: NAME=value, `srun`, `... ||`."""
    return words[-1] in ("||", "&&", ";", "srun") or "=" in words[-1]


@cache
def root_of(program: str) -> Any:
    return typer.main.get_command(APPS[program])


def options_of(command: Any) -> set[str]:
    named = {name for option in command.params for name in (*option.opts, *option.secondary_opts)}
    return named | {"-h", "--help"}


@cache
def all_options() -> set[str]:
    commands = [root_of(name) for name in APPS]
    commands += [command for root in commands for command in root.commands.values()]
    return set().union(FOREIGN, FUZZ, *map(options_of, commands))


def parse(line: Line) -> None:
    """As the program would, up to the moment in which it would begin."""
    root = root_of(line.program)
    if {*line.words[-1:]} & {"-h", "--help"} or not line.words:
        check_names(line)
        return
    with root.make_context(line.program, [line.words[0], "--help"]) as context:
        name, command, _ = root.resolve_command(context, list(line.words))
        command.make_context(name, list(line.words[1:]), parent=context)


def check_names(line: Line) -> None:
    """That the subcommand and its options exist; values and arguments may be missing."""
    root = root_of(line.program)
    words = [word for word in line.words if word != "..."]
    command = root
    if words and words[0].isupper():  # `python -m bench NAME --help`
        return
    if words and not words[0].startswith("-"):
        assert words[0] in root.commands, f"{line}: there is no command {words[0]!r}"
        command = root.commands[words.pop(0)]
    unknown = {w.partition("=")[0] for w in words if re.match(r"--?[a-z]", w)} - options_of(command)
    assert not unknown, f"{line}: there is no {unknown}"


def shell_lines(page: Path) -> list[Line]:
    blocks = FENCE.findall(page.read_text(encoding="utf-8"))
    return [line for kind, block in blocks if kind == "sh" for line in lines_of(block)]


def named_lines(page: Path) -> list[Line]:
    """Those in blocks of text, and between backquotes in prose and tables."""
    text = page.read_text(encoding="utf-8")
    blocks = [block for kind, block in FENCE.findall(text) if kind == "text"]
    inline = [" ".join(span.split()) for span in INLINE.findall(FENCE.sub("", text))]
    # In prose the program may be left out: `bench speed --parts roofline`, `pairs --sequential 10`.
    inline = [re.sub(r"^bench (?=[a-z])", "python -m bench ", span) for span in inline]
    inline = [f"{program_of(span)}{span}" for span in inline]
    return [line for part in (*blocks, *inline) for line in lines_of(part)]


def program_of(span: str) -> str:
    """What to write before a span that begins with a subcommand and has options."""
    name = span.split(" ", 1)[0]
    if re.search(r" --[a-z]", span):
        for program in APPS:
            if name in root_of(program).commands:
                return f"python -m {program} "
    return ""


def named_options(page: Path) -> set[str]:
    """Options between backquotes, whatever they are of."""
    spans = INLINE.findall(FENCE.sub("", page.read_text(encoding="utf-8")))
    programs = ("torchrun", "pytest", "ruff", "python -m pytest", "python -m pip", "git")
    return {
        option
        for span in spans
        if not span.startswith(programs)
        for option in re.findall(r"(?:^|\s)(--[a-z][a-z-]*)", span)
    }


def examples() -> dict[str, list[Line]]:
    """The command lines that the help texts show."""
    found = {}
    for program in APPS:
        root = root_of(program)
        for name, command in (("", root), *root.commands.items()):
            shown = f"{command.help or ''}\n{command.epilog or ''}"
            rows = re.findall(
                r"^\s*(?:Example: )?((?:siftcore|dognets|python -m bench) .*)", shown, re.MULTILINE
            )
            found[f"{program}-{name}"] = [line for row in rows for line in lines_of(row)]
    return {name: rows for name, rows in found.items() if rows}


WITH_COMMANDS = [page for page in PAGES if shell_lines(page)]


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=lambda page: page.stem)
def test_command_lines_are_taken(page: Path) -> None:
    for line in shell_lines(page):
        parse(line)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_and_options_that_prose_names_exist(page: Path) -> None:
    for line in named_lines(page):
        check_names(line)
    assert named_options(page) <= all_options()


@pytest.mark.parametrize("name", sorted(examples()))
def test_examples_of_the_help_are_taken(name: str) -> None:
    for line in examples()[name]:
        parse(line)


def test_the_pages_are_read() -> None:
    assert examples().keys() >= {"siftcore-", "siftcore-match", "dognets-train", "dognets-"}
    assert {page.stem for page in WITH_COMMANDS} >= {"README", "start", "training", "report"}
    shown = {(line.program, line.words[0]) for line in shell_lines(ROOT / "README.md")}
    assert shown >= {("siftcore", "match"), ("dognets", "train"), ("bench", "demo")}
    named = {(line.program, *line.words[:1]) for page in PAGES for line in named_lines(page)}
    assert named >= {("bench", "preservation"), ("siftcore", "extract"), ("dognets", "train")}
    colmap = ROOT / "docs" / "interop" / "coming-from-colmap.md"
    assert Line("siftcore", ("to-colmap", "--camera", "single")) in named_lines(colmap)
    assert "--sequential" in named_options(colmap)


@pytest.mark.parametrize(
    "text",
    [
        "siftcore match a.jpg b.jpg --geometri homography",
        "siftcore matches a.jpg b.jpg",
        "siftcore match a.jpg",
        "siftcore match a.jpg b.jpg c.jpg",
        "siftcore extract a.jpg -o f.h5 --workers many",
        "RAY_ADDRESS=auto siftcore extract a.jpg",
        "dognets train --preset method3-x2 --data",
        "python -m bench psnr --fast",
        "python -m bench nothing",
    ],
)
def test_wrong_lines_are_noticed(text: str) -> None:
    (line,) = lines_of(text)
    with pytest.raises(Exception, match=r"(?i)no such|missing|unexpected|requires|valid integer"):
        parse(line)


def test_wrong_names_are_noticed() -> None:
    for text in ("siftcore matches", "siftcore match --fast", "torchrun -m dognets train --fast"):
        (line,) = lines_of(text)
        with pytest.raises(AssertionError, match="there is no"):
            check_names(line)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a=1 siftcore providers | head -1", ("providers",)),
        (
            '[ -e "$out" ] || srun siftcore extract x \\\n  -o "$out"',
            ("extract", "x", "-o", "$out"),
        ),
        ("siftcore pairs f.h5  # all of them", ("pairs", "f.h5")),
    ],
)
def test_lines_are_found_among_shell(text: str, words: tuple[str, ...]) -> None:
    (line,) = lines_of(text)
    assert line.words == words
