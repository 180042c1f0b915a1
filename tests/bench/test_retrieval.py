"""The retrieval benchmark on made-up scenes, and its page."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from skimage import data

pytest.importorskip("faiss", reason="retrieval needs FAISS")
pytest.importorskip("poselib", reason="verification needs PoseLib")

from bench.report import Report
from bench.retrieval import run
from bench.retrieval_page import write
from bench.retrieval_queries import read_collection
from bench.session import Session
from bench.store import Store
from siftcore import InputError

ROOT = Path(__file__).resolve().parents[2]
RESULT = ROOT / "bench" / "results" / "retrieval.json"
SIZE = 300


def views(image: NDArray[Any]) -> list[NDArray[Any]]:
    """Overlapping cuts of one photograph."""
    return [image[place : place + SIZE, place : place + SIZE] for place in (0, 20, 40, 60)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two scenes in the layout of Oxford affine, a folder of one building, and strangers."""
    made = tmp_path_factory.mktemp("pairs")
    scenes = {"page": data.page(), "text": data.hubble_deep_field()[:, :, 0]}
    scenes["page"] = np.pad(scenes["page"], ((0, SIZE), (0, 0)), "symmetric")
    for name, image in scenes.items():
        (made / "pairs" / "oxford_affine" / name).mkdir(parents=True)
        for number, view in enumerate(views(image), 1):
            path = made / "pairs" / "oxford_affine" / name / f"img{number}.png"
            Image.fromarray(np.ascontiguousarray(view)).save(path)
            (path.parent / "H1to2p").write_text("1 0 0 0 1 0 0 0 1")
    (made / "pairs" / "church").mkdir()
    for number, view in enumerate(views(data.stereo_motorcycle()[0])):
        Image.fromarray(view).save(made / "pairs" / "church" / f"{number}.png")
    (made / "strangers").mkdir()
    Image.fromarray(data.moon()).save(made / "strangers" / "moon.png")
    (made / "strangers" / "broken.png").write_bytes(b"no image")
    return made


def test_views_of_the_collection_are_no_queries(folder: Path) -> None:
    session = Session()
    collection, queries = read_collection(
        folder / "pairs", folder / "strangers", session, None, None
    )
    scenes = ["oxford_affine/page/1", "oxford_affine/text/1", "church/0", "church/1"]
    assert list(collection)[:4] == scenes
    assert "distractors/moon.png" in collection
    assert "scikit-image/astronaut" in collection
    assert list(session.skipped) == ["strangers/broken.png"]
    assert [query.scene for query in queries] == ["page"] * 3 + ["text"] * 3 + ["church"] * 2
    assert queries[0].right == {"oxford_affine/page/1"}
    assert queries[-1].right == {"church/0", "church/1"}
    for query in queries:
        assert not any(np.array_equal(query.image, image) for image in collection.values())


def test_distractors_of_one_name_are_all_there(folder: Path, tmp_path: Path) -> None:
    for name in ("a.png", "a.jpg"):
        Image.fromarray(data.moon()).save(tmp_path / name)
    collection, _ = read_collection(folder / "pairs", tmp_path, Session(), 1, None)
    assert {"distractors/a.jpg", "distractors/a.png"} < set(collection)


def test_a_scene_without_its_first_image_is_left_out(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "pairs", tmp_path / "pairs")
    broken = tmp_path / "pairs" / "oxford_affine" / "page" / "img1.png"
    broken.write_bytes(b"no image")
    session = Session()
    collection, queries = read_collection(tmp_path / "pairs", None, session, None, None)
    assert "oxford_affine/page/1" not in collection
    assert "page" not in {query.scene for query in queries}
    assert "page/img1.png" in session.skipped


def test_limits(folder: Path) -> None:
    collection, queries = read_collection(folder / "pairs", None, Session(), 1, 2)
    strangers = ["scikit-image/astronaut", "scikit-image/brick"]
    assert list(collection) == ["oxford_affine/page/1", "church/0", "church/1", *strangers]
    assert [query.scene for query in queries] == ["page"] * 3 + ["church"]


def test_scenes_are_asked_for(folder: Path) -> None:
    with pytest.raises(InputError, match="no scene"):
        read_collection(folder / "strangers", None, Session(), None, None)


@pytest.fixture(scope="module")
def report(folder: Path) -> Report:
    return run(
        folder / "pairs",
        {2: ["dog", "bicubic-x2"], 1: ["dog"]},
        Session(Store(folder / "cache")),
        budget=300,
        limit=3,
        kinds=["flat", "ivf-sq8"],
    )


def test_overlapping_views_are_found(report: Report) -> None:
    titles = [table.title for table in report.tables]
    assert titles == [
        "oxford_affine, queries reduced by 2",
        "church, queries reduced by 2",
        "oxford_affine, queries at full size",
        "church, queries at full size",
        "Kinds of index, dog, all queries reduced by 2",
    ]
    for table in report.tables[:4]:
        assert [row[0] for row in table.rows] == (
            ["dog", "bicubic-x2"] if "reduced" in table.title else ["dog"]
        )
        for row in table.rows:
            cells = dict(zip(table.columns, row, strict=True))
            assert cells["recall@1 verified"].mean == 1.0
            assert cells["recall@5 by votes"].mean == 1.0
            assert cells["inliers, right image"] > 20
            assert cells["inliers, right image"] > cells["most inliers, wrong image"]
            assert cells["keypoints"] <= 300
    flat, inverted = report.tables[-1].rows
    assert flat[:2] == ["flat", pytest.approx(512, abs=1)]
    assert inverted[0] == "ivf-sq8"
    assert 136 < inverted[1] < 300
    assert report.settings["descriptors"] <= 300 * report.settings["images"]


def test_what_was_found_is_kept(folder: Path, report: Report) -> None:
    session = Session(Store(folder / "cache"))
    again = run(
        folder / "pairs",
        {2: ["dog", "bicubic-x2"]},
        session,
        budget=300,
        limit=3,
        kinds=[],
        timed=0,
    )
    assert session.store.computed == 0
    for table, before in zip(again.tables, report.tables, strict=False):
        assert [row[1:8] for row in table.rows] == [row[1:8] for row in before.rows]
        assert all(row[8:] == [None] * 3 for row in table.rows)
        assert all(time > 0 for row in before.rows for time in row[8:])


def test_a_provider_that_fails_has_its_row(folder: Path) -> None:
    session = Session()
    found = run(folder / "pairs", {2: ["no-such"]}, session, None, 100, 1, 1, [])
    (row,) = found.tables[0].rows
    assert row[0] == "no-such"
    assert row[1].startswith("failed: ")
    assert "no-such" in found.failed


def test_a_page_without_marks_is_an_error(tmp_path: Path, report: Report) -> None:
    report.write_json(tmp_path / "r.json")
    (tmp_path / "page.md").write_text("nothing\n")
    with pytest.raises(InputError, match="figures: retrieval"):
        write(tmp_path / "r.json", tmp_path / "page.md")


def test_the_page_is_up_to_date(tmp_path: Path) -> None:
    page = ROOT / "docs" / "retrieval.md"
    shutil.copy(page, tmp_path / "page.md")
    write(RESULT, tmp_path / "page.md")
    assert (tmp_path / "page.md").read_text() == page.read_text(), (
        "docs/retrieval.md does not fit its result: run python -m bench retrieval-page"
    )
