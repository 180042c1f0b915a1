"""Layouts of collections of pairs, on folders made up here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import pytest

from bench.pairs.collections import find_pairs
from bench.pairs.pair_files import PairFiles, draw_pairs
from bench.session import Session
from siftcore import InputError
from tests.bench.folders import touch, write


def short(pairs: Sequence[PairFiles]) -> list[tuple[str, str]]:
    return [(pair.a.stem, pair.b.stem) for pair in pairs]


def test_scenes_of_the_oxford_affine_layout(tmp_path: Path) -> None:
    for scene in ("bark", "wall"):
        names = [f"{scene}/img{k}.ppm" for k in range(1, 7)]
        touch(tmp_path, *names, *(f"{scene}/H1to{k}p" for k in range(2, 7)))
    pairs = find_pairs(tmp_path, Session())
    assert Counter((p.category, p.group) for p in pairs) == {
        ("Oxford affine", "bark"): 5,
        ("Oxford affine", "wall"): 5,
    }
    last = pairs[-1]
    assert (last.a.name, last.b.name) == ("img1.ppm", "img6.ppm")
    assert last.homography == tmp_path / "wall" / "H1to6p"


def buildings(tmp_path: Path) -> Path:
    touch(tmp_path, *(f"images/all_souls_{n:06}.jpg" for n in (13, 26, 51)))
    touch(tmp_path, "paris/defense/paris_defense_000605.jpg", "paris/defense/paris_defense_1.jpg")
    gt = tmp_path / "gt"
    write(gt / "all_souls_1_query.txt", "oxc1_all_souls_000013 136.5 34.1 648.5 955.7")
    write(gt / "all_souls_1_good.txt", "all_souls_000013", "all_souls_000026", "all_souls_000051")
    write(gt / "all_souls_1_ok.txt", "all_souls_000099")
    write(gt / "all_souls_2_query.txt", "oxc1_all_souls_000026 1 2 3 4")
    write(gt / "all_souls_2_good.txt", "all_souls_000013", "all_souls_000077")
    write(gt / "defense_1_query.txt", "paris_defense_000605 1 2 3 4")
    write(gt / "defense_1_good.txt", "paris_defense_1")
    return tmp_path


def test_ground_truth_of_oxford_and_paris(tmp_path: Path) -> None:
    session = Session()
    pairs = find_pairs(buildings(tmp_path), session)
    # Never a query with itself, no pair in both directions, nothing of the list of the merely ok.
    assert short(pairs) == [
        ("all_souls_000013", "all_souls_000026"),
        ("all_souls_000013", "all_souls_000051"),
        ("paris_defense_000605", "paris_defense_1"),
    ]
    assert [p.category for p in pairs] == ["Oxford buildings", "Oxford buildings", "Paris"]
    assert [p.group for p in pairs] == ["all_souls", "all_souls", "defense"]
    assert all(p.homography is None for p in pairs)
    assert list(session.skipped) == ["all_souls_000077"]
    assert "all_souls_2_good.txt" in session.skipped["all_souls_000077"]


def test_ground_truth_that_is_damaged(tmp_path: Path) -> None:
    folder = buildings(tmp_path)
    write(folder / "gt" / "all_souls_1_query.txt", "")
    (folder / "gt" / "defense_1_good.txt").unlink()
    session = Session()
    assert short(find_pairs(folder, session)) == [("all_souls_000026", "all_souls_000013")]
    assert "first word" in session.skipped["gt/all_souls_1_query.txt"]
    assert "gt/defense_1_good.txt" in session.skipped


def test_lists_of_cdvs(tmp_path: Path) -> None:
    touch(
        tmp_path, "buildings/1.jpg", "buildings/2.jpg", "images/video/3.jpg", "images/video/4.jpg"
    )
    lists = tmp_path / "annotation"
    write(lists / "buildings" / "matching_pairs.txt", "buildings/1.jpg buildings/2.jpg 0.7", "")
    write(lists / "buildings" / "non_matching_pairs.txt", "buildings/1.jpg video/3.jpg")
    write(lists / "video_Matching-Pairs.txt", "video/3.jpg video/4.jpg", "video/3.jpg")
    write(lists / "paintings" / "matching_pairs.txt", "paintings/5.jpg paintings/6.jpg")
    session = Session()
    pairs = find_pairs(tmp_path, session)
    assert [(p.category, p.a.name, p.b.name) for p in pairs] == [
        ("buildings", "1.jpg", "2.jpg"),
        ("video", "3.jpg", "4.jpg"),
    ]
    assert "paintings/5.jpg" in session.skipped["matching_pairs.txt, line 1"]
    assert "expected two images" in session.skipped["video_Matching-Pairs.txt, line 2"]
    assert "category paintings" in session.skipped


def test_a_file_of_pairs(tmp_path: Path) -> None:
    touch(tmp_path, "a 1.png", "b.png", "c.png", "H.txt")
    write(
        tmp_path / "pairs.txt",
        "# first second category homography",
        "'a 1.png' b.png plants H.txt",
        "b.png c.png  # of no category",
        "b.png missing.png plants",
        "c.png",
        "'c.png b.png",
        "b.png c.png plants nowhere.txt",
    )
    session = Session()
    first, second = find_pairs(tmp_path, session)
    assert first == PairFiles(
        "plants", "a 1.png", tmp_path / "a 1.png", tmp_path / "b.png", tmp_path / "H.txt"
    )
    assert (second.category, second.homography) == (tmp_path.name, None)
    assert {key: why.partition(";")[0] for key, why in session.skipped.items()} == {
        "pairs.txt, line 4": "no file 'missing.png'",
        "pairs.txt, line 5": "expected a b [category [homography]]; got 'c.png'".partition(";")[0],
        "pairs.txt, line 6": 'No closing quotation in "\'c.png b.png"',
        "pairs.txt, line 7": "no file 'nowhere.txt'",
    }


def test_a_file_of_pairs_goes_before_the_folder(tmp_path: Path) -> None:
    touch(tmp_path, "data/x.png", "data/y.png", "lists/a.png", "lists/b.png")
    chosen = write(tmp_path / "lists" / "mine.txt", "a.png b.png")
    assert short(find_pairs(tmp_path / "data", Session(), None, chosen)) == [("a", "b")]
    with pytest.raises(InputError, match=r"list of pairs from .*none\.txt"):
        find_pairs(tmp_path / "data", Session(), None, tmp_path / "none.txt")


def test_a_flat_folder_gives_every_two_images(tmp_path: Path) -> None:
    touch(tmp_path, *(f"{name}.png" for name in "abcdefg"), "notes.md")
    assert short(find_pairs(tmp_path, Session())) == list(combinations("abcdefg", 2))
    drawn = short(find_pairs(tmp_path, Session(seed=3), limit=5))
    assert len(set(drawn)) == 5
    assert set(drawn) <= set(combinations("abcdefg", 2))
    assert drawn == short(find_pairs(tmp_path, Session(seed=3), limit=5))
    assert any(drawn != short(find_pairs(tmp_path, Session(seed=s), limit=5)) for s in range(4))


def test_a_folder_without_pairs_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no folder .*expected one that holds a file pairs\.txt"):
        find_pairs(tmp_path / "none", Session())
    touch(tmp_path, "alone.png")
    with pytest.raises(InputError, match="or at least two images"):
        find_pairs(tmp_path, Session())
    write(tmp_path / "pairs.txt", "alone.png gone.png")
    with pytest.raises(InputError, match=r"no pair could be used: .*gone\.png"):
        find_pairs(tmp_path, Session())


def test_a_draw_is_even_over_the_groups_of_each_category() -> None:
    def pair(category: str, group: str, n: int) -> PairFiles:
        return PairFiles(category, group, Path(f"{group}{n}"), Path(f"{n}"))

    pairs = [pair("x", "large", n) for n in range(50)] + [pair("x", "small", n) for n in range(2)]
    pairs += [pair("x", "other", n) for n in range(20)] + [pair("y", "only", n) for n in range(3)]
    drawn = draw_pairs(pairs, 12, seed=1)
    assert Counter(p.group for p in drawn) == {"large": 5, "small": 2, "other": 5, "only": 3}
    assert drawn == [p for p in pairs if p in drawn]
    assert drawn == draw_pairs(pairs, 12, seed=1) != draw_pairs(pairs, 12, seed=2)
    assert draw_pairs(pairs + pairs, None) == pairs
    # The turn that does not fit whole is not always the first groups'.
    firsts = {draw_pairs(pairs, 1, seed=s)[0].group for s in range(20)}
    assert firsts == {"large", "small", "other"}
