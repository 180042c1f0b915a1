"""docs/results.md: results read back, bars held against them, and the page that says so."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")

from bench.bars import Bar, Verdict, judge, read_bars
from bench.intervals import Estimate
from bench.report import Report, Table
from bench.result_files import find_table, read_results
from bench.results_page import write
from bench.weights_table import weights_table
from dognets.pretrained import read_manifest
from siftcore import InputError

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "bench" / "results"
TITLE = "Gain, x2"


@pytest.fixture(scope="module")
def weights() -> Table:
    return weights_table()


@pytest.fixture(autouse=True)
def _weights_once(weights: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    # Every page has this table; building the networks to count them takes a second.
    monkeypatch.setattr("bench.results_page.weights_table", lambda: weights)


def write_result(folder: Path, stem: str = "psnr-x2", **changes: Any) -> Path:
    """A result with a row of each kind."""
    report = Report("psnr", {"data": "set14", "scale": 2, "providers": ["ours", "theirs"]})
    table = report.table(TITLE, "provider", "D1", "D2")
    table.add("ours", Estimate(6.5, 6.1, 6.9, 14), 9.2)
    table.add("theirs", Estimate(6.8, 6.6, 7.0, 14), 9.1)
    table.add("other", 5.0, float("nan"))
    table.add_failed("broken", "MemoryError: no message")
    report.notes.append("D1 is the finest level.")
    report.command = "python -m bench psnr --data set14 --providers ours,theirs --scale 2"
    path = folder / f"{stem}.json"
    report.write_json(path)
    if changes:
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return path


def bar(asked: Any, *, relation: str = ">=", column: str = "D1", **changes: Any) -> Bar:
    given = {"what": "Gain", "file": "psnr-x2", "table": TITLE, "rows": ("ours",), "source": "a"}
    return Bar(**(given | changes), relation=relation, column=column, asked=asked)


def verdict_of(folder: Path, wanted: Bar) -> Verdict:
    (verdict,) = judge([wanted], read_results(folder))
    return verdict


def write_bars(folder: Path, *entries: dict[str, Any]) -> Path:
    # Beside the results it would be taken for one.
    path = folder / "bars" / "bars.json"
    path.parent.mkdir()
    path.write_text(json.dumps(entries))
    return path


def entry(asked: Any, what: str = "Gain", **changes: Any) -> dict[str, Any]:
    given = {
        "what": what, "file": "psnr-x2", "table": TITLE, "rows": ["ours"], "relation": ">=",
        "source": "published", "asked": asked,
    }  # fmt: skip
    return given | changes


def test_results_come_back_as_they_were_written(tmp_path: Path) -> None:
    write_result(tmp_path)
    (tmp_path / "README.md").write_text("not a result")
    (name,) = results = read_results(tmp_path)
    assert name == "psnr-x2"
    assert results[name].report.settings["scale"] == 2
    assert results[name].environment["cores"] >= 1
    table = find_table(results[name], TITLE)
    assert table is not None
    assert table.rows[0] == ["ours", Estimate(6.5, 6.1, 6.9, 14), 9.2]
    assert table.rows[2] == ["other", 5.0, None]
    assert find_table(results[name], "another") is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"schema": 1}, "schema"),
        ({"tables": []}, "tables"),
        ({"benchmark": 3}, "benchmark"),
        ({"extra": 1}, "extra"),
        ({"tables": [{"title": "t", "columns": ["a", "b"], "rows": [["x", 1, 2]]}]}, "2 cells"),
    ],
)
def test_a_foreign_file_is_named(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    write_result(tmp_path, **changes)
    with pytest.raises(InputError, match=r"psnr-x2\.json") as caught:
        read_results(tmp_path)
    assert said in str(caught.value)


def test_a_damaged_file_and_a_missing_folder_are_named(tmp_path: Path) -> None:
    path = write_result(tmp_path)
    path.write_text(path.read_text()[:-20])
    with pytest.raises(InputError, match=r"psnr-x2\.json"):
        read_results(tmp_path)
    with pytest.raises(InputError, match="no folder"):
        read_results(tmp_path / "nowhere")


def test_bars_are_judged_by_the_mean(tmp_path: Path) -> None:
    write_result(tmp_path)
    for asked, relation, met in (
        (6.4, ">=", True), (6.5, ">=", True), (6.6, ">=", False),
        (6.6, "<=", True), (6.5, "<=", True), (6.4, "<=", False),
    ):  # fmt: skip
        verdict = verdict_of(tmp_path, bar(asked, relation=relation))
        assert verdict.met is met, (asked, relation)
        assert verdict.measured == Estimate(6.5, 6.1, 6.9, 14)
        assert verdict.asked == asked


def test_bars_against_rows_of_the_same_table(tmp_path: Path) -> None:
    write_result(tmp_path)
    behind = verdict_of(tmp_path, bar(("theirs", "other")))
    assert (behind.met, behind.asked) == (False, 6.8)
    assert verdict_of(tmp_path, bar(("other",))).met is True
    # The best of them is the smallest where less is better.
    fewer = verdict_of(tmp_path, bar(("theirs", "other"), relation="<="))
    assert (fewer.met, fewer.asked) == (False, 5.0)
    assert verdict_of(tmp_path, bar(("theirs",), column="D2")).met is True


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        (bar(1.0, file="speed"), r"no speed\.json"),
        (bar(1.0, table="Loss"), "no table 'Loss'"),
        (bar(1.0, column="D7"), "no column 'D7'"),
        (bar(1.0, rows=("nobody",)), "no row 'nobody'"),
        (bar(1.0, rows=("broken",)), "'broken' failed: MemoryError"),
        (bar(1.0, rows=("broken",), column="D2"), "'broken' failed: MemoryError"),
        (bar(1.0, rows=("other",), column="D2"), "'other' has no number"),
        (bar(("theirs", "broken")), "'broken' failed: MemoryError"),
        (bar(("theirs", "nobody")), "no row 'nobody'"),
        (bar(1.0, settings={"data": "set5"}), "of data set14, not set5"),
        (bar(1.0, settings={"images": 3}), "of images None, not 3"),
        (bar(1.0, n=15), "a mean of 14 values there, not of 15"),
        (bar(1.0, n=14, column="D2"), "a mean of 1 values there, not of 14"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_was_not_measured_is_never_dropped(tmp_path: Path, wanted: Bar, reason: str) -> None:
    write_result(tmp_path)
    verdict = verdict_of(tmp_path, wanted)
    assert verdict.met is None
    assert re.search(reason, verdict.reason)


def test_a_bar_for_one_set_of_images_is_held_against_that_set(tmp_path: Path) -> None:
    write_result(tmp_path)
    assert verdict_of(tmp_path, bar(6.0, settings={"data": "set14", "scale": 2}, n=14)).met is True
    assert verdict_of(tmp_path, bar(7.0, settings={"data": "set14", "scale": 2}, n=14)).met is False


def test_a_bar_without_rows_is_for_every_row(tmp_path: Path) -> None:
    write_result(tmp_path)
    verdicts = judge([bar(6.0, rows=None)], read_results(tmp_path))
    assert [(v.row, v.met) for v in verdicts] == [
        ("ours", True), ("theirs", True), ("other", False), ("broken", None),
    ]  # fmt: skip
    (missing,) = judge([bar(6.0, rows=None, file="speed")], read_results(tmp_path))
    assert missing.met is None


@pytest.mark.parametrize(
    "bad", [{"relation": ">"}, {"asked": [1]}, {"asked": {"D1": "much"}}, {"surplus": 1}]
)
def test_a_bad_bar_is_an_error(tmp_path: Path, bad: dict[str, Any]) -> None:
    path = write_bars(tmp_path, entry({"D1": 1.0}) | bad)
    with pytest.raises(InputError, match="an entry has"):
        read_bars(path)


def test_the_page_begins_with_what_falls_short(tmp_path: Path) -> None:
    write_result(tmp_path, skipped={"set14/a.png": "not an image"})
    bars = write_bars(
        tmp_path,
        entry({"D1": 7.4, "D2": 9.0}),
        entry({"D1": 1.0}, "Speed", file="speed", source="OpenCV"),
    )
    out = tmp_path / "results.md"
    write(tmp_path, out, bars)
    page = out.read_text("utf-8")
    headings = re.findall(r"^## (.*)$", page, re.MULTILINE)
    assert headings == [
        "Where it falls short", "Bars that are reached", "DoG PSNR, x2", "Weights",
    ]  # fmt: skip
    short, reached = (
        page.split(f"## {heading}\n")[1].split("\n## ")[0] for heading in headings[:2]
    )
    assert "| Gain | ours | D1 | >= 7.4 | 6.5 [6.1, 6.9] | published |" in short
    assert "- Speed: `D1` not measured, because there is no speed.json." in short
    assert "D2" not in short
    assert "| Gain | ours | D2 | >= 9 | 9.2 | published |" in reached
    assert "1 of 3." in reached
    for text in (
        "make bench-docs",
        "python -m bench psnr --data set14 --providers ours,theirs --scale 2`",
        f"### {TITLE}",
        "| broken | failed: MemoryError: no message | - |",
        "D1 is the finest level.",
        "- set14/a.png: not an image",
    ):
        assert text in page, text


def test_the_same_results_give_the_same_bytes(tmp_path: Path) -> None:
    # Not in the order of the page.
    for stem in ("preservation-x2", "conformance", "psnr-x4"):
        write_result(tmp_path, stem, benchmark=stem.partition("-")[0])
    pages = []
    for name in ("a.md", "b.md"):
        write(tmp_path, tmp_path / name)
        pages.append((tmp_path / name).read_bytes())
    assert pages[0] == pages[1]
    kept = re.findall(rb"`: `bench/results/(\S+)\.json`", pages[0])
    assert kept == [b"conformance", b"psnr-x4", b"preservation-x2"]


def test_machines_that_differ_are_named_section_by_section(tmp_path: Path) -> None:
    path = write_result(tmp_path)
    write(tmp_path, tmp_path / "results.md")
    assert (tmp_path / "results.md").read_text().count("Machine: ") == 1
    other = json.loads(path.read_text())["environment"] | {"machine": "Another processor"}
    write_result(tmp_path, "psnr-x4", environment=other)
    write(tmp_path, tmp_path / "results.md")
    page = (tmp_path / "results.md").read_text()
    assert page.count("Machine: ") == 2
    assert page.index("## DoG PSNR") < page.index("Machine: Another processor")


def test_a_page_of_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="make bench-docs"):
        write(tmp_path, tmp_path / "results.md")


def test_the_weights_table_has_every_weight_file(weights: Table) -> None:
    entries = read_manifest().values()
    assert [row[0] for row in weights.rows] == [entry.name for entry in entries]
    converged = weights.columns.index("converged")
    assert [row[converged] for row in weights.rows] == [entry.converged for entry in entries]
    published = {row[0]: row for row in weights.rows}["vdsr-x2"]
    # Kim et al. 2016: 18 layers of 64 to 64 channels, 3 x 3, one in and one out, no biases here.
    parameters = 18 * 64 * 64 * 9 + 2 * 64 * 9
    assert published[1:3] == [f"{parameters:,}", f"{4 * parameters:,}"]


def test_every_bar_asks_for_results_that_the_makefile_makes() -> None:
    made = set(re.findall(r"\$\(RESULTS\)/(\S+)\.json", (ROOT / "Makefile").read_text()))
    assert made >= {wanted.file for wanted in read_bars()}


def test_the_page_is_up_to_date(tmp_path: Path) -> None:
    if not any(RESULTS.glob("*.json")):
        pytest.skip("no results in bench/results; make bench-docs puts them there")
    write(RESULTS, tmp_path / "results.md")
    assert (tmp_path / "results.md").read_bytes() == (ROOT / "docs" / "results.md").read_bytes(), (
        "docs/results.md does not fit bench/results: run make bench-docs, or make bench-page "
        "where only the page changed"
    )


def test_bars_name_tables_that_are_there() -> None:
    if not any(RESULTS.glob("*.json")):
        pytest.skip("no results in bench/results; make bench-docs puts them there")
    results = read_results(RESULTS)
    for verdict in judge(read_bars(), results):
        if verdict.bar.file in results:
            # A title that was changed would make its bar "not measured" for ever.
            assert not re.search("has no (table|column)", verdict.reason), verdict.reason
