"""Which images are matched with which."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from siftcore import Features, ParameterError, pairing
from siftcore.cli import app
from siftcore.io.hdf5 import write_features
from siftcore.io.pairs import read_pairs

pytest.importorskip("h5py", reason="feature files need h5py")


@pytest.fixture
def names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.chdir(tmp_path)
    names = [f"f/{number:03}.png" for number in range(5)]
    empty = Features.empty((8, 6), "dog")
    write_features("f.h5", dict.fromkeys(reversed(names), empty))
    return names


def test_sequences_end_with_the_last_image() -> None:
    assert list(pairing.sequential_pairs("abcd", 10)) == list(pairing.exhaustive_pairs("abcd"))
    assert list(pairing.sequential_pairs("abcd", 1)) == [("a", "b"), ("b", "c"), ("c", "d")]
    assert list(pairing.sequential_pairs([], 3)) == []
    with pytest.raises(ParameterError, match="overlap"):
        list(pairing.sequential_pairs("ab", 0))


def test_the_command_sorts_by_name(names: list[str]) -> None:
    result = CliRunner().invoke(app, ["pairs", "f.h5", "-o", "p.txt", "--sequential", "2"])
    assert result.stdout == "7 pairs of 5 images -> p.txt\n"
    assert read_pairs("p.txt") == list(pairing.sequential_pairs(names, 2))
    CliRunner().invoke(app, ["pairs", "f.h5", "-o", "p.txt"])
    assert read_pairs("p.txt") == list(pairing.exhaustive_pairs(names))


def test_an_index_of_other_images_is_noted(names: list[str]) -> None:
    pytest.importorskip("faiss", reason="an index needs FAISS")
    from siftcore.retrieval import ImageIndex

    rows = np.eye(128, dtype=np.float32)[:40]
    zeros = np.zeros(40, np.float32)
    some = dataclasses.replace(
        Features.empty((80, 60), "dog"),
        xy=np.stack([zeros, zeros], axis=1),
        sigma=zeros + 1,
        angle=zeros,
        response=zeros,
        octave=zeros.astype(np.int32),
        level=zeros,
        descriptors=rows,
    )
    write_features("old.h5", {"old/a.png": some})
    write_features("new.h5", {"new/b.png": some})
    ImageIndex.from_file("old.h5").save("old.index")
    arguments = ["new.h5", "-o", "p.txt", "--index", "old.index"]
    result = CliRunner().invoke(app, ["pairs", *arguments])
    assert result.stdout == "1 pairs of 1 images -> p.txt\n"
    assert "new.h5 lacks 1 of these images, such as 'old/a.png'" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["none.h5", "-o", "p.txt"], "none.h5"),
        (["f.h5", "-o", "f.h5"], "would replace an input"),
        (["f.h5", "-o", "p.txt", "--sequential", "0"], "--sequential"),
        (["f.h5", "-o", "p.txt", "--sequential", "2", "--index", "i"], "exclude each other"),
        (["f.h5", "-o", "p.txt", "--index", "none"], "none"),
    ],
)
@pytest.mark.usefixtures("names")
def test_mistakes_are_one_line(arguments: list[str], words: str) -> None:
    result = CliRunner().invoke(app, ["pairs", *arguments])
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert words in result.stderr
    assert not Path("p.txt").exists()
