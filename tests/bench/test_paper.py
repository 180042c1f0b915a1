"""The paper's tables, filled from images of this test's making."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from bench.intervals import Estimate
from bench.paper import PaperData, run
from bench.report import Report
from bench.session import Session
from bench.store import Store
from siftcore import InputError
from siftcore.scalespace import registry
from siftcore.scalespace.superres import Bicubic

FAMILIES = ("srcnn", "srgan", "edsr", "method1", "method2", "vdsr", "method3")


class Interrupting(Bicubic):
    """Raises `error` once, at its call number `at`."""

    def __init__(self, error: BaseException, at: int) -> None:
        super().__init__(2)
        self.error = error
        self.left = at

    def build(self, image: Any, params: Any) -> Any:
        self.left -= 1
        if self.left == 0:
            raise self.error
        return super().build(image, params)


@pytest.fixture
def register(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Every network of the paper answers as bicubic does, unless a test says otherwise."""

    def put(family: str, make: Callable[[], Any] = lambda: Bicubic(2), **about: Any) -> None:
        def factory() -> Any:
            return make()

        for name, value in about.items():
            setattr(factory, name, value)
        monkeypatch.setitem(registry._registered, f"{family}-x2", factory)

    for family in FAMILIES:
        put(family)
    return put


@pytest.fixture
def images(tmp_path: Path, camera: NDArray[np.uint8]) -> PaperData:
    """Four views of one scene, so six pairs."""
    folder = tmp_path / "views"
    folder.mkdir()
    for k in range(4):
        Image.fromarray(camera[100 + 6 * k : 196 + 6 * k, 180:292]).save(folder / f"{k}.png")
    return PaperData(folder, folder, folder)


def rows(report: Report, title: str, keys: int = 1) -> dict[Any, dict[str, Any]]:
    table = next(table for table in report.tables if table.title.startswith(title))
    return {
        row[0] if keys == 1 else tuple(row[:keys]): dict(zip(table.columns, row, strict=True))
        for row in table.rows
    }


def test_the_paper_and_ours_stand_side_by_side(
    images: PaperData, register: Callable[..., None]
) -> None:
    register("srcnn", absent=lambda: "weights of its own")
    register("vdsr", requires=("no_such_package",))
    broken = Interrupting(RuntimeError("out of luck"), 1)
    register("edsr", lambda: broken)
    report = run(images, Session(), quick=True, scales=(2,))

    spectra = rows(report, "Table 2")
    assert list(spectra) == ["original", "D1", "D2", "D3", "D4"]
    assert spectra["D4"]["Paris, as the paper reports it"] == 38.55
    here = {image: list(row.values())[1].mean for image, row in spectra.items()}
    assert max(here, key=here.get) == "original"
    assert any("Figure 5" in table.title for table in report.tables)

    gains = rows(report, "Tables 3 to 5", keys=2)
    assert len(gains) == len(FAMILIES) * 4
    assert gains["method2", "D1"]["the paper (CDVS)"] == 3.1
    assert gains["method2", "D4"]["the paper (Oxford)"] == 2.75
    assert gains["method3", "D1"]["the paper (CDVS)"] is None
    # It is bicubic under another name.
    assert gains["method1", "D2"]["here"] == Estimate(0.0, 0.0, 0.0, 3)

    matches = rows(report, "Tables 6 to 8")
    assert list(matches)[:2] == ["original", "bicubic"]
    assert matches["original"]["the paper (CDVS/buildings)"] == 125.8
    assert matches["VDSR"]["the paper (Paris)"] is None
    assert matches["method1"]["here (views)"] == matches["bicubic"]["here (views)"]
    raw, verified = (matches["original"][f"here (views){what}"] for what in ("", ", verified"))
    assert raw.n == 4
    assert raw.mean >= verified.mean > 10

    for table, key in ((gains, ("SRCNN", "D1")), (matches, "SRCNN")):
        assert list(table[key].values())[-1] == "no weights"
    assert matches["VDSR"]["here (views)"] == "needs no_such_package"
    assert matches["EDSR"]["here (views)"] == "failed: RuntimeError: out of luck"
    assert set(report.failed) == {"edsr-x2"}
    assert report.notes[0].startswith("Quick: 3 images and 4 pairs")
    assert report.as_dict()
    assert "| method3 | D4 |" in report.markdown()


def test_the_full_run_takes_all_images_and_pairs(
    images: PaperData, register: Callable[..., None]
) -> None:
    report = run(images, Session(), quick=False, scales=(2,))
    assert list(rows(report, "Table 2")["D1"].values())[1].n == 4
    assert rows(report, "Tables 3 to 5", keys=2)["VDSR", "D1"]["here"].n == 4
    assert rows(report, "Tables 6 to 8")["VDSR"]["here (views)"].n == 6
    assert not any(note.startswith("Quick") for note in report.notes)


def test_an_interrupted_run_goes_on_where_it_stopped(
    images: PaperData, register: Callable[..., None], tmp_path: Path
) -> None:
    def computed(store: Store) -> int:
        run(images, Session(store), quick=True, scales=(2,))
        return store.computed

    # Fewer systems are enough here.
    for family in ("srcnn", "edsr", "method1", "vdsr", "method3"):
        register(family, absent=lambda: "weights")
    whole = computed(Store(tmp_path / "whole"))
    # After three images of Tables 3 to 5, in the second of Tables 6 to 8.
    fragile = Interrupting(KeyboardInterrupt(), 5)
    register("method2", lambda: fragile)
    first = Store(tmp_path / "cache")
    with pytest.raises(KeyboardInterrupt):
        computed(first)
    assert 0 < first.computed < whole
    assert first.computed + computed(Store(tmp_path / "cache")) == whole
    assert computed(Store(tmp_path / "cache")) == 0


def test_a_missing_folder_is_an_error(images: PaperData, tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    for quick in (True, False):
        with pytest.raises(InputError, match=r"no folder .*nowhere' for Tables 6 to 8"):
            run(PaperData(images.psnr, nowhere, images.psnr), Session(), quick, scales=(2,))
