"""`bench speed`: its parts, what it refuses, and the comparison with a baseline."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bench.commands.options import app
from bench.matching_speed import descriptors
from bench.report import Report
from bench.speed import PARTS, run
from bench.speed_check import losses, read_ratios
from siftcore.errors import InputError, ParameterError


def report_with(ours: float, theirs: float = 1.0, blur: float = 0.4) -> Report:
    report = Report("speed", {})
    programs = report.table("8 x 8, 1 thread", "program", "mean ms", "over OpenCV")
    programs.add("siftcore", 5.0, ours)
    programs.add("OpenCV", 10.0, theirs)
    report.table("Blurs", "photograph", "over OpenCV").add("coffee", blur)
    return report


@pytest.fixture
def baseline(tmp_path: Path) -> Path:
    path = tmp_path / "speed.json"
    report_with(0.5).write_json(path)
    return path


def test_what_is_no_slower_passes(baseline: Path) -> None:
    assert losses(report_with(0.57, theirs=9.0, blur=0.45), read_ratios(baseline)) == []


def test_each_loss_of_more_than_15_percent_is_named(baseline: Path) -> None:
    found = losses(report_with(0.58, blur=0.47), read_ratios(baseline))
    assert found == [
        "8 x 8, 1 thread: siftcore: over OpenCV 0.580, was 0.500",
        "Blurs: coffee: over OpenCV 0.470, was 0.400",
    ]


def test_tables_that_the_baseline_has_not_are_passed_over(baseline: Path) -> None:
    report = Report("speed", {})
    report.table("9 x 9, 1 thread", "program", "over OpenCV").add("siftcore", 99.0)
    assert losses(report, read_ratios(baseline)) == []


def test_a_missing_baseline_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        losses(report_with(1.0), read_ratios(tmp_path / "nothing.json"))


def test_every_part_has_its_tables() -> None:
    report = run([], "64x48", 1, PARTS, "70", "0.01,0.02", 128)
    titles = [table.title for table in report.tables]
    for wanted in (
        "64 x 48, 1 thread",
        "Stages, 64 x 48, 1 thread",
        "Roofline, 64 x 48, 1 thread",
        "Time a megapixel",
        "Matching, 1 thread",
        "Peak memory above the input, 1920 x 1080",
        "From a memory-map, the whole process",
    ):
        assert wanted in titles
    # Only beside OpenCV.
    assert ("Blurs of the first octave, 64 x 48, 1 thread" in titles) == bool(find_spec("cv2"))
    (growth,) = (table for table in report.tables if table.title == "Time a megapixel")
    assert [row[0] for row in growth.rows] == ["0.0", "0.0"]
    assert sum(row[-1] for row in growth.rows) == pytest.approx(2.0)


def test_more_descriptors_than_there_are_are_not_repeated_exactly() -> None:
    a, b = descriptors(30_000)
    assert a.shape == b.shape == (30_000, 128)
    assert len({row.tobytes() for row in a}) == len(a)


@pytest.mark.parametrize(
    "options",
    [["--parts", "weight"], ["--descriptors", "many"], ["--megapixels", "-1"], ["--sizes", "9"]],
)
def test_bad_options_are_named(options: list[str]) -> None:
    given: dict[str, Any] = {options[0][2:]: options[1]}
    if "parts" in given:
        given = {"parts": [options[1]]}
    with pytest.raises(ParameterError, match=options[0]):
        run([], **({"sizes": "64x48", "runs": 1} | given))


def multiply_ratios(results: Path, factor: float) -> None:
    content = json.loads(results.read_text())
    for table in content["tables"]:
        for i, column in enumerate(table["columns"]):
            if column.startswith("over "):
                for row in table["rows"]:
                    row[i] *= factor
    results.write_text(json.dumps(content))


# Enough that what one run differs from the next does not count.
@pytest.mark.parametrize(("factor", "code"), [(1e6, 0), (1e-6, 1)])
def test_the_check_decides_the_exit_code(factor: float, code: int, tmp_path: Path) -> None:
    earlier = tmp_path / "earlier.json"
    command = ["speed", "--parts", "matching", "--descriptors", "60", "--runs", "1"]
    runner = CliRunner()
    assert runner.invoke(app, [*command, "--json", str(earlier)]).exit_code == 0
    multiply_ratios(earlier, factor)
    assert runner.invoke(app, [*command, "--check", str(earlier)]).exit_code == code
    # The same file may be compared with and written over.
    both = ["--json", str(earlier), "--check", str(earlier)]
    assert runner.invoke(app, [*command, *both]).exit_code == code
