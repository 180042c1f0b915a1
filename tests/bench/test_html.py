"""The report page: complete, self-contained, and safe whatever names its results hold."""

from __future__ import annotations

import base64
import hashlib
import io
import itertools
import json
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from skimage import data

from bench.html import build
from bench.html.dog_pictures import dog_pictures
from bench.html.match_pictures import match_pictures
from bench.html.pictures import make_pictures
from bench.html.plots import make_plots
from bench.html.results import family, number, readable_results
from bench.html.selection import preservation_tables
from bench.html.summary import summary
from bench.html.tables import show_table
from bench.intervals import Estimate
from bench.pairs import ImagePair
from bench.report import Report, Table
from bench.session import Session
from siftcore import InputError, OutputError, PixelSR, SiftError
from siftcore.scalespace import registry
from tests.bench.results import write_results

_VOID = {"meta", "link", "img", "br"}
DASH, MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"
_NASTY = "<script>alert(1)</script>\"'&"


class Page(HTMLParser):
    """Tags, ids, links and text of a page; fails where tags do not close in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: dict[str, list[str]] = {}
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, text: str) -> None:
        if self.open and text.strip():
            self.text.setdefault(self.open[-1], []).append(text.strip())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One pair in the layout of the Oxford affine data set: an image and its crop."""
    folder = tmp_path_factory.mktemp("pairs")
    scene = folder / "camera"
    scene.mkdir()
    image = data.camera()
    Image.fromarray(image[100:260, 160:352]).save(scene / "img1.png")
    Image.fromarray(image[104:264, 168:360]).save(scene / "img2.png")
    np.savetxt(scene / "H1to2p", [[1, 0, -8], [0, 1, -4], [0, 0, 1]])
    return folder


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_results(tmp_path_factory.mktemp("results"))


@pytest.fixture(scope="module")
def page(results: Path, pairs: Path, tmp_path_factory: pytest.TempPathFactory) -> Page:
    out = tmp_path_factory.mktemp("page") / "report.html"
    assert build(results, out, Session(), pairs, ["bicubic-x2"]) == out
    return Page(out.read_text(encoding="utf-8"))


def test_every_part_is_there(page: Page) -> None:
    assert page.text["h2"] == [
        "Summary", "Plots", "Pictures", "preservation-x2", "preservation-x4", "psnr-x2", "psnr-x4",
        "cost", "spectrum",
    ]  # fmt: skip
    # Cost twice for each reduction but for the multiply-adds of one provider alone, AUC at two
    # thresholds, gains at two reductions, one spectrum.
    assert len(page.all("svg")) == 2 + 2 + 2 + 1
    assert len(page.all("img")) == 2 + 2
    assert len(page.all("table")) == 1 + 2 * 2 + 2 + 1 + 1
    assert len(page.all("h1")) == 1
    assert "Means of 40 pairs." in page.html
    assert "320x240" in page.html
    assert "python -m bench cost" in page.html


def test_the_page_needs_nothing_else(page: Page) -> None:
    links = [a[key] or "" for _, a in page.tags for key in ("src", "href") if key in a]
    assert links
    assert all(link.startswith(("#", "data:")) for link in links)
    assert not re.search(r"@import|url\((?!#)", page.html)
    assert set(re.findall(r"https?://[^\"]*", page.html)) == {
        "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink",
    }  # fmt: skip
    assert len(page.html) < 6_000_000


def test_ids_are_unique_and_links_lead_to_them(page: Page) -> None:
    ids = Counter(a["id"] for _, a in page.tags if "id" in a)
    assert max(ids.values()) == 1
    wanted = {link[1:] for _, a in page.tags if (link := a.get("href") or "").startswith("#")}
    wanted |= {link[1:] for a in page.all("use") if (link := a.get("xlink:href") or "")}
    wanted |= set(re.findall(r"url\(#([^)]*)\)", page.html))
    wanted |= {a["aria-labelledby"] or "" for _, a in page.tags if "aria-labelledby" in a}
    assert len(wanted) > 20
    assert wanted <= set(ids)


def test_the_policy_allows_this_script_alone(page: Page) -> None:
    (policy,) = [a["content"] for a in page.all("meta") if "http-equiv" in a]
    assert len(page.all("script")) == 1
    script = page.html.split("<script>")[1].split("</script>")[0]
    expected = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{expected}'" in str(policy)
    assert "default-src 'none'" in str(policy)


def test_accessible_markup(page: Page) -> None:
    assert all(a.get("alt") for a in page.all("img"))
    assert all(a.get("role") == "img" and a.get("aria-label") for a in page.all("svg"))
    scopes = Counter(a.get("scope") for a in page.all("th"))
    assert scopes["col"] == len(page.text["button"]) - 1
    assert set(scopes) == {"col", "row"}
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert all(later <= earlier + 1 for earlier, later in itertools.pairwise(levels))


def test_plots_follow_the_page(page: Page) -> None:
    drawings = "".join(re.findall(r"<svg.*?</svg>", page.html, re.DOTALL))
    assert "currentColor" in drawings
    assert "var(--series-1)" in drawings
    # Whatever is left of fixed colours would be lost on one of the two backgrounds.
    assert not re.search(r"#[0-9a-fA-F]{6}\b", drawings.replace("&#", ""))
    assert ">method3-x2</text>" in drawings


def test_pictures_hold_what_their_captions_say(page: Page) -> None:
    for a in page.all("img"):
        kind, _, encoded = (a["src"] or "").partition(";base64,")
        image = Image.open(io.BytesIO(base64.b64decode(encoded)))
        assert kind == f"data:image/{str(image.format).lower()}"
        assert image.size == (int(a["width"] or 0), int(a["height"] or 0))
        assert np.asarray(image).std() > 10


def test_names_and_reasons_cannot_inject_markup(tmp_path: Path, pairs: Path) -> None:
    folder = tmp_path / "results"
    folder.mkdir()
    report = Report(_NASTY, {_NASTY: _NASTY}, notes=[_NASTY])
    report.skipped[_NASTY] = report.failed[_NASTY] = _NASTY
    table = report.table(_NASTY, _NASTY, "b", "c")
    table.add(_NASTY, 1.0, 2.0)
    table.add_failed(_NASTY, _NASTY)
    report.write_json(folder / "nasty <b>.json")
    spectrum = Report("spectrum", {})
    drawn = spectrum.table(_NASTY, "cycles per pixel", _NASTY)
    drawn.add(0.1, 1.0)
    drawn.add(0.2, 2.0)
    spectrum.write_json(folder / "spectrum.json")
    (folder / "broken <i>.json").write_text("{")
    out = build(folder, tmp_path / "page.html", Session(), pairs, [f"{_NASTY}-x2"])
    page = Page(out.read_text(encoding="utf-8"))
    assert len(page.all("script")) == 1
    assert page.html.count("<script>") == 1
    assert not page.all("b")
    assert not page.all("i")
    assert page.html.count("alert(1)") > 10


def test_files_that_are_no_results_are_named(tmp_path: Path, results: Path, pairs: Path) -> None:
    folder = tmp_path / "results"
    folder.mkdir()
    (folder / "good.json").write_bytes((results / "cost.json").read_bytes())
    (folder / "cut.json").write_text('{"schema": 2,')
    (folder / "foreign.json").write_text('{"name": "left-pad"}')
    old = json.loads((results / "cost.json").read_text())
    (folder / "old.json").write_text(json.dumps(old | {"schema": 1}))
    old["tables"][0]["rows"][0].append(1.0)
    (folder / "ragged.json").write_text(json.dumps(old))
    session = Session()
    out = build(folder, tmp_path / "page.html", session, pairs, ["bicubic-x2"])
    page = Page(out.read_text(encoding="utf-8"))
    wrong = {"results/cut.json", "results/foreign.json", "results/old.json", "results/ragged.json"}
    assert set(session.skipped) == wrong
    assert wrong <= set(page.text["strong"])
    # Costs alone make no plot and no summary.
    assert page.text["h2"] == ["Left out of this page", "Pictures", "good"]


def test_nothing_to_show_is_an_error(tmp_path: Path) -> None:
    out = tmp_path / "page.html"
    with pytest.raises(InputError, match="no folder"):
        build(tmp_path / "missing", out, Session())
    with pytest.raises(InputError, match="no JSON file"):
        build(tmp_path, out, Session())
    (tmp_path / "a.json").write_text("[]")
    with pytest.raises(InputError, match=r"no result could be used: .*a\.json"):
        build(tmp_path, out, Session())
    with pytest.raises(OutputError, match="does not exist"):
        build(tmp_path, tmp_path / "nowhere" / "page.html", Session())
    assert not out.exists()


def test_photographs_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(SiftError, match="no folder"):
        make_pictures([], tmp_path / "missing", ["bicubic-x2"], Session())
    with pytest.raises(SiftError, match="no image"):
        make_pictures([], tmp_path, ["bicubic-x2"], Session())
    Image.new("L", (300, 40)).save(tmp_path / "flat.png")
    with pytest.raises(InputError, match="300 x 40 pixels"):
        make_pictures([], tmp_path, ["bicubic-x2"], Session())


def test_the_first_image_that_can_be_used(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no image")
    Image.fromarray(data.camera()[100:228, 180:340]).save(tmp_path / "b.png")
    session = Session()
    dogs, matches = make_pictures([], tmp_path, ["bicubic-x2"], session)
    assert [len(session.skipped), dogs.kind, matches.kind] == [1, "dog", "matches"]
    assert dogs.pictures[0].width == 160 - 32
    # Images alone are no pair.
    assert "motorcycle" in matches.caption


def test_the_same_results_give_the_same_page(
    tmp_path: Path, results: Path, pairs: Path, page: Page
) -> None:
    before = dict(matplotlib.rcParams)
    again = build(results, tmp_path / "again.html", Session(), pairs, ["bicubic-x2"])
    assert again.read_text(encoding="utf-8") == page.html
    assert dict(matplotlib.rcParams) == before


def test_the_tables_that_are_plotted(results: Path, page: Page) -> None:
    found = readable_results(results, Session())
    titles = [table.title for table in preservation_tables(found).values()]
    assert titles == [f"Low-resolution query, x{s}, clean, 1000 keypoints" for s in (2, 4)]
    panels = ["Reduction 2: seconds per megapixel", "AUC@3", "Enlargement x4"]
    assert set(panels) < set(page.text["figcaption"])
    only = [result for result in found if result.report.name in ("spectrum", "cost")]
    assert [group.title for group in make_plots(only)] == ["Spectra"]


def test_the_summary_names_the_best(results: Path) -> None:
    table = summary(readable_results(results, Session()))
    assert table is not None
    rows = {(row[0], row[1]): row[2:] for row in table.rows}
    best, value, bicubic, low, high = rows["Recall of high-resolution keypoints", 2]
    assert best == "method3-x2"
    assert [number(cell) for cell in (value, bicubic, low, high)] == [0.79, 0.63, 0.38, 1.0]
    # The paper's rows and rows that failed do not compete.
    assert rows["Gain in DoG PSNR over bicubic, finest level, dB", 4][0] == "method3-x4"
    assert summary([]) is None


def test_numbers_in_a_column_share_their_digits() -> None:
    table = Table("t", ["name", "share", "dB", "count", "mixed"])
    table.add("a", Estimate(0.5, 0.4, 0.6, 7), Estimate(-0.5, -1.25, 0.25, 9), 131416, 0.00012)
    table.add("b", 1.0, 12.34, None, 5432.1)
    table.add_failed("c", "ProviderError: no")
    shown = show_table(table)
    assert [numeric for _, numeric in shown.columns] == [False, True, True, True, True]
    texts = [[(cell.text, cell.interval) for cell in row] for row in shown.rows]
    assert texts[0][1:] == [
        ("0.500", f"0.400{DASH}0.600"), (f"{MINUS}0.50", f"{MINUS}1.25 to 0.25"), ("131,416", ""),
        ("0.00012", ""),
    ]  # fmt: skip
    assert texts[1][1:] == [("1.000", ""), ("12.34", ""), (DASH, ""), ("5,432", "")]
    assert [float(cell.sort) for cell in shown.rows[0][1:]] == [0.5, -0.5, 131416, 0.00012]
    assert shown.rows[1][3].sort == ""
    assert [(cell.text, cell.span) for cell in shown.rows[2]] == [
        ("c", 1), ("failed: ProviderError: no", 4),
    ]  # fmt: skip
    assert shown.note == "Small: 95 % bootstrap interval of the mean of 7 to 9 values."


def test_small_numbers_keep_their_digits() -> None:
    table = Table("t", ["measure", "value"], [["recall", 0.593], ["matches", 174.2]])
    assert [row[1].text for row in show_table(table).rows] == ["0.593", "174"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("method3-x2", "method3"), ("dog", "dog"), ("a-x4@runs/b-x2", "a@runs/b-x2")],
)
def test_families(name: str, expected: str) -> None:
    assert family(name) == expected


def test_what_is_a_number() -> None:
    nothing = Estimate(np.nan, np.nan, np.nan, 0)
    cells = [3, 0.5, Estimate(1.5, 1.0, 2.0, 3), True, None, "4", np.nan, nothing]
    assert [number(cell) for cell in cells] == [3.0, 0.5, 1.5, None, None, None, None, None]


@pytest.fixture
def photograph() -> NDArray[np.uint8]:
    return np.ascontiguousarray(data.camera()[100:260, 160:352])


def test_dog_pictures_judge_providers(
    photograph: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(image: NDArray[np.float32]) -> NDArray[np.float32]:
        raise RuntimeError("out of memory")

    truth = photograph.astype(np.float32) / 255.0
    for name, enlarge in (("oracle-x2", lambda image: truth), ("broken-x2", fail)):
        monkeypatch.setitem(registry._registered, name, lambda e=enlarge: PixelSR(e))
    session = Session()
    names = ["bicubic-x2", "broken-x2", "oracle-x2", "bicubic-x4"]
    shown = dog_pictures(photograph, names, 2, session)
    assert [picture.title for picture in shown] == ["Truth", "bicubic-x2", "oracle-x2"]
    assert (shown[0].width, shown[0].height) == (192 - 32, 160 - 32)
    bicubic, oracle = (float(picture.note.removesuffix(" dB")) for picture in shown[1:])
    assert 20 < bicubic < 45
    assert oracle > 80
    assert session.failed["broken-x2"] == "RuntimeError: out of memory"
    assert "expected 5 levels of 192 x 160" in session.failed["bicubic-x4"]


def counts(picture_note: str) -> list[int]:
    return [int(n) for n in re.findall(r"\d+", picture_note)]


def test_match_pictures_judge_by_the_homography(photograph: NDArray[np.uint8]) -> None:
    shifted = np.array([[1.0, 0, 12], [0, 1, 0], [0, 0, 1]])
    for homography, right in ((np.eye(3), True), (shifted, False)):
        pair = ImagePair("scene", "same", photograph, photograph, homography)
        (picture,) = match_pictures(pair, ["bicubic-x2"], 2, Session())
        matches, correct = counts(picture.note)
        assert matches > 50
        # The query is reduced: a few of its keypoints moved.
        assert correct > 0.95 * matches if right else correct < 0.05 * matches
        assert abs(picture.width - 960) <= 40


def test_match_pictures_without_a_homography(photograph: NDArray[np.uint8]) -> None:
    pair = ImagePair("scene", "moved", photograph[:, :-16], photograph[:, 16:])
    session = Session()
    (picture,) = match_pictures(pair, ["no-such-x2", "dog"], 2, session)
    matches, agreeing = counts(picture.note.partition("one epipolar")[0])
    assert picture.title == "dog"
    assert 0.8 * matches < agreeing <= matches
    assert "unknown provider" in session.failed["no-such-x2"]
    assert match_pictures(pair, ["no-such-x2"], 2, session) == []
