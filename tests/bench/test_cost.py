"""The cost of providers: what is counted, what fails, what it buys; and peak memory."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("torch")
pytest.importorskip("safetensors")

from bench.cost import network_size, run
from bench.intervals import Estimate
from bench.peak_memory import peak_memory
from bench.report import Report
from bench.session import Session
from bench.trade_off import pareto_front
from dognets.pretrained import WEIGHTS_FOLDER, load_model
from siftcore import InputError, ProviderError, get_provider
from siftcore.scalespace import registry

COLUMNS = (
    "provider", "parameters", "multiply-adds a pixel", "scale space, s", "features, s",
    "keypoints", "peak memory, MiB",
)  # fmt: skip


class Recorded:
    """`dog` that notes its calls, may sleep on the first and raise from some call on."""

    def __init__(self, name: str, calls: list[str], sleep: float = 0.0, dies_at: int = 99) -> None:
        self.name, self.calls, self.sleep, self.dies_at = name, calls, sleep, dies_at

    def build(self, image: NDArray[np.float32], params: Any) -> Any:
        self.calls.append(self.name)
        count = self.calls.count(self.name)
        if count >= self.dies_at:
            raise RuntimeError("no more")
        if count == 1:
            time.sleep(self.sleep)
        return get_provider("dog").build(image, params)


@pytest.fixture
def register(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    # A process for each provider is slow, and it does not know what is registered here.
    monkeypatch.setattr("bench.cost.peak_memory", lambda *_: None)

    def add(name: str, provider: Any) -> None:
        def factory() -> Any:
            return provider

        # Somebody else's network: needs torch, has no weights in our folder.
        factory.requires = ("torch",)  # type: ignore[attr-defined]
        monkeypatch.setitem(registry._registered, name, factory)

    return add


def cost(names: list[str], runs: int = 1, results: Path | None = None) -> Report:
    return run(names, 96, 80, runs, Session(progress=False), results)


def write_preservation(folder: Path, rows: dict[str, tuple[Any, Any]]) -> None:
    report = Report("preservation", {"scale": 2})
    table = report.table(
        "Low-resolution query, x2, clean, 1000 keypoints",
        "query", "correct matches", "recall of high-resolution keypoints",
    )  # fmt: skip
    for name, (recall, correct) in rows.items():
        table.add(name, correct, recall)
    report.write_json(folder / "preservation-x2.json")


def test_every_provider_is_measured() -> None:
    table = cost(["dog", "method3-x2"]).tables[0]
    assert tuple(table.columns) == COLUMNS
    dog, method3 = table.rows
    assert dog[:3] == ["dog", None, None]
    assert method3[0] == "method3-x2"
    assert (method3[1], method3[2]) == network_size("method3-x2")
    for row in (dog, method3):
        assert row[3] > 0
        assert row[4] > 0
        assert row[5] > 0
    if sys.platform == "linux":
        # Twice the side and a network's planes.
        assert method3[6] > dog[6] > 0


def test_rounds_are_interleaved_and_the_first_is_not_counted(register: Any) -> None:
    calls: list[str] = []
    register("slow-start", Recorded("slow-start", calls, sleep=1.0))
    register("steady", Recorded("steady", calls))
    rows = cost(["slow-start", "steady"], runs=2).tables[0].rows
    one_round = ["slow-start"] * 2 + ["steady"] * 2
    assert calls == 3 * one_round
    assert rows[0][3] < 1.0


def test_a_network_of_somebody_else_has_no_known_size(register: Any) -> None:
    register("theirs-x2", Recorded("theirs-x2", []))
    (row,) = cost(["theirs-x2"]).tables[0].rows
    assert row[:3] == ["theirs-x2", None, None]
    assert row[3] > 0


def test_a_provider_that_raises_has_a_row_that_says_so(register: Any) -> None:
    # Makes the uncounted round and dies in the next.
    register("dying", Recorded("dying", [], dies_at=3))
    report = cost(["dying", "no-such-provider", "dog"])
    dying, unknown, dog = report.tables[0].rows
    assert dying[1] == "failed: RuntimeError: no more"
    assert dying[2:] == [None] * 5
    assert unknown[1].startswith("failed: UnknownProviderError")
    assert dog[5] > 0
    assert set(report.failed) == {"dying", "no-such-provider"}


def test_nothing_to_measure_is_an_error() -> None:
    with pytest.raises(ProviderError, match="no-such-provider"):
        cost(["no-such-provider"])


def test_size_of_weights_of_a_training_run(tmp_path: Path) -> None:
    model, _ = load_model(WEIGHTS_FOLDER / "method3-x4.safetensors")
    for name in ("method3-x4.safetensors", "manifest.json"):
        shutil.copy(WEIGHTS_FOLDER / name, tmp_path)
    found = network_size(f"method3-x4@{tmp_path / 'method3-x4.safetensors'}")
    assert found == (model.count_parameters(), round(model.count_multiply_adds()))
    # Not what the shipped weights of another network say.
    assert found != network_size("method3-x2")
    assert network_size("bicubic-x2") == (None, None)
    # The same weights cost four times as much where they enlarge by 4.
    assert network_size("vdsr-x4")[1] == 4 * network_size("vdsr-x2")[1]


@pytest.mark.skipif(sys.platform != "linux", reason="resident memory is read from /proc")
def test_peak_memory_of_dog_is_what_the_documentation_counts() -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 3, (768, 1024), np.uint8) + np.uint8(120)
    found = peak_memory("dog", image)
    assert found is not None
    # docs/performance.md counts 116 bytes an input pixel.
    assert found * 2**20 / image.size == pytest.approx(116, rel=0.1)


def test_peak_memory_of_a_provider_that_only_this_process_knows(register: Any) -> None:
    register("mine", Recorded("mine", []))
    assert peak_memory("mine", np.zeros((64, 64), np.uint8)) is None


def test_pareto_front() -> None:
    seconds = [1.0, 2.0, 3.0, 4.0, 2.0]
    recall = [0.3, 0.7, 0.6, 0.9, 0.65]
    assert pareto_front(seconds, recall) == [True, True, False, True, False]
    # Two that are equal do not push each other out; a cheaper equal does.
    assert pareto_front([1.0, 1.0, 2.0], [0.5, 0.5, 0.5]) == [True, True, False]
    assert pareto_front([], []) == []


def test_pareto_front_keeps_the_cheapest_and_the_best() -> None:
    rng = np.random.default_rng(1)
    for _ in range(50):
        seconds, recall = rng.integers(0, 5, (2, 8)).astype(float)
        front = np.array(pareto_front(seconds, recall))
        assert front[(seconds == seconds.min()) & (recall == recall[seconds == seconds.min()].max())
                     ].all()  # fmt: skip
        assert front[(recall == recall.max()) & (seconds == seconds[recall == recall.max()].min())
                     ].all()  # fmt: skip
        # Along the front more seconds buy more recall.
        points = sorted(set(zip(seconds[front], recall[front], strict=True)))
        assert all(a[1] < b[1] for a, b in pairwise(points))


def test_cost_beside_what_it_buys(tmp_path: Path, register: Any) -> None:
    register("costly", Recorded("costly", []))
    write_preservation(
        tmp_path,
        {
            "high resolution": (Estimate(1.0, 1.0, 1.0, 5), 236),
            "dog": (Estimate(0.4, 0.3, 0.5, 5), 112),
            "costly": ("failed: MemoryError: no message", None),
            "bicubic-x2": (Estimate(0.1, 0.0, 0.2, 5), 20),
        },
    )
    _, table = cost(["dog", "bicubic-x2", "costly"], results=tmp_path).tables
    assert table.title == "Cost and what it buys"
    assert [row[:3] for row in table.rows] == [
        ["dog", "x2, clean, 1000 keypoints", None],
        ["bicubic-x2", "x2, clean, 1000 keypoints", None],
    ]
    rows = {row[0]: dict(zip(table.columns, row, strict=True)) for row in table.rows}
    assert rows["dog"]["recall of high-resolution keypoints"] == Estimate(0.4, 0.3, 0.5, 5)
    assert rows["dog"]["correct matches"] == 112
    # bicubic-x2 is slower and here also worse.
    assert rows["dog"]["Pareto front"] is True
    assert rows["bicubic-x2"]["Pareto front"] is False


def test_cost_without_preservation_says_so(tmp_path: Path, register: Any) -> None:
    register("any", Recorded("any", []))
    report = cost(["any"], results=tmp_path)
    assert len(report.tables) == 1
    assert any("preservation" in note for note in report.notes)


def test_damaged_results_are_noticed_before_the_work(tmp_path: Path, register: Any) -> None:
    calls: list[str] = []
    register("any", Recorded("any", calls))
    (tmp_path / "preservation-x2.json").write_text("{")
    with pytest.raises(InputError, match="preservation-x2"):
        cost(["any"], results=tmp_path)
    assert calls == []
