"""Matches and pairs as hloc stores them, read here with bare h5py."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from siftcore.errors import InputError
from siftcore.io.hdf5 import read_features, write_features
from siftcore.io.hloc_matches import read_matches, write_matches
from siftcore.io.pairs import read_pairs, write_pairs
from siftcore.types import Features, Matches


def make(indices):
    indices = np.asarray(indices, np.int32).reshape(-1, 2)
    n = len(indices)
    return Matches(indices, np.ones(n, np.float32), np.full(n, 0.25, np.float32))


def test_layout(tmp_path):
    write_matches(tmp_path / "m.h5", [("db/a.jpg", "q/b.jpg", make([[0, 4], [2, 1]]), 3)])
    with h5py.File(tmp_path / "m.h5") as file:
        group = file["db-a.jpg/q-b.jpg"]
        assert group["matches0"].dtype == np.int16
        assert group["matches0"][()].tolist() == [4, -1, 1]
        assert group["matching_scores0"].dtype == np.float16
        assert group["matching_scores0"][()].tolist() == [0.75, 0, 0.75]
    there = read_matches(tmp_path / "m.h5", "db/a.jpg", "q/b.jpg")
    assert there.indices.tolist() == [[0, 4], [2, 1]]
    back = read_matches(tmp_path / "m.h5", "q/b.jpg", "db/a.jpg")
    assert back.indices.tolist() == [[1, 2], [4, 0]]


def test_a_turned_pair_keeps_each_matchs_score(tmp_path):
    ratio = np.array([0.25, 0.5], np.float32)
    matches = Matches(np.array([[0, 4], [2, 0]], np.int32), np.ones(2, np.float32), ratio)
    write_matches(tmp_path / "m.h5", [("a", "b", matches, 3)])
    assert read_matches(tmp_path / "m.h5", "a", "b").ratio.tolist() == [0.25, 0.5]
    back = read_matches(tmp_path / "m.h5", "b", "a")
    assert back.indices.tolist() == [[0, 2], [4, 0]]
    assert back.ratio.tolist() == [0.5, 0.25]


@pytest.mark.parametrize(("row", "dtype"), [(32767, np.int16), (32768, np.int32)])
def test_rows_beyond_int16(tmp_path, row, dtype):
    write_matches(tmp_path / "m.h5", [("a", "b", make([[0, row]]), 1)])
    with h5py.File(tmp_path / "m.h5") as file:
        assert file["a/b/matches0"].dtype == dtype
    assert read_matches(tmp_path / "m.h5", "a", "b").indices.tolist() == [[0, row]]


def test_no_keypoints(tmp_path):
    write_matches(tmp_path / "m.h5", [("a", "b", make([]), 0)])
    assert len(read_matches(tmp_path / "m.h5", "a", "b")) == 0


@pytest.mark.parametrize("indices", [[[3, 0]], [[0, 1], [0, 2]], [[0, -1]]])
def test_impossible_matches(tmp_path, indices):
    with pytest.raises(InputError, match="match the same features again"):
        write_matches(tmp_path / "m.h5", [("a", "b", make(indices), 3)])
    assert not list(tmp_path.iterdir())


def test_bad_files(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_matches(tmp_path / "m.h5", "a", "b")
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file["a/b/matches0"] = np.zeros((2, 2), np.int16)
    with pytest.raises(InputError, match="match again"):
        read_matches(tmp_path / "m.h5", "a", "b")
    with pytest.raises(InputError, match="has no matches"):
        read_matches(tmp_path / "m.h5", "a", "c")


def test_pairs(tmp_path):
    pairs = [("db/a.jpg", "q/ä.jpg"), ("b", "c")]
    write_pairs(tmp_path / "p.txt", pairs)
    assert (tmp_path / "p.txt").read_bytes() == "db/a.jpg q/ä.jpg\nb c\n".encode()
    assert read_pairs(tmp_path / "p.txt") == pairs
    with pytest.raises(InputError, match="cannot read pairs"):
        read_pairs(tmp_path / "none.txt")
    (tmp_path / "p.txt").write_text("a b\n\na b c\n")
    with pytest.raises(InputError, match="line 3"):
        read_pairs(tmp_path / "p.txt")
    with pytest.raises(InputError, match="white space"):
        write_pairs(tmp_path / "q.txt", [("a b", "c")])


def test_features_of_several_names(tmp_path):
    write_features(tmp_path / "f.h5", {n: Features.empty((4, 3), "dog") for n in ("a", "b")})
    assert list(read_features(tmp_path / "f.h5", ["b", "a"])) == ["b", "a"]


def test_a_truncated_file(tmp_path):
    path = tmp_path / "m.h5"
    write_matches(path, [("a", "b", make([[0, 1]]), 2)])
    path.write_bytes(path.read_bytes()[:700])
    with pytest.raises(InputError, match="damaged"):
        read_matches(path, "a", "b")


@pytest.mark.parametrize("name", ["", ".", "a\0", "\udcff.png"])
def test_names_that_cannot_be_groups(tmp_path, name):
    with pytest.raises(InputError, match="an image name must be"):
        write_matches(tmp_path / "m.h5", [(name, "b", make([]), 0)])
    assert not list(tmp_path.iterdir())


def test_a_pair_is_given_once(tmp_path):
    with pytest.raises(InputError, match="given twice"):
        write_matches(tmp_path / "m.h5", [("a/b", "c", make([]), 0), ("c", "a-b", make([]), 0)])
