"""Variants of the networks: alike in all but what is asked, trained once, compared."""

from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from skimage import data

pytest.importorskip("torch")
pytest.importorskip("safetensors")

from bench import ablations
from bench.ablation_variants import ALIKE, QUESTIONS, VARIANTS, Variant
from bench.ablations import run, train_variant
from bench.session import Session
from dognets.errors import CheckpointError
from dognets.models import build_model
from dognets.training.learner import Learner
from siftcore import ParameterError
from tests.bench.test_preservation import H, write_scene


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Training images, images to judge, and a scene."""
    for folder in ("train", "judged"):
        (tmp_path / folder).mkdir()
        for i in range(2):
            piece = data.camera()[60 + 90 * i : 180 + 90 * i, 150:290]
            Image.fromarray(piece).save(tmp_path / folder / f"photo{i}-a.png")
    return tmp_path / "train", tmp_path / "judged", write_scene(tmp_path / "scenes", H)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks and patches for seconds."""
    options = {
        "method1": {"blocks": [1] * 4, "channels": 4},
        "method2": {"blocks": [1] * 5, "channels": 4},
        "image-bands": {"channels": 4, "depth": 1},
    }
    changed = {
        name: Variant(
            what=VARIANTS[name].what,
            preset=VARIANTS[name].preset,
            changes=dict(VARIANTS[name].changes) | {"options": sizes},
        )
        for name, sizes in options.items()
    }
    monkeypatch.setattr(ablations, "VARIANTS", changed)
    monkeypatch.setitem(ALIKE, "patch", 28)
    monkeypatch.setitem(ALIKE, "batch", 1)


def test_every_variant_answers_a_question() -> None:
    assert {name for names in QUESTIONS.values() for name in names} == set(VARIANTS)


def test_variants_of_a_question_cost_the_same_and_are_trained_alike() -> None:
    trainings = {name: variant.training(100, 7) for name, variant in VARIANTS.items()}
    for preset in trainings.values():
        model = build_model(preset.architecture, preset.scale, **preset.options)
        assert 130_000 <= model.count_multiply_adds() <= 160_000
    alike = {
        (p.scale, p.steps, p.batch, p.patch, p.halo, p.optimiser, p.learning_rate, p.degradation)
        for p in trainings.values()
    }
    assert len(alike) == 1
    assert {name for name, p in trainings.items() if p.seed != 7} == {"image-bands-seed"}


def test_variants_are_trained_once_and_compared(
    folders: tuple[Path, Path, Path], small: None, tmp_path: Path
) -> None:
    train, judged, scenes = folders
    options = {"image_cache": tmp_path / "cache"}
    wanted = train, judged, scenes, tmp_path / "runs", 2, Session()
    report = run(*wanted, ["method2", "method1", "image-bands"], **options)
    first = report.tables[0]
    assert first.title == "Gaussians or DoGs"
    assert [row[0] for row in first.rows] == ["method1", "method2"]
    assert [table.title for table in report.tables] == list(QUESTIONS)
    for table in report.tables:
        for row in table.rows:
            assert row[2] > 100
            assert row[3] > 100
            assert all(cell.n >= 1 for cell in row[4:])
            assert 0 <= row[-2].mean <= 1
    written = (tmp_path / "runs" / "method1" / "weights.safetensors").stat().st_mtime_ns
    again = run(*wanted, ["method1"], **options)
    assert again.tables[0].rows == first.rows[:1]
    assert (tmp_path / "runs" / "method1" / "weights.safetensors").stat().st_mtime_ns == written


def test_an_interrupted_training_goes_on(
    folders: tuple[Path, Path, Path],
    small: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    train, runs, cache = folders[0], tmp_path / "runs", tmp_path / "cache"
    steps: list[int] = []
    update = Learner.update

    def interrupted(learner: Learner, low: Any, high: Any, step: int) -> float:
        steps.append(step)
        if steps == [0, 1]:
            signal.raise_signal(signal.SIGINT)
        return update(learner, low, high, step)

    monkeypatch.setattr(Learner, "update", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train_variant("method1", train, runs, 4, cache=cache)
    train_variant("method1", train, runs, 4, cache=cache)
    assert steps == [0, 1, 2, 3]


def test_runs_of_other_length_are_not_mixed(
    folders: tuple[Path, Path, Path], small: None, tmp_path: Path
) -> None:
    runs, cache = tmp_path / "runs", tmp_path / "cache"
    train_variant("method1", folders[0], runs, 1, cache=cache)
    with pytest.raises(CheckpointError, match="holds a run of 1 updates, not 2"):
        train_variant("method1", folders[0], runs, 2, cache=cache)
    with pytest.raises(CheckpointError, match="seed: 0, now 1"):
        train_variant("method1", folders[0], runs, 1, seed=1, cache=cache)
    (runs / "method1" / "last.pt").unlink()
    train_variant("method1", folders[0], runs, 1, seed=1, cache=cache)


def test_the_pair_of_seeds_is_one_whatever_the_seed() -> None:
    for seed in (0, 1000):
        pair = [VARIANTS[name].training(9, seed) for name in ("image-bands", "image-bands-seed")]
        assert replace(pair[0], seed=pair[1].seed) == pair[1]
        assert [preset.seed for preset in pair] == [seed, seed + 1000]


def test_an_unknown_variant_is_named(folders: tuple[Path, Path, Path], tmp_path: Path) -> None:
    train, judged, scenes = folders
    with pytest.raises(ParameterError, match="only must be one of method1, "):
        run(train, judged, scenes, tmp_path / "runs", 2, Session(), ["method9"])
    assert not (tmp_path / "runs").exists()
