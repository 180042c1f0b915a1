"""Pairs of a list, matched from a file of features into hloc's layout."""

import numpy as np
import pytest
from typer.testing import CliRunner

import siftcore
from siftcore.cli import app
from siftcore.io.hdf5 import write_features

h5py = pytest.importorskip("h5py", reason="feature files need h5py")


@pytest.fixture(scope="module")
def features():
    noise = np.random.default_rng(5).random((100, 130))
    image = np.kron(noise[::4, ::4], np.ones((4, 4))).astype(np.float32)
    return {"db/a.png": siftcore.extract(image[:, 8:]), "b.png": siftcore.extract(image[:, :-8])}


def run(*arguments):
    return CliRunner().invoke(app, ["match-pairs", *map(str, arguments)])


@pytest.mark.parametrize("no_mutual", [False, True])
def test_matches_are_those_of_the_library(tmp_path, features, no_mutual):
    write_features(tmp_path / "f.h5", features)
    (tmp_path / "pairs.txt").write_text("db/a.png b.png\n")
    options = ["--ratio", "0.9", *["--no-mutual"] * no_mutual]
    out = tmp_path / "m.h5"
    result = run(tmp_path / "pairs.txt", tmp_path / "f.h5", "-o", out, *options)
    assert result.exit_code == 0, result.output
    first, second = features.values()
    expected = siftcore.match_features(first, second, ratio=0.9, mutual=not no_mutual)
    assert len(expected) > 5
    partner = np.full(len(first), -1)
    partner[expected.indices[:, 0]] = expected.indices[:, 1]
    with h5py.File(out) as file:
        np.testing.assert_array_equal(file["db-a.png/b.png/matches0"][()], partner)


def test_an_unknown_name_leaves_the_old_file(tmp_path, features):
    write_features(tmp_path / "f.h5", features)
    (tmp_path / "pairs.txt").write_text("db/a.png b.png\nb.png none.png\n")
    (tmp_path / "m.h5").write_bytes(b"old")
    result = run(tmp_path / "pairs.txt", tmp_path / "f.h5", "-o", tmp_path / "m.h5")
    assert result.exit_code == 2
    assert "none.png" in result.stderr
    assert (tmp_path / "m.h5").read_bytes() == b"old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["f.h5", "m.h5", "pairs.txt"]
