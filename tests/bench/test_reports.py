"""Benchmarks: what they print and write, and that their measures notice errors."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from bench.agreement import nearest_agreeing
from bench.commands.options import command_of
from bench.demo import run as run_demo
from bench.golden import find_golden, read_golden
from bench.html.tables import show_table
from bench.intervals import bootstrap_mean
from bench.report import Report
from bench.result_files import read_result
from bench.speed import run as run_speed
from bench.synthetic import blob_errors, expected_sigma
from bench.why import reference_view
from bench.why import run as run_why
from siftcore import InputError, OutputError, ParameterError

ROOT = Path(__file__).resolve().parents[2]


SCHEMA = json.loads((ROOT / "bench" / "results.schema.json").read_text())


def _check_schema(result: dict) -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(result)
    for table in result["tables"]:
        assert all(len(row) == len(table["columns"]) for row in table["rows"])


def test_a_report_is_markdown_and_json(tmp_path: Path) -> None:
    report = Report("x", {"seed": 0})
    table = report.table("T", "name", "value")
    table.add("a", np.float64(0.5))
    table.add("b", None)
    table.add("c", bootstrap_mean([1.0, 1.0]))
    table.add("d", bootstrap_mean([]))
    table.add("e | f", float("inf"))
    with pytest.raises(ValueError, match="2 cells"):
        table.add("only one")
    assert "| a | 0.5 |" in report.markdown()
    assert "| b | - |" in report.markdown()
    assert "| c | 1 [1, 1] |" in report.markdown()
    assert "| d | - |" in report.markdown()
    assert "| e \\| f | - |" in report.markdown()
    report.write_json(tmp_path / "x.json")
    written = json.loads((tmp_path / "x.json").read_text())
    _check_schema(written)
    assert written["tables"][0]["rows"][2][1] == {"mean": 1.0, "low": 1.0, "high": 1.0, "n": 2}
    for key, wrong in {"schema": 1, "tables": [], "notes": "text", "more": 1}.items():
        with pytest.raises(jsonschema.ValidationError):
            _check_schema(written | {key: wrong})


def test_a_command_is_kept_without_where_files_lie() -> None:
    typed = "psnr --data /somewhere/set14 --scale=2 --json /x/y.json --cache=/c --limit 3"
    assert command_of(typed.split()) == "python -m bench psnr --data set14 --scale=2 --limit 3"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (["--providers", "dog,method3-x2@../runs/a,b@/c/d"], "--providers dog,method3-x2@a,b@d"),
        (["--providers=method3-x2@runs/a"], "--providers=method3-x2@a"),
        (["--data", "/photos of mine/set 14"], "--data 'set 14'"),
        ([], ""),
    ],
)
def test_a_command_names_providers_and_can_be_typed_again(typed: list[str], kept: str) -> None:
    assert command_of(["psnr", *typed]) == f"python -m bench psnr {kept}".rstrip()


def test_a_mean_without_an_interval_is_written_and_read_back(tmp_path: Path) -> None:
    report = Report("x", {})
    report.table("T", "name", "value").add("a", bootstrap_mean([0.25]))
    assert "| a | 0.25 |" in report.markdown()
    report.write_json(tmp_path / "x.json")
    (found,) = read_result(tmp_path / "x.json").report.tables
    assert found.markdown() == report.tables[0].markdown()
    assert "interval" not in show_table(found).note


def test_agreement_knows_near_from_far() -> None:
    a = (np.array([[10.0, 20.0], [30.0, 5.0]]), np.array([2.0, 3.0]), np.array([0.1, 6.2]))
    moved = (a[0] + 0.03, a[1] * 1.005, a[2] + 0.01)
    strict = {"pixels": 0.05, "sigma_ratio": 1.01, "angle_deg": 1.0}
    index, distance = nearest_agreeing(a, moved, **strict)
    assert index.tolist() == [0, 1]
    assert distance == pytest.approx(np.hypot(0.03, 0.03))
    for wrong in (
        (a[0] + 0.05, a[1], a[2]), (a[0], a[1] * 1.02, a[2]), (a[0], a[1], a[2] + 0.02),
    ):  # fmt: skip
        index, distance = nearest_agreeing(a, wrong, **strict)
        assert index.tolist() == [-1, -1]
        assert np.isnan(distance).all()


def test_expected_sigma_is_where_the_difference_of_gaussians_is_extreme() -> None:
    sigma = np.linspace(0.6, 5, 100_001)
    k = 2 ** (1 / 3)
    variance = 3.0**2 - 0.5**2
    dog = 1 / (variance + sigma**2) - 1 / (variance + (k * sigma) ** 2)
    assert expected_sigma(3.0, 0.5) == pytest.approx(sigma[dog.argmax()], abs=1e-3)


def test_blobs_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    offset, sigma_error, missed = blob_errors("dog", 0.5, 20, seed=1)
    assert len(offset) + missed == 20
    assert np.median(np.linalg.norm(offset, axis=1)) < 0.03
    assert np.median(np.abs(sigma_error)) < 0.03


def test_golden_files_are_found_or_the_option_is_named(tmp_path: Path) -> None:
    names = [file.name for file in read_golden(ROOT / "tests" / "golden" / "data")]
    assert names == ["astronaut", "brick", "camera", "coffee"]
    with pytest.raises(InputError, match="--golden"):
        find_golden(tmp_path)


def test_the_demo_matches_real_photographs(tmp_path: Path) -> None:
    report = run_demo(tmp_path / "demo")
    _check_schema(report.as_dict())
    rows = {row[0]: row for row in report.tables[0].rows}
    assert {"dog", "bicubic-x2", "bicubic-x4"} <= set(rows)
    for name, row in rows.items():
        assert row[4] > 300, name
        assert row[5] > 0.8, name
    assert (tmp_path / "demo" / "matches.png").stat().st_size > 100_000


def test_the_picture_of_the_readme(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="needs torch")
    report = run_why(tmp_path / "why.png")
    (table,) = report.tables
    classical, network, original = (row[-1] for row in table.rows)
    assert 0 < classical < network / 2
    assert network < original
    assert 0 < (tmp_path / "why.png").stat().st_size < 500_000


def test_the_other_view_is_where_its_homography_says() -> None:
    """A bright square in the middle of a corner comes out where the homography puts it."""
    image = np.zeros((120, 200), np.uint8)
    image[20:31, 30:41] = 255
    view, homography = reference_view(image)
    row, column = np.mgrid[:120, :200]
    centre = np.array([(view * column).sum(), (view * row).sum()]) / view.sum()
    x, y, w = homography @ [35, 25, 1]
    assert np.abs(centre - [x / w, y / w]).max() < 0.05


def test_the_demo_says_where_it_cannot_write(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        run_demo(tmp_path / "file" / "demo")


def test_speed_runs_and_bad_sizes_are_refused() -> None:
    _check_schema(run_speed([], "96x64", 1).as_dict())
    for bad in ("640", "640x", "8x8", ""):
        with pytest.raises(ParameterError, match="--sizes"):
            run_speed([], bad, 1)


def test_as_a_program(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bench", "conformance", "--golden", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 2
    assert done.stderr.startswith("error: no golden files")
    assert "Traceback" not in done.stderr
