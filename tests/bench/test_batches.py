"""`bench batches`, and the page whose figures come from it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bench.batches import PARTS, RATES, parse_work, run
from bench.report import Report
from bench.scaling_page import write
from siftcore.errors import InputError, ParameterError

ROOT = Path(__file__).resolve().parents[2]


def test_every_kind_has_its_rows(tmp_path: Path) -> None:
    report = run([("dog", 96, 80), ("bicubic-x2", 64, 48)], 5, [1], [], runs=1)
    parts, rates = report.tables
    assert (parts.title, rates.title) == (PARTS, RATES)
    assert [row[:2] for row in parts.rows] == [["dog", "96x80"], ["bicubic-x2", "64x48"]]
    for row in parts.rows:
        assert all(figure > 0 for figure in row[2:])
        keypoints, feature_bytes = row[5], row[7]
        # 128 descriptor entries and ten other numbers, 4 bytes each but one.
        assert feature_bytes > 542 * keypoints
    for row in rates.rows:
        assert row[2:4] == [1, 5]
        assert row[4] == row[5] > 0


@pytest.mark.parametrize("workers", [0, 1000])
def test_more_workers_than_cores_would_measure_something_else(workers: int) -> None:
    with pytest.raises(ParameterError, match="the cores"):
        run([("dog", 96, 80)], 5, [workers], [])


def test_work_is_read() -> None:
    assert parse_work("dog:640x480, a-x2:32x16") == [("dog", 640, 480), ("a-x2", 32, 16)]
    with pytest.raises(ParameterError):
        parse_work("dog")


def fill(folder: Path, page: str) -> str:
    report = Report("batches", {})
    parts = report.table(
        PARTS, "provider", "size", "decode ms", "extract ms", "write ms", "keypoints",
        "JPEG bytes", "feature bytes",
    )  # fmt: skip
    parts.add("dog", "640x480", 10.0, 30.0, 2.0, 1000.0, 1e5, 6e5)
    rates = report.table(
        RATES, "provider", "size", "workers", "images", "images/s", "images/s a core",
        "assembly ms an image",
    )  # fmt: skip
    rates.add("dog", "640x480", 1, 9, 25.0, 25.0, 3.0)
    rates.add("dog", "640x480", 2, 18, 40.0, 20.0, 4.0)
    report.write_json(folder / "batches.json")
    path = folder / "page.md"
    path.write_text(page)
    write(folder, path)
    return path.read_text()


def test_the_arithmetic(tmp_path: Path) -> None:
    page = "".join(
        f"text\n<!-- figures: {name} -->\nold\n<!-- end -->\n"
        for name in ("cost", "limits", "measured")
    )
    filled = fill(tmp_path, page)
    assert "old" not in filled
    assert filled.count("text\n") == 3
    # 1e6 / 20 / 3600 = 13.89 core hours; 600 GB; 600 TB; 100 TB.
    assert "| dog, 640x480 | 20 | 13.89 | 13889 | 0.6 | 600 | 100 |" in filled
    # 10 of 40 ms; 20 x 1e5 x 8 x 1000 / 1e9; six times that; 500 / 20; 250 / 20; 10 / 0.112.
    assert "| dog, 640x480 | 25 | 16 | 96 | 25 | 12 | 89 |" in filled
    assert "600 a keypoint" in filled
    (tmp_path / "again.md").write_text(filled)
    write(tmp_path, tmp_path / "again.md")
    assert (tmp_path / "again.md").read_text() == filled


def test_a_page_without_a_part(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="figures: measured"):
        fill(
            tmp_path,
            "<!-- figures: cost -->\n<!-- end -->\n<!-- figures: limits -->\n<!-- end -->\n",
        )


def test_the_page_fits_the_result(tmp_path: Path) -> None:
    page = ROOT / "docs" / "scaling.md"
    copy = shutil.copy(page, tmp_path / "scaling.md")
    write(ROOT / "bench" / "results", copy)
    assert copy.read_text("utf-8") == page.read_text("utf-8"), (
        "docs/scaling.md does not fit bench/results: run `python -m bench scaling-page`"
    )
