"""The folder of an index: round trips, and what is damaged or foreign."""

from __future__ import annotations

import json
import os

import pytest

import siftcore
from siftcore.errors import InputError, OutputError
from siftcore.io.hdf5 import write_features
from siftcore.retrieval import ImageIndex, IndexSettings, verify_candidates
from siftcore.retrieval.storage import check_index_writable
from tests.retrieval.conftest import ranking, reduced

faiss = pytest.importorskip("faiss", reason="retrieval needs FAISS")
pytest.importorskip("h5py", reason="feature files need h5py")
pytest.importorskip("poselib", reason="verification needs PoseLib")


@pytest.fixture
def saved(tmp_path, index):
    folder = tmp_path / "collection.index"
    index.save(folder)
    return folder


def change_manifest(folder, **changes):
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def forget_checksum(folder):
    """As if whoever made the files had also written the manifest."""
    document = json.loads((folder / "manifest.json").read_text())
    size = (folder / "structure.faiss").stat().st_size
    document["files"]["structure.faiss"] = {"bytes": size}
    change_manifest(folder, files=document["files"])


@pytest.mark.parametrize("kind", ["flat", "ivf-sq8"])
def test_a_loaded_index_gives_the_same_answers(tmp_path, collection, photographs, kind):
    made = ImageIndex.build(collection, IndexSettings(kind=kind, probes=5))
    made.save(tmp_path / "i")
    loaded = ImageIndex.load(tmp_path / "i")
    assert (loaded.names, loaded.providers) == (made.names, made.providers)
    assert loaded.settings == made.settings
    assert loaded.counts.tolist() == made.counts.tolist()
    for name in ("db/rocket.png", "db/gravel.png"):
        features = siftcore.extract(reduced(photographs[name], 2)).top(300)
        found = made.query(features)
        assert ranking(loaded.query(features)) == ranking(found)
        assert ranking(verify_candidates(loaded, features, found)) == ranking(
            verify_candidates(made, features, found)
        )


def test_the_folder_holds_no_pickle_and_can_be_moved(tmp_path, saved, collection):
    assert sorted(os.listdir(saved)) == ["features.h5", "manifest.json", "structure.faiss"]
    assert os.listdir(tmp_path) == ["collection.index"]
    moved = saved.rename(tmp_path / "elsewhere")
    features = collection["db/coins.png"]
    loaded = ImageIndex.load(moved)
    first = verify_candidates(loaded, features, loaded.query(features))[0]
    assert (first.name, first.votes) == ("db/coins.png", len(features))


def test_a_feature_file_may_go_once_the_index_is_saved(tmp_path, collection):
    write_features(tmp_path / "f.h5", collection)
    made = ImageIndex.from_file(tmp_path / "f.h5")
    made.save(tmp_path / "i")
    # A replaced file must not reach the index through the link.
    write_features(tmp_path / "f.h5", {"other": collection["db/camera.png"]})
    loaded = ImageIndex.load(tmp_path / "i")
    assert len(loaded.features("db/coins.png")) == len(collection["db/coins.png"])


def test_without_links_the_features_are_copied(tmp_path, collection, monkeypatch):
    write_features(tmp_path / "f.h5", collection)

    def refuse(*_):
        raise OSError("no links here")

    monkeypatch.setattr(os, "link", refuse)
    ImageIndex.from_file(tmp_path / "f.h5").save(tmp_path / "i")
    (tmp_path / "f.h5").unlink()
    assert len(ImageIndex.load(tmp_path / "i").features("db/coins.png")) > 0


def test_an_index_is_replaced_even_by_itself(saved, collection):
    loaded = ImageIndex.load(saved)
    loaded.save(saved)
    assert ImageIndex.load(saved).names == loaded.names
    ImageIndex.build({"only": collection["db/coins.png"]}).save(saved)
    assert ImageIndex.load(saved).names == ("only",)
    assert os.listdir(saved.parent) == [saved.name]


def test_an_empty_collection_is_saved_too(tmp_path):
    ImageIndex.build({}).save(tmp_path / "i")
    assert len(ImageIndex.load(tmp_path / "i")) == 0


def test_nothing_else_is_replaced(tmp_path, index):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    (tmp_path / "file").write_text("text")
    for target in (tmp_path / "mine", tmp_path / "file"):
        for write in (index.save, check_index_writable):
            with pytest.raises(OutputError, match="something else is there"):
                write(target)
    with pytest.raises(OutputError, match="does not exist; make it first"):
        index.save(tmp_path / "no" / "i")
    assert sorted(os.listdir(tmp_path)) == ["file", "mine"]
    assert (tmp_path / "mine" / "letter.txt").read_text() == "dear"


def test_a_failed_save_leaves_the_old_index(saved, index, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(index.parts[0].source), "write", full)
    with pytest.raises(OutputError, match="No space left"):
        index.save(saved)
    monkeypatch.undo()
    assert ImageIndex.load(saved).names == index.names
    assert os.listdir(saved.parent) == [saved.name]


def test_no_index_there(tmp_path):
    (tmp_path / "file").write_text("text")
    for path in (tmp_path / "nothing", tmp_path, tmp_path / "file"):
        with pytest.raises(InputError, match="no index at"):
            ImageIndex.load(path)


@pytest.mark.parametrize("name", ["structure.faiss", "features.h5"])
@pytest.mark.parametrize("damage", ["gone", "truncated", "longer"])
def test_damaged_files_are_named(saved, name, damage):
    path = saved / name
    content = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(content[:-100] if damage == "truncated" else content + b"x")
    with pytest.raises(InputError, match=rf"damaged: {name}.*build it anew"):
        ImageIndex.load(saved)


def test_one_changed_byte_is_found(saved):
    path = saved / "structure.faiss"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"checksum of structure\.faiss"):
        ImageIndex.load(saved)


def test_a_foreign_structure_is_refused(saved):
    faiss.write_index(faiss.IndexFlatL2(64), str(saved / "structure.faiss"))
    forget_checksum(saved)
    with pytest.raises(InputError, match="0 descriptors of length 64"):
        ImageIndex.load(saved)
    (saved / "structure.faiss").write_bytes(b"not an index of FAISS at all")
    forget_checksum(saved)
    with pytest.raises(InputError, match=r"FAISS cannot read structure\.faiss"):
        ImageIndex.load(saved)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"),
        ("[]", "something else than an index"),
        ('{"format": "other"}', "something else than an index"),
        ('{"format": "siftcore image index", "version": 99}', "version 99"),
        ('{"format": "siftcore image index", "version": 2}', "lacks or misstates 'files'"),
        ("\x00\xff", "not JSON"),
    ],
)
def test_a_damaged_manifest(saved, text, message):
    (saved / "manifest.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match=message):
        ImageIndex.load(saved)


@pytest.mark.parametrize(
    "changes",
    [
        {"parts": [{"features": "features.h5", "images": {"a": -1}}]},
        {"parts": [{"features": "features.h5", "images": {"a": "3"}}]},
        {"parts": [{"features": "features.h5", "images": ["a"]}]},
        {"parts": [{"features": "features.h5", "images": {"a": 3}}]},
        {"parts": [{"features": "../features.h5", "images": {}}]},
        {"parts": [{"features": 3, "images": {}}]},
        {"parts": {"features": "features.h5"}},
        {"parts": 3},
        {"structure": "manifest.json"},
        {"providers": 3},
        {"settings": {"kind": "hnsw"}},
        {"settings": {"colour": "red"}},
        {"settings": None},
        {"files": {}},
        {"files": {"structure.faiss": 3}},
    ],
)
def test_a_manifest_that_misstates(saved, changes):
    change_manifest(saved, **changes)
    with pytest.raises(InputError, match="is damaged"):
        ImageIndex.load(saved)


def test_an_image_that_a_manifest_names_twice(saved):
    (part,) = json.loads((saved / "manifest.json").read_text())["parts"]
    none = {"features": "features.h5", "images": dict.fromkeys(part["images"], 0)}
    change_manifest(saved, parts=[part, none])
    with pytest.raises(InputError, match="names an image twice"):
        ImageIndex.load(saved)


def test_features_that_are_not_those_of_the_index(tmp_path, collection):
    write_features(tmp_path / "f.h5", collection)
    made = ImageIndex.from_file(tmp_path / "f.h5")
    features = collection["db/coins.png"]
    found = made.query(features)
    write_features(tmp_path / "f.h5", {n: each[:7] for n, each in collection.items()})
    with pytest.raises(InputError, match="not those that were indexed"):
        verify_candidates(made, features, found)
    (tmp_path / "f.h5").unlink()
    with pytest.raises(InputError, match="no such file"):
        verify_candidates(made, features, found)
    with pytest.raises(InputError, match="is gone"):
        made.save(tmp_path / "i")
