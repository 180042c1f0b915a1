"""What benchmarks keep between runs, and what they do when something goes wrong on the way."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bench import store as store_module
from bench.intervals import bootstrap_mean
from bench.report import Report
from bench.session import Session
from bench.store import Store, code_fingerprint, default_folder, digest
from siftcore import InputError


def test_an_interval_covers_the_true_mean_as_often_as_it_says() -> None:
    rng = np.random.default_rng(3)
    inside = 0
    for _ in range(200):
        found = bootstrap_mean(rng.normal(5.0, 2.0, 40))
        inside += found.low <= 5.0 <= found.high
    # 95 % of 200 is 190; the percentile interval is a little short on 40 values.
    assert 178 <= inside <= 199


def test_an_interval_over_groups_is_wider_where_groups_differ() -> None:
    groups = np.repeat(np.arange(8), 5)
    values = groups + np.random.default_rng(0).normal(0, 0.1, 40)
    alone, grouped = bootstrap_mean(values), bootstrap_mean(values, list(groups))
    assert alone.mean == grouped.mean == pytest.approx(values.mean())
    assert grouped.high - grouped.low > 1.5 * (alone.high - alone.low)


def test_an_interval_leaves_out_what_is_not_known() -> None:
    assert bootstrap_mean([2.0, np.nan, 4.0]).mean == 3.0
    nothing = bootstrap_mean([np.nan])
    assert nothing.n == 0
    assert np.isnan(nothing.mean)
    assert bootstrap_mean([1.0, 2.0], seed=1) == bootstrap_mean([1.0, 2.0], seed=1)
    with pytest.raises(ValueError, match="as many groups"):
        bootstrap_mean([1.0], ["a", "b"])


def test_one_group_gives_no_interval() -> None:
    """Drawn with replacement it comes out the same every time, which is no certainty."""
    for found in (bootstrap_mean([1.0, 2.0, 6.0], ["a"] * 3), bootstrap_mean([3.0])):
        assert found.mean == 3.0
        assert np.isnan([found.low, found.high]).all()


def test_an_entry_is_stale_after_an_upgrade_of_what_estimates_geometry(monkeypatch) -> None:
    before = code_fingerprint.__wrapped__("bench.intervals")
    usual = store_module.version
    for package in ("poselib", "faiss-cpu", "scipy"):
        monkeypatch.setattr(
            store_module, "version", lambda name, p=package: "999" if name == p else usual(name)
        )
        assert code_fingerprint.__wrapped__("bench.intervals") != before


def counted(value: float = 1.0):
    calls = []

    def compute():
        calls.append(1)
        return {"x": np.array([value])}

    return compute, calls


def test_a_store_computes_once(tmp_path: Path) -> None:
    compute, calls = counted()
    for _ in range(2):
        # Another object, as after an interruption.
        found = Store(tmp_path).get("kind", {"image": "abc"}, compute)
        assert found["x"].tolist() == [1.0]
    assert len(calls) == 1
    assert "__about__" not in found


@pytest.mark.parametrize("changed", [{"image": "abd"}, {"image": "abc", "weights": "1"}])
def test_a_store_tells_descriptions_apart(tmp_path: Path, changed: dict) -> None:
    Store(tmp_path).get("kind", {"image": "abc"}, counted()[0])
    compute, calls = counted(2.0)
    assert Store(tmp_path).get("kind", changed, compute)["x"] == [2.0]
    assert len(calls) == 1


def test_changed_code_makes_an_entry_stale(tmp_path: Path, monkeypatch) -> None:
    Store(tmp_path).get("kind", {}, counted()[0])
    monkeypatch.setattr(store_module, "code_fingerprint", lambda *_: "changed")
    compute, calls = counted(2.0)
    Store(tmp_path).get("kind", {}, compute)
    assert len(calls) == 1


def test_the_fingerprint_is_of_the_sources(tmp_path: Path, monkeypatch) -> None:
    package = tmp_path / "made_up_package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "inner.py").write_text("x = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    before = code_fingerprint("made_up_package")
    code_fingerprint.cache_clear()
    assert code_fingerprint("made_up_package") == before
    code_fingerprint.cache_clear()
    (package / "inner.py").write_text("x = 2\n")
    assert code_fingerprint("made_up_package") != before
    with pytest.raises(ModuleNotFoundError, match="fingerprint"):
        code_fingerprint("no_such_package_anywhere")


@pytest.mark.parametrize("damage", ["cut", "empty", "text", "another entry"])
def test_a_damaged_entry_is_made_anew(tmp_path: Path, damage: str) -> None:
    Store(tmp_path).get("kind", {"n": 1}, counted(1.0)[0])
    (path,) = tmp_path.rglob("*.npz")
    if damage == "another entry":
        Store(tmp_path / "b").get("kind", {"n": 2}, counted(2.0)[0])
        (other,) = (tmp_path / "b").rglob("*.npz")
        path.write_bytes(other.read_bytes())
        other.unlink()
    else:
        whole = path.read_bytes()
        path.write_bytes({"cut": whole[:-30], "empty": b"", "text": b"no"}[damage])
    compute, calls = counted(1.0)
    with pytest.warns(UserWarning, match="made anew"):
        found = Store(tmp_path).get("kind", {"n": 1}, compute)
    assert found["x"] == [1.0]
    assert len(calls) == 1
    Store(tmp_path).get("kind", {"n": 1}, compute)
    assert len(calls) == 1


def test_a_store_without_a_folder_keeps_nothing() -> None:
    compute, calls = counted()
    store = Store(None)
    store.get("kind", {}, compute)
    store.get("kind", {}, compute)
    assert len(calls) == store.computed == 2


def test_where_the_cache_lies(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SIFTCORE_BENCH_CACHE", str(tmp_path))
    assert default_folder() == tmp_path
    monkeypatch.delenv("SIFTCORE_BENCH_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "siftcore-bench"


def test_a_digest_sees_shape_type_and_values() -> None:
    image = np.arange(6, dtype=np.uint8)
    others = [image.reshape(2, 3), image.astype(np.int8), image[::-1], image + np.uint8(1)]
    assert len({digest(image), *map(digest, others)}) == 5
    assert digest(image) == digest(image.copy())


def test_a_session_skips_and_names_what_is_broken(tmp_path: Path) -> None:
    session = Session()
    good, bad = tmp_path / "a.txt", tmp_path / "b.txt"
    good.write_text("1")
    bad.write_text("x")
    found = list(session.readable([good, bad, tmp_path / "c.txt"], lambda p: int(p.read_text())))
    assert found == [(good, 1)]
    assert list(session.skipped) == [f"{tmp_path.name}/b.txt", f"{tmp_path.name}/c.txt"]
    report = Report("x", {})
    report.table("T", "a", "b").add("c", 1)
    text = session.finish(report).markdown()
    assert "Skipped, 2" in text
    assert "b.txt (ValueError: invalid literal" in text
    with pytest.raises(InputError, match=r"no number could be used: .*b\.txt"):
        raise session.nothing_left("number")


def test_a_provider_that_raises_is_left_alone_afterwards() -> None:
    session = Session()

    def fails():
        raise RuntimeError("out of luck\nand more")

    assert session.attempt("p", fails) is None
    assert session.attempt("p", lambda: 1) is None
    assert session.attempt("q", lambda: 1) == 1
    assert session.failed == {"p": "RuntimeError: out of luck"}
    report = Report("x", {})
    table = report.table("T", "name", "value", "more")
    table.add_failed("p", session.failed["p"])
    assert json.loads(json.dumps(session.finish(report).as_dict()))["failed"] == session.failed
    assert "| p | failed: RuntimeError: out of luck | - |" in report.markdown()

    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        session.attempt("r", interrupted)


def test_progress_changes_nothing(capsys) -> None:
    assert list(Session(progress=True).track(range(5), "five")) == [0, 1, 2, 3, 4]
    assert list(Session(progress=False).track(iter("ab"), "two", total=2)) == ["a", "b"]
    assert capsys.readouterr().out == ""
