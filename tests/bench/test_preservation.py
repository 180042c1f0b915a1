"""The preservation benchmark on scenes with a known answer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from skimage import data

import siftcore
from bench.degradations import DEGRADATIONS, degrade
from bench.extractors import make_extractors, top_features
from bench.metrics.homographies import (
    auc,
    corner_error,
    estimated_corner_error,
    is_plausible,
    match_errors,
    transfer,
)
from bench.metrics.recall import recalled
from bench.photographs import reduced
from bench.preservation import on_high_grid, run
from bench.session import Session
from bench.store import Store
from siftcore import InputError, ParameterError, ProviderError
from siftcore.scalespace import registry
from siftcore.types import Features

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "pairs" / "oxford_affine"
H = np.array([[0.95, 0.08, 12.0], [-0.06, 1.02, 5.0], [1e-4, -5e-5, 1.0]])


def write_scene(
    folder: Path, homography: NDArray[np.float64], other: NDArray[np.uint8] | None = None
) -> Path:
    """Image 1, and five times `other` or the same; only `homography` may be false."""
    scene = folder / "scene"
    scene.mkdir(parents=True)
    image = data.camera()[100:260, 160:352]
    for k in range(1, 7):
        shown = image if k == 1 or other is None else other
        Image.fromarray(shown).save(scene / f"img{k}.png")
        if k > 1:
            np.savetxt(scene / f"H1to{k}p", homography)
    return folder


def rows_of(folder: Path, session: Session | None = None, **options) -> dict[str, list]:
    options = {"providers": ["dog", "bicubic-x2"], "scale": 2, "budgets": [150]} | options
    report = run(folder, session=session or Session(), **options)
    return {row[0]: [getattr(c, "mean", c) for c in row[1:]] for row in report.tables[0].rows}


def points(xy: list[tuple[float, float]], sigma: list[float]) -> Features:
    n = len(xy)
    return Features(
        xy=np.array(xy, np.float32).reshape(n, 2),
        sigma=np.array(sigma, np.float32),
        angle=np.zeros(n),
        response=np.zeros(n),
        octave=np.zeros(n),
        level=np.zeros(n),
        descriptors=np.zeros((n, 128)),
        image_size=(100, 50),
        provider="made up",
    )


def test_the_same_image_comes_back_whole(tmp_path: Path) -> None:
    rows = rows_of(write_scene(tmp_path, np.eye(3)))
    recall, false, correct, precision, *areas = rows["high resolution"]
    assert (recall, false, precision) == (1.0, 0.0, 1.0)
    assert correct > 100
    assert min(areas) > 0.99
    # Enlarging brings back what the reduced image as it is does not have.
    assert rows["dog"][0] < rows["bicubic-x2"][0] < 1.0
    assert rows["dog"][2] < rows["bicubic-x2"][2] < correct


def test_an_unrelated_image_gives_nothing(tmp_path: Path) -> None:
    rows = rows_of(write_scene(tmp_path, np.eye(3), data.coins()[20:180, 30:222]))
    _, _, correct, _, *areas = rows["high resolution"]
    assert correct < 3
    assert max(areas) < 0.1
    camera, coins = (
        siftcore.extract(i, max_keypoints=150)
        for i in (data.camera()[100:260, 160:352], data.coins()[20:180, 30:222])
    )
    assert recalled(camera, coins).mean() < 0.1


def test_a_homography_the_wrong_way_round_is_noticed(tmp_path: Path) -> None:
    from skimage.transform import ProjectiveTransform, warp

    image = data.camera()[100:260, 160:352]
    moved = warp(image, ProjectiveTransform(np.linalg.inv(H)), preserve_range=True)
    moved = np.rint(moved).astype(np.uint8)
    right, wrong = Session(), Session()
    assert rows_of(write_scene(tmp_path / "right", H, moved), right)["high resolution"][2] > 20
    assert not right.skipped
    with pytest.raises(InputError, match="must map the first image to the second"):
        rows_of(write_scene(tmp_path / "wrong", np.linalg.inv(H), moved), wrong)
    assert list(wrong.skipped) == [f"scene/1-{k}" for k in range(2, 7)]


def test_a_false_homography_confirms_nothing(tmp_path: Path) -> None:
    shifted = np.array([[1.0, 0, 12], [0, 1, 0], [0, 0, 1]])
    recall, _, correct, precision, *areas = rows_of(write_scene(tmp_path, shifted))[
        "high resolution"
    ]
    assert recall == 1.0
    assert correct <= 2
    assert precision < 0.05
    assert max(areas[:3]) < 0.05


def test_recall_asks_for_place_and_scale() -> None:
    wanted = points([(10, 10), (50, 20), (90, 30)], [2, 2, 2])
    found = points([(11, 11), (50, 21.6), (90, 30)], [2.4, 2, 2.5])
    assert recalled(wanted, found).tolist() == [True, False, False]
    assert recalled(found, wanted).tolist() == [True, False, False]
    assert not recalled(wanted, points([], [])).any()
    assert len(recalled(points([], []), wanted)) == 0


def test_positions_of_the_reduced_image_on_the_original() -> None:
    moved = on_high_grid(points([(0, 0), (9.5, 4.5)], [1, 2]), 4)
    # The first pixel covers 0 to 3: its centre is 1.5.
    np.testing.assert_allclose(moved.xy, [(1.5, 1.5), (39.5, 19.5)])
    assert moved.sigma.tolist() == [4, 8]
    assert moved.image_size == (400, 200)


def test_errors_against_a_homography() -> None:
    xy = np.array([(0.0, 0.0), (10.0, 20.0)])
    expected = np.c_[xy, [1, 1]] @ H.T
    np.testing.assert_allclose(transfer(H, xy), expected[:, :2] / expected[:, 2:])
    assert np.isinf(transfer(np.diag([1.0, 1.0, -1.0]), xy)).all()
    shift = np.array([[1.0, 0, 3], [0, 1, 4], [0, 0, 1]])
    assert corner_error(shift, np.eye(3), (100, 50)) == pytest.approx(5.0)
    assert corner_error(None, np.eye(3), (100, 50)) == np.inf
    a = siftcore.extract(data.camera()[100:260, 160:352], max_keypoints=100)
    same = siftcore.match_features(a, a)
    np.testing.assert_allclose(match_errors(a, a, same, shift), 5.0, rtol=1e-5)
    assert estimated_corner_error(a, a, same, np.eye(3)) < 1e-3
    assert estimated_corner_error(a, a, same, shift) == pytest.approx(5.0, abs=1e-3)
    assert is_plausible(np.eye(3), a, a, same)


def test_area_under_the_recall_curve() -> None:
    # The curve steps to 1/2 at 1, to 1 never: area up to 4 is 3/4 of 1/2.
    np.testing.assert_allclose(auc([1.0, np.inf], [4.0]), 0.375)
    np.testing.assert_allclose(auc([0.0, 0.0], [1.0, 5.0]), 1.0)
    assert np.isnan(auc([], [1.0])).all()
    # Against the integral itself.
    errors = np.random.default_rng(0).exponential(3.0, 50)
    t = np.linspace(0, 5, 20001)
    recall = (errors[:, None] <= t).mean(axis=0)
    assert auc(errors, [5.0])[0] == pytest.approx(recall.mean(), abs=1e-3)


@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("kind", DEGRADATIONS)
def test_degradations(kind: str, scale: int) -> None:
    image = data.camera()[:201, :303]
    low = degrade(image, kind, scale)
    assert low.shape == (201 // scale, 303 // scale)
    assert low.dtype == np.uint8
    clean = reduced(image, scale)
    away = np.sqrt(np.mean((low.astype(float) - clean) ** 2))
    if kind == "clean":
        assert away == 0
    else:
        assert 1.0 < away < (90.0 if kind == "lowlight" else 25.0)
    np.testing.assert_array_equal(degrade(image, kind, scale), low)
    if kind.startswith("noise"):
        middle = (clean > 60) & (clean < 195)
        spread = (low.astype(float) - clean)[middle].std()
        assert spread == pytest.approx(float(kind[5:]), rel=0.05)
        assert (degrade(image, kind, scale, seed=1) != low).any()
    if kind in ("defocus", "motion"):
        # Blur keeps the mean and takes from the gradients.
        assert low.mean() == pytest.approx(clean.mean(), abs=0.5)
        assert np.abs(np.diff(low.astype(float))).sum() < np.abs(np.diff(clean.astype(float))).sum()


def test_an_unknown_degradation_is_an_error() -> None:
    with pytest.raises(ParameterError, match="jpeg60"):
        degrade(data.camera(), "fog", 2)


def test_bad_folders(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no folder"):
        rows_of(tmp_path / "missing")
    with pytest.raises(InputError, match="H1to2p"):
        rows_of(tmp_path)
    scene = write_scene(tmp_path / "data", np.eye(3)) / "scene"
    (scene / "img3.png").write_bytes(b"no image")
    (scene / "H1to4p").write_text("1 2 3")
    (scene / "img5.png").unlink()
    session = Session()
    assert rows_of(tmp_path / "data", session)["high resolution"][0] == 1.0
    assert list(session.skipped) == ["scene/img3.png", "scene/H1to4p", "scene/img5.ppm"]
    (scene / "img5.png").write_bytes((scene / "img6.png").read_bytes())
    Image.fromarray(np.zeros((1, 1), np.uint8)).save(scene / "img6.png")
    session = Session()
    assert rows_of(tmp_path / "data", session)["high resolution"][0] == 1.0
    assert session.skipped["scene/img6.png"].endswith("1 x 1 pixels are too few to reduce by 2")
    (scene / "img1.png").write_bytes(b"")
    with pytest.raises(InputError, match=r"img1\.png"):
        rows_of(tmp_path / "data")


class Failing:
    """Raises from the third image on."""

    name = "failing-x2"

    def __init__(self) -> None:
        self.calls = 0

    def build(self, image, params):
        self.calls += 1
        if self.calls > 2:
            raise RuntimeError("no more")
        return siftcore.get_provider("bicubic-x2").build(image, params)


def test_a_provider_that_raises_in_mid_run(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(registry._registered, "failing-x2", Failing)
    scene = write_scene(tmp_path, np.eye(3)) / "scene"
    for k in range(2, 7):
        Image.fromarray(np.roll(data.camera()[100:260, 160:352], k, axis=1)).save(
            scene / f"img{k}.png"
        )
    report = run(tmp_path, ["failing-x2", "bicubic-x2"], 2, Session(), budgets=[50])
    rows = {row[0]: row[1:] for row in report.tables[0].rows}
    assert rows["failing-x2"][0] == "failed: RuntimeError: no more"
    assert rows["bicubic-x2"][0].n == 5
    assert report.failed == {"failing-x2": "RuntimeError: no more"}
    with pytest.raises(ProviderError, match="unknown provider 'nobody'"):
        run(tmp_path, ["bicubic-x2"], 2, Session(), reference="nobody")


def test_an_interrupted_run_resumes(tmp_path: Path, monkeypatch) -> None:
    write_scene(tmp_path / "data", np.eye(3), data.camera()[104:264, 164:356])
    first = Session(Store(tmp_path / "cache"))
    usual, calls = siftcore.extract, []

    def interrupted(*args, **options):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return usual(*args, **options)

    monkeypatch.setattr(siftcore, "extract", interrupted)
    with pytest.raises(KeyboardInterrupt):
        rows_of(tmp_path / "data", first)
    second = Session(Store(tmp_path / "cache"))
    resumed = rows_of(tmp_path / "data", second)
    # Two originals; the reduced one by two providers; images 2 to 6 are the same.
    assert (first.store.computed, second.store.computed) == (2, 2)
    assert resumed == rows_of(tmp_path / "data")


def test_budgets_are_prefixes(tmp_path: Path) -> None:
    session = Session(Store(tmp_path))
    image = data.camera()[100:260, 160:352]
    dog = make_extractors(["dog"], session)["dog"]
    found = top_features(session, dog, image, [100, 20])
    assert {n: len(f) for n, f in found.items()} == {20: 20, 100: 100}
    alone = siftcore.extract(image, max_keypoints=20)
    np.testing.assert_array_equal(found[20].xy, alone.xy)
    np.testing.assert_array_equal(found[20].descriptors, alone.descriptors)
    again = top_features(session, dog, image, [100, 20])
    assert session.store.computed == 1
    np.testing.assert_array_equal(again[100].descriptors, found[100].descriptors)


MEASURED = {
    2: {"opencv": (0.338, 95, 0.695), "opencv@bicubic-x2": (0.626, 168, 0.766)},
    4: {"opencv": (0.126, 34, 0.494), "opencv@bicubic-x4": (0.292, 80, 0.656)},
}


@pytest.mark.parametrize("scale", [2, 4])
def test_measured_rows_through_opencv(scale: int) -> None:
    """Figures of the protocol from elsewhere, with OpenCV as the extractor."""
    pytest.importorskip("cv2", reason="needs opencv-python-headless (extra bench)")
    if not SHARED.is_dir():
        pytest.skip("needs ../shared/data/pairs/oxford_affine, which is not part of the repository")
    expected = {"high resolution": (1.0, 211, 0.775)} | MEASURED[scale]
    names = list(MEASURED[scale])
    report = run(SHARED, names, scale, Session(), budgets=[1000], reference="opencv")
    rows = {row[0]: [c.mean for c in row[1:]] for row in report.tables[0].rows}
    for name, (recall, correct, precision) in expected.items():
        assert rows[name][0] == pytest.approx(recall, rel=0.05), name
        assert rows[name][2] == pytest.approx(correct, rel=0.05), name
        assert rows[name][3] == pytest.approx(precision, rel=0.05), name
