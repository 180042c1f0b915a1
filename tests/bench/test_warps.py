"""Warps of photographs: the views are what their homographies say, and the scores follow."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from skimage import data

from bench.intervals import Estimate
from bench.metrics.homographies import transfer
from bench.pairs import ImagePair
from bench.pairs.synthetic_warps import read_pairs, render
from bench.pairs.warp_kinds import KINDS
from bench.session import Session
from bench.store import Store
from bench.warps import COLUMNS, run
from dognets.errors import DataError
from siftcore import InputError
from siftcore.errors import ParameterError

SIZE = (160, 120)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    Image.fromarray(data.camera()[60:300, 100:380]).save(folder / "man.png")
    Image.fromarray(data.astronaut()[:200, 100:370]).save(folder / "astronaut.png")
    return folder


def pairs_of(folder: Path, seed: int = 0, count: int = 1) -> dict[tuple[str, str], ImagePair]:
    session = Session(seed=seed)
    return {(p.group, p.name): p for p in read_pairs(folder, session, count, SIZE)}


def correlation(pair: ImagePair) -> tuple[float, int]:
    """Of image a with image b brought back onto it, away from edges; and the pixels compared."""
    assert pair.homography is not None
    height, width = pair.a.shape
    y, x = np.mgrid[:height, :width]
    moved = transfer(pair.homography, np.c_[x.ravel(), y.ravel()])
    inside = ((moved > 2) & (moved < (width - 3, height - 3))).all(axis=1)
    blurred = [ndimage.gaussian_filter(v.astype(float), 2) for v in (pair.a, pair.b)]
    back = ndimage.map_coordinates(blurred[1], moved[inside, ::-1].T, order=1)
    return float(np.corrcoef(blurred[0].ravel()[inside], back)[0, 1]), int(inside.sum())


def test_views_are_where_the_homography_says(photos: Path) -> None:
    pairs = pairs_of(photos, count=2)
    assert len(pairs) == 2 * len(KINDS)
    for (_, kind), pair in pairs.items():
        assert pair.a.shape == pair.b.shape == (SIZE[1], SIZE[0])
        agreement, n = correlation(pair)
        assert agreement > (0.9 if kind in ("illumination", "all") else 0.97), (kind, agreement)
        assert n > 2500


def test_a_wrong_homography_would_show(photos: Path) -> None:
    pair = next(pair for (_, kind), pair in pairs_of(photos).items() if kind == "rotation")
    assert pair.homography is not None
    shift = np.array([[1.0, 0, 8], [0, 1, 0], [0, 0, 1]])
    wrong = ImagePair(pair.group, pair.name, pair.a, pair.b, shift @ pair.homography)
    assert correlation(wrong)[0] < correlation(pair)[0] - 0.05


def test_the_same_grid_gives_the_photograph() -> None:
    photograph = data.camera()[:90, :120].astype(np.float32) / 255
    found = render(photograph, np.eye(3), (120, 90))
    np.testing.assert_allclose(found, 255 * photograph, atol=0.01)
    shifted = np.array([[1.0, 0, 7], [0, 1, 3], [0, 0, 1]])
    found = render(photograph, shifted, (100, 80))
    np.testing.assert_allclose(found, 255 * photograph[3:83, 7:107], atol=0.01)


def test_detail_that_a_view_cannot_show_is_gone() -> None:
    stripes = np.tile(np.float32([0, 1]), (240, 160))
    third = np.array([[3.0, 0, 1], [0, 3, 1], [0, 0, 1]])
    found = render(stripes, third, (100, 75))[5:-5, 5:-5]
    assert found.std() < 8
    assert found.mean() == pytest.approx(127.5, abs=2)


def sharpness(view: NDArray[np.uint8]) -> float:
    return float(np.abs(ndimage.laplace(view.astype(float))).mean())


def test_what_spoils_a_view_shows(photos: Path) -> None:
    pairs = {kind: pair for (_, kind), pair in pairs_of(photos).items()}
    assert sharpness(pairs["blur"].b) < 0.6 * sharpness(pairs["blur"].a)
    assert sharpness(pairs["noise"].b) > 1.3 * sharpness(pairs["noise"].a)
    assert pairs["illumination"].b.mean() < 0.98 * pairs["illumination"].a.mean()
    blocks = np.abs(np.diff(pairs["jpeg"].b.astype(float), axis=1)).mean(axis=0)
    assert blocks[7::8].mean() > 1.1 * np.delete(blocks, np.s_[7::8]).mean()


def test_views_depend_on_seed_and_photograph_alone(photos: Path) -> None:
    once, again = pairs_of(photos, count=2), pairs_of(photos, count=2)
    other = pairs_of(photos, seed=1, count=2)
    for key, pair in once.items():
        np.testing.assert_array_equal(pair.b, again[key].b)
        assert (pair.homography != other[key].homography).any()
    first, second = ({n: p for (g, n), p in once.items() if g == group} for group in
                     sorted({group for group, _ in once}))  # fmt: skip
    assert all((first[kind].homography != second[kind].homography).any() for kind in KINDS)
    (photos / "astronaut.png").unlink()
    alone = pairs_of(photos)
    np.testing.assert_array_equal(alone["man.png", "all"].b, once["man.png", "all"].b)


def test_no_view_is_closer_than_the_photograph_has_detail(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for k in range(4):
        noise = rng.integers(0, 256, (SIZE[1], SIZE[0]), np.uint8)
        Image.fromarray(noise).save(tmp_path / f"{k}.png")
    for (_, kind), pair in pairs_of(tmp_path, count=4).items():
        assert pair.homography is not None
        if kind == "scale":
            assert np.linalg.det(pair.homography) <= 1.2**-2


def test_photographs_that_cannot_be_used(photos: Path, tmp_path: Path) -> None:
    (photos / "broken.png").write_bytes(b"nothing")
    Image.fromarray(data.camera()[:100, :300]).save(photos / "low.png")
    session = Session()
    groups = {pair.group for pair in read_pairs(photos, session, 10, SIZE)}
    assert groups == {"man.png", "astronaut.png"}
    assert set(session.skipped) == {"photos/broken.png", "photos/low.png"}
    assert "300 x 100 is smaller than a view, 160 x 120" in session.skipped["photos/low.png"]
    with pytest.raises(InputError, match="no photograph could be used"):
        next(read_pairs(photos, Session(), 10, (4000, 3000)))
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(DataError, match="no image"):
        next(read_pairs(empty, Session(), 1, SIZE))
    with pytest.raises(ParameterError, match="at least"):
        run(photos, ["dog"], Session(), count=0)


def test_photographs_that_scikit_image_ships() -> None:
    pairs = list(read_pairs(None, Session(), 1, SIZE))
    assert {pair.group for pair in pairs} == {"astronaut"}
    assert [pair.name for pair in pairs] == list(KINDS)


def test_run(photos: Path, tmp_path: Path) -> None:
    session = Session(Store(tmp_path / "cache"))
    report = run(photos, ["dog", "absent", "dog#largest"], session, 200, 1, SIZE)
    assert [table.title for table in report.tables] == [
        "The 200 strongest keypoints",
        "The 200 largest keypoints",
        "All keypoints",
        "The 200 strongest keypoints, by kind",
        "The 200 largest keypoints, by kind",
    ]
    names = [[row[0] for row in table.rows] for table in report.tables[:3]]
    assert names == [["dog", "absent"], ["dog#largest"], ["dog", "absent"]]
    assert "unknown provider" in report.tables[0].rows[1][1]
    kinds = {row[1]: dict(zip(COLUMNS, row[2:], strict=True)) for row in report.tables[4].rows}
    assert list(kinds) == list(KINDS)
    for kind in ("rotation", "illumination", "perspective"):
        accuracy, repeated = kinds[kind]["MMA@3"], kinds[kind]["repeatability, 3 px"]
        assert isinstance(accuracy, Estimate)
        assert isinstance(repeated, Estimate)
        assert accuracy.mean > 0.85
        assert repeated.mean > 0.5
    hardest = kinds["all"]["repeatability, 3 px"]
    assert isinstance(hardest, Estimate)
    assert hardest.mean < kinds["rotation"]["repeatability, 3 px"].mean
    # The mean of the kinds is the mean of the pairs.
    means = [kinds[kind]["matching score"].mean for kind in KINDS]
    assert report.tables[1].rows[0][4].mean == pytest.approx(np.mean(means))

    again = Session(Store(tmp_path / "cache"))
    run(photos, ["dog"], again, 200, 1, SIZE)
    assert again.store.found > 0
