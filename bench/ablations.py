"""Which parts of the paper's networks help: variants of one cost, trained alike, then compared."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench import preservation, psnr
from bench.ablation_variants import ALIKE, QUESTIONS, SCALE, VARIANTS
from bench.preservation import CORRECT, RECALL
from bench.report import Report, Table
from bench.session import Session
from dognets.errors import CheckpointError
from dognets.models import build_model
from dognets.pretrained import read_manifest
from dognets.training.checkpoint import FILE_NAME, check_settings, load_checkpoint
from dognets.training.report import finish, show_progress
from dognets.training.trainer import Trainer
from siftcore.errors import ParameterError

__all__ = ["run", "train_variant"]

BUDGET = 1000


def train_variant(
    name: str,
    data: Path,
    runs: Path,
    steps: int,
    seed: int = 0,
    *,
    precision: str = "auto",
    cache: Path | None = None,
) -> Path:
    """Train a variant, or go on where it was interrupted; a finished one is left as it is.

    Returns
    -------
    path
        Folder of the run.

    Raises
    ------
    CheckpointError
        When the folder holds a run of other length or from another seed.
    """
    folder = runs / name
    preset = VARIANTS[name].training(steps, seed)
    finished = read_manifest(folder).get("weights.safetensors")
    if finished is not None:
        if finished.iterations != steps:
            raise CheckpointError(
                f"{str(folder)!r} holds a run of {finished.iterations} updates, not {steps}; "
                "choose another folder with --runs"
            )
        # Weights that came without their checkpoint do not tell their seed.
        if (folder / FILE_NAME).exists():
            check_settings(folder, load_checkpoint(folder), asdict(preset))
        return folder
    trainer = Trainer(
        preset,
        data,
        folder,
        resume=(folder / FILE_NAME).exists(),
        precision=precision,
        cache_folder=cache,
    )
    with show_progress(trainer) as progress:
        found = trainer.run(progress)
    command = f"python -m bench ablations --only {name} --steps {steps}"
    finish(trainer, found, data, command + (f" --seed {seed}" if seed else ""))
    return folder


def run(
    data: Path,
    images: Path,
    pairs: Path,
    runs: Path,
    steps: int,
    session: Session,
    only: Iterable[str] = (),
    *,
    precision: str = "auto",
    image_cache: Path | None = None,
) -> Report:
    """Train what is not trained yet, then compare.

    Parameters
    ----------
    data : path
        Folder of images to train on.
    images : path
        Folder of high-resolution images for the DoG PSNR.
    pairs : path
        Folder in the layout of the Oxford affine data set.
    runs : path
        Folder of the runs, one a variant.
    steps : int
        Updates of each.
    session : Session
        Its seed is that of the trainings too.
    only : iterable of str, optional
        Names of `VARIANTS`; by default all.
    precision : str, default "auto"
        Of the trainings.
    image_cache : path, optional
        Folder for decoded training images.
    """
    chosen = list(dict.fromkeys(only)) or list(VARIANTS)
    unknown = [name for name in chosen if name not in VARIANTS]
    if unknown:
        raise ParameterError("only", unknown[0], f"one of {', '.join(VARIANTS)}")
    folders = {
        name: train_variant(
            name, data, runs, steps, session.seed, precision=precision, cache=image_cache
        )
        for name in chosen
    }
    providers = {name: f"{VARIANTS[name].preset}@{folder}" for name, folder in folders.items()}
    listed = list(providers.values())
    gains = psnr.run(images, listed, SCALE, session).tables[0]
    kept = preservation.run(pairs, listed, SCALE, session, (BUDGET,)).tables[0]
    rows = {
        name: [*_size(name, steps), *_row(gains, key), *_cells(kept, key, (RECALL, CORRECT))]
        for name, key in providers.items()
    }
    settings = {
        "data": data.name, "images": images.name, "pairs": pairs.name, "scale": SCALE,
        "steps": steps, "precision": precision, "seed": session.seed, **ALIKE,
    }  # fmt: skip
    report = Report("ablations", settings)
    for question, names in QUESTIONS.items():
        if not set(names) & set(rows):
            continue
        table = report.table(
            question, "variant", "what", "parameters", "multiply-adds a pixel",
            *(f"{dog}, dB" for dog in psnr.DOGS), RECALL, CORRECT,
        )  # fmt: skip
        for name in names:
            if name in rows:
                table.add(name, VARIANTS[name].what, *rows[name])
    report.notes.append(
        "D1 to D4: gain in DoG PSNR over bicubic enlargement on the paper's ladder. Recall and "
        f"correct matches: as in `preservation`, {BUDGET} keypoints. Networks that predict levels "
        "put the paper's ladder in the place of the finest octave, which leaves a gap in scale, so "
        "compare their keypoints among themselves. One run each; the pair of seeds shows what a "
        "difference is worth. `--only VARIANT` trains and compares that one."
    )
    return session.finish(report)


def _size(name: str, steps: int) -> tuple[int, int]:
    preset = VARIANTS[name].training(steps, 0)
    model = build_model(preset.architecture, preset.scale, **preset.options)
    return model.count_parameters(), round(model.count_multiply_adds())


def _row(table: Table, key: str) -> list[Any]:
    return next(row[1:] for row in table.rows if row[0] == key)


def _cells(table: Table, key: str, columns: Iterable[str]) -> list[Any]:
    row = _row(table, key)
    return [row[table.columns.index(column) - 1] for column in columns]
