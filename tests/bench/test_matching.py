"""The matching benchmark, on folders made up here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from skimage import data as photographs

import siftcore
from bench.extractors import Extractor
from bench.matching import LOW, ORIGINAL, default_providers, paper_matches, run
from bench.metrics.match_counts import count_matches
from bench.pair_matching import PairMatcher, System, read_image_pairs
from bench.pairs import ImagePair
from bench.pairs.collections import find_pairs
from bench.pairs.pair_files import PairFiles
from bench.session import Session
from bench.small_copies import copy_images, copy_pairs
from bench.store import Store
from siftcore import InputError
from siftcore.scalespace import registry
from siftcore.scalespace.superres import Bicubic
from siftcore.types import Features
from tests.bench.folders import touch, write

SHIFT = np.array([[1.0, 0, -24], [0, 1, -16], [0, 0, 1]])


@pytest.fixture
def views(tmp_path: Path, camera: NDArray[np.uint8]) -> Path:
    """a and b overlap, 24 columns and 16 rows apart; c shows something else."""
    Image.fromarray(camera[100:260, 160:352]).save(tmp_path / "a.png")
    Image.fromarray(camera[116:276, 184:376]).save(tmp_path / "b.png")
    Image.fromarray(photographs.coins()[:160, :192]).save(tmp_path / "c.png")
    np.savetxt(tmp_path / "shift.txt", SHIFT)
    return tmp_path


def means(report, table: int = 0) -> dict[str, list[float]]:
    return {
        r[0]: [getattr(cell, "mean", cell) for cell in r[1:]] for r in report.tables[table].rows
    }


# Counting


def synthetic(xy: NDArray[np.float64], descriptors: NDArray[np.float64]) -> Features:
    n = len(xy)
    zeros = np.zeros(n)
    arrays = dict.fromkeys(("angle", "response", "octave", "level"), zeros)
    return Features(
        xy=xy, sigma=np.ones(n), descriptors=descriptors, image_size=(400, 300), provider="x",
        **arrays,
    )  # fmt: skip


def test_counts_of_a_known_answer() -> None:
    rng = np.random.default_rng(0)
    xy = rng.uniform(50, 250, (40, 2))
    moved = xy + SHIFT[:2, 2]
    # Ten lie just outside of the 3 pixels, and ten just inside.
    moved[:10, 0] += 3.1
    moved[10:20, 1] -= 2.9
    descriptors = np.eye(40, 128)
    counts = count_matches(synthetic(xy, descriptors), synthetic(moved, descriptors), SHIFT)
    assert (counts.keypoints, counts.matches, counts.verified) == (40.0, 40, 30)
    assert counts.plausible
    backward = count_matches(
        synthetic(xy, descriptors), synthetic(moved, descriptors), np.linalg.inv(SHIFT)
    )
    assert (backward.matches, backward.verified, backward.plausible) == (40, 0, False)


def test_counts_without_truth_are_epipolar_inliers() -> None:
    rng = np.random.default_rng(1)
    points = np.c_[rng.uniform(-1, 1, (60, 2)), rng.uniform(3, 6, 60)]
    a = 200 + 300 * points[:, :2] / points[:, 2:]
    points[:, 0] += 0.5
    b = 200 + 300 * points[:, :2] / points[:, 2:]
    # A pure sideways motion keeps the rows: these are off by 20 pixels.
    b[:12, 1] += 20 * np.where(np.arange(12) % 2, 1, -1)
    descriptors = np.eye(60, 128)
    counts = count_matches(synthetic(a, descriptors), synthetic(b, descriptors))
    assert counts.matches == 60
    assert 48 <= counts.verified <= 51
    empty = Features.empty((400, 300), "x")
    nothing = count_matches(empty, synthetic(b, descriptors))
    assert (nothing.keypoints, nothing.matches, nothing.verified) == (30.0, 0, 0)


def test_a_reduced_pair_is_counted_on_the_high_resolution_grid(views: Path) -> None:
    """A shift of 24 columns is 12 there: unconverted positions would confirm nothing."""
    write(views / "pairs.txt", "a.png b.png moved shift.txt")
    for scale in (2, 4):
        rows = means(run(views, [f"bicubic-x{scale}"], scale, Session()))
        assert rows[LOW][3] >= 4
        assert rows[LOW][4] >= 0.75 * rows[LOW][3]
        assert rows[f"bicubic-x{scale}"][4] >= 0.75 * rows[f"bicubic-x{scale}"][3] > 10


# The benchmark


def test_matching_counts_every_row_of_every_category(views: Path) -> None:
    write(views / "pairs.txt", "a.png b.png moved shift.txt", "a.png c.png foreign")
    report = run(views, ["bicubic-x2"], 2, Session(), limit=5)
    uncapped, capped, paper = report.tables
    assert [row[:3] for row in uncapped.rows] == [
        [name, category, 1]
        for name in (ORIGINAL, "bicubic-x2", LOW)
        for category in ("moved", "foreign")
    ]
    of = {(row[0], row[1]): [cell.mean for cell in row[3:]] for row in uncapped.rows}
    keypoints, matches, verified = of[ORIGINAL, "moved"]
    assert keypoints > matches > 50
    assert verified > 0.9 * matches
    assert of[LOW, "moved"][1] < matches
    # Two images of nothing in common.
    assert of[ORIGINAL, "foreign"][1] < 0.1 * matches
    assert max(row[3].mean for row in capped.rows) <= 1000
    # These images have no thousand keypoints, so the budget changes nothing.
    assert keypoints < 1000
    assert [row[4].mean for row in capped.rows] == [row[4].mean for row in uncapped.rows]
    assert len(paper.rows) == 7
    assert any("1 with a known homography" in n and "0 with a known" in n for n in report.notes)
    assert report.settings["limit"] == 5


def test_the_budget_of_the_second_table(tmp_path: Path) -> None:
    astronaut = Image.fromarray(photographs.astronaut())
    astronaut.save(tmp_path / "a.png")
    astronaut.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "b.png")
    uncapped, capped, _ = run(tmp_path, ["dog"], 2, Session()).tables
    assert uncapped.rows[0][3].mean > 1000
    assert capped.rows[0][3].mean == 1000
    assert capped.rows[0][4].mean < uncapped.rows[0][4].mean


def test_intervals_draw_whole_groups(views: Path) -> None:
    """Three pairs of one query are no evidence about other queries."""
    write(views / "pairs.txt", "a.png b.png x", "a.png c.png x", "a.png a.png x")
    matches = run(views, ["dog"], 2, Session()).tables[0].rows[0][4]
    assert matches.n == 3
    assert np.isnan([matches.low, matches.high]).all(), "one query"


def test_what_cannot_be_read_is_skipped_and_named(views: Path) -> None:
    write(views / "broken.png", "no image")
    Image.fromarray(np.zeros((3, 50), np.uint8)).save(views / "thin.png")
    write(views / "bad.txt", "1 2 3")
    np.savetxt(views / "inverse.txt", np.linalg.inv(SHIFT))
    write(
        views / "pairs.txt",
        "a.png b.png x shift.txt",
        "a.png broken.png x",
        "thin.png b.png x",
        "a.png b.png x bad.txt",
        "b.png a.png x shift.txt",
    )
    report = run(views, ["dog"], 4, Session())
    assert report.tables[0].rows[0][2] == 1
    folder = views.name
    assert {
        f"{folder}/broken.png", f"{folder}/thin.png", f"{folder}/bad.txt", "b.png: b - a",
    } == set(report.skipped)  # fmt: skip
    assert "50 x 3 pixels" in report.skipped[f"{folder}/thin.png"]
    assert "map the first" in report.skipped["b.png: b - a"]
    write(views / "pairs.txt", "a.png broken.png x")
    with pytest.raises(InputError, match=r"no pair could be used: .*broken\.png"):
        run(views, ["dog"], 2, Session())


class Fragile(Bicubic):
    """Raises at its second image."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(2)
        self.error: BaseException | None = error
        self.calls = 0

    def build(self, image, params):
        self.calls += 1
        if self.calls == 2 and self.error is not None:
            error, self.error = self.error, None
            raise error
        return super().build(image, params)


def test_a_provider_that_raises_has_a_row_that_says_so(
    views: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = Fragile(RuntimeError("out of luck"))
    monkeypatch.setitem(registry._registered, "fragile-x2", lambda: broken)
    report = run(views, ["fragile-x2", "nowhere-x2", "bicubic-x2"], 2, Session(), limit=2)
    for table in report.tables[:2]:
        rows = {row[0]: row for row in table.rows}
        assert rows["fragile-x2"][1] == "failed: RuntimeError: out of luck"
        assert rows["nowhere-x2"][1].startswith("failed: UnknownProviderError")
        assert rows["bicubic-x2"][4].mean > 0
    assert broken.calls == 2
    assert set(report.failed) == {"fragile-x2", "nowhere-x2"}


def test_an_interrupted_run_goes_on_where_it_stopped(
    views: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def computed(store: Store) -> int:
        run(views, ["fragile-x2"], 2, Session(store))
        return store.computed

    fragile = Fragile(KeyboardInterrupt())
    monkeypatch.setitem(registry._registered, "fragile-x2", lambda: fragile)
    write(views / "pairs.txt", "a.png b.png", "a.png c.png")
    first = Store(tmp_path / "cache")
    with pytest.raises(KeyboardInterrupt):
        computed(first)
    second = computed(Store(tmp_path / "cache"))
    whole = computed(Store(tmp_path / "other"))
    assert first.computed > 0
    assert first.computed + second == whole
    # Three features of each system, and two pairs.
    assert whole == 3 * (3 + 2)
    assert computed(Store(tmp_path / "cache")) == 0


def test_features_of_a_shared_image_are_computed_once_without_a_cache(views: Path) -> None:
    files = [PairFiles("x", "a", views / "a.png", views / f"{name}.png") for name in "bc"]
    calls = []

    def extract(image: NDArray[np.uint8], budget: int) -> Features:
        calls.append(image.shape)
        return siftcore.extract(image, max_keypoints=budget)

    session = Session()
    matcher = PairMatcher(session, (100,))
    system = System("x", Extractor("x", extract, {}), 2)
    for _, pair in read_image_pairs(files, 2, session):
        assert isinstance(pair, ImagePair)
        assert len(matcher.counts(system, pair)) == 1
    assert calls == [(80, 96)] * 3


def test_providers_by_default() -> None:
    found = default_providers(2)
    assert "bicubic-x2" in found
    assert "dog" not in found
    assert all("-x2" in name for name in found)
    assert set(found) <= set(siftcore.list_providers(available_only=True))


def test_what_the_paper_reports() -> None:
    reported = paper_matches(2)
    assert len(reported) == 7
    assert reported["CDVS/buildings"]["method2"] == 130.4
    assert paper_matches(4)["Oxford"]["bicubic"] == 89.9
    assert paper_matches(3) == {}


# Small copies


def test_small_copies_keep_the_geometry(views: Path, tmp_path: Path) -> None:
    write(views / "pairs.txt", "a.png b.png 'two words' shift.txt", "a.png c.png y")
    out = copy_pairs(views, tmp_path / "small", 2, 144, Session())
    moved, plain = find_pairs(out, Session())
    assert (moved.category, plain.category) == ("two words", "y")
    assert plain.homography is None
    with Image.open(moved.a) as image:
        assert image.size == (144, 120)
    # The centre of the pixel (24, 16) of a is that of (0, 0) of b.
    homography = np.loadtxt(moved.homography)
    corner = homography @ [24.5 * 0.75 - 0.5, 16.5 * 0.75 - 0.5, 1]
    np.testing.assert_allclose(corner[:2] / corner[2], 0.5 * 0.75 - 0.5, atol=1e-9)
    verified = run(out, ["dog"], 2, Session()).tables[0].rows[0]
    assert verified[5].mean > 0.9 * verified[4].mean > 10


def test_small_copies_of_images(views: Path, tmp_path: Path) -> None:
    session = Session()
    write(views / "broken.png", "no image")
    out = copy_images(views, tmp_path / "small", 4, 96, session)
    assert [siftcore.load_image(path).shape for path in out.iterdir()] == [(80, 96)] * 3
    assert f"{views.name}/broken.png" in session.skipped
    large = copy_images(views, tmp_path / "large", 1, 1000, Session())
    first, same = (siftcore.load_image(path) for path in (views / "a.png", large / "000.png"))
    np.testing.assert_array_equal(first, same)
    only = touch(tmp_path / "only", "x.png")
    with pytest.raises(InputError, match="no image could be used"):
        copy_images(only, tmp_path / "none", 1, 96, Session())
