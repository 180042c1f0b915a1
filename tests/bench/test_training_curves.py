"""The picture of validation curves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("matplotlib")

from bench.training_curves import draw, read_curves
from siftcore import InputError
from tests.bench.folders import write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    head = "step,psnr_D1,gain_D1"
    write(tmp_path / "method3-x2.csv", head, "1000,39.9,5.9", "2000,40.1,6.2")
    write(tmp_path / "method3-x4-real.csv", head, "1000,30.1,1.2")
    write(tmp_path / "method2-x4-half.csv", head, "500,20,-9.5", "900,27,1.5")
    return tmp_path


def test_curves_are_read(folder: Path) -> None:
    curves = read_curves(folder)
    assert list(curves) == ["method2-x4-half", "method3-x2", "method3-x4-real"]
    np.testing.assert_array_equal(curves["method3-x2"], [[1000, 2000], [5.9, 6.2]])
    np.testing.assert_array_equal(curves["method3-x4-real"], [[1000], [1.2]])


def test_the_picture_has_a_panel_for_each_task(folder: Path, tmp_path: Path) -> None:
    draw(folder, tmp_path / "all.png")
    with Image.open(tmp_path / "all.png") as picture:
        three = np.array(picture.convert("L"))
    (folder / "method3-x4-real.csv").unlink()
    draw(folder, tmp_path / "two.png")
    with Image.open(tmp_path / "two.png") as picture:
        two = np.array(picture.convert("L"))
    assert three.shape[0] == two.shape[0]
    assert three.shape[1] == pytest.approx(1.5 * two.shape[1], abs=2)
    assert two.min() < 100, "something is drawn"


def test_the_same_curves_give_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    written = []
    for name in ("a.png", "b.png"):
        draw(folder, tmp_path / name)
        written.append((tmp_path / name).read_bytes())
    assert written[0] == written[1]


BAD = [
    ("step,loss\n1,2\n", "needs the columns step and gain_D1"),
    ("", "is no validation.csv"),
    ("step,gain_D1\n100,fast\n", "no numbers"),
]


@pytest.mark.filterwarnings("ignore:genfromtxt")
@pytest.mark.parametrize(("text", "message"), BAD)
def test_what_is_no_curve_is_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "run.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        read_curves(tmp_path)


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no curve"):
        read_curves(tmp_path)
