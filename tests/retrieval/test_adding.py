"""Images that are added to an index: the same answers, once each, and whole or not at all."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap

import pytest
from typer.testing import CliRunner

import siftcore
from siftcore.cli import app
from siftcore.errors import InputError, OutputError
from siftcore.io.hdf5 import write_features
from siftcore.retrieval import ImageIndex, IndexSettings, manifest, storage, verify_candidates
from tests.retrieval.conftest import ranking, reduced

pytest.importorskip("faiss", reason="retrieval needs FAISS")
pytest.importorskip("h5py", reason="feature files need h5py")
pytest.importorskip("poselib", reason="verification needs PoseLib")

# Added images come before and behind the earlier ones by name.
LATER = ("db/astronaut.png", "db/coffee.png", "db/rocket.png")


def asked(index, photographs):
    """The answers to a few queries."""
    found = []
    for name in ("db/coffee.png", "db/brick.png"):
        features = siftcore.extract(reduced(photographs[name], 2)).top(300)
        voted = index.query(features)
        found.append(ranking(voted) + ranking(verify_candidates(index, features, voted)))
    return found


@pytest.fixture
def halves(collection):
    later = {name: collection[name] for name in LATER}
    return {name: each for name, each in collection.items() if name not in later}, later


@pytest.fixture
def saved(tmp_path, monkeypatch, halves):
    """The current folder, with first.h5 in c.index and later.h5 to be added."""
    monkeypatch.chdir(tmp_path)
    write_features("first.h5", halves[0])
    write_features("later.h5", halves[1])
    ImageIndex.from_file("first.h5").save("c.index")
    return tmp_path / "c.index"


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_exact_search_answers_as_an_index_built_at_once(halves, index, photographs):
    made = ImageIndex.build(halves[0])
    assert made.add(halves[1]) == LATER
    assert sorted(made.names) == list(index.names)
    assert made.names[-3:] == LATER
    assert made.n_descriptors == index.n_descriptors == made.structure.ntotal
    assert asked(made, photographs) == asked(index, photographs)


@pytest.mark.parametrize("kind", ["flat", "ivf-sq8"])
def test_what_was_added_is_found_also_when_loaded(saved, halves, photographs, kind):
    made = ImageIndex.build(halves[0], IndexSettings(kind=kind, probes=30))
    assert made.add_file("later.h5") == LATER
    assert made.settings.kind == kind
    first, *_ = made.query(halves[1]["db/coffee.png"])
    assert first.name == "db/coffee.png"
    made.save("other.index")
    loaded = ImageIndex.load("other.index")
    assert loaded.names == made.names
    assert asked(loaded, photographs) == asked(made, photographs)


def test_equal_images_are_ranked_by_name_whenever_they_came(collection):
    features = collection["db/camera.png"]
    made = ImageIndex.build({"b": features, "c": features})
    made.add({"a": features})
    assert [each.name for each in made.query(features[:40])] == ["a", "b", "c"]


def test_an_image_is_in_once(halves, collection):
    made = ImageIndex.build(halves[0])
    assert made.add(collection) == LATER
    assert made.add(collection) == ()
    assert len(made) == len(set(made.names)) == len(collection)
    assert made.structure.ntotal == made.n_descriptors


@pytest.mark.parametrize("change", ["fewer", "others"])
def test_other_features_of_an_image_are_refused(halves, collection, change):
    made = ImageIndex.build(halves[0])
    features = collection["db/camera.png"]
    other = features[:-1] if change == "fewer" else features[::-1]
    with pytest.raises(InputError, match=r"'db/camera\.png' is in the index already"):
        made.add({**halves[1], "db/camera.png": other})
    assert (len(made), made.structure.ntotal) == (len(halves[0]), made.n_descriptors)


@pytest.mark.parametrize("kind", ["flat", "ivf-sq8"])
def test_an_error_in_the_middle_adds_nothing(saved, halves, photographs, kind):
    made = ImageIndex.build(halves[0], IndexSettings(kind=kind))
    before = asked(made, photographs)

    def stop(name):
        if name == LATER[1]:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made.add_file("later.h5", stop)
    assert made.structure.ntotal == made.n_descriptors
    assert asked(made, photographs) == before
    assert made.add_file("later.h5") == LATER


def test_an_empty_index_takes_images(collection):
    made = ImageIndex.build({})
    assert made.add({"blank": collection["db/blank.png"]}) == ("blank",)
    assert made.add({"camera": collection["db/camera.png"]}) == ("camera",)
    assert [each.name for each in made.query(collection["db/camera.png"])] == ["camera"]


def test_the_command(saved, index, photographs):
    features = (saved / "features.h5").stat().st_ino
    made = run("index", "later.h5", "-o", "c.index", "--add")
    assert made.exit_code == 0, made.stderr
    first, second = made.stdout.splitlines()
    assert first == "3 images added"
    assert second.startswith(
        f"{index.n_descriptors} descriptors of 9 images -> c.index (flat, 512 bytes"
    )
    assert sorted(os.listdir(saved)) == [
        "features-2.h5", "features.h5", "manifest.json", "structure-2.faiss",
    ]  # fmt: skip
    assert (saved / "features.h5").stat().st_ino == features, "earlier features were copied"
    assert asked(ImageIndex.load(saved), photographs) == asked(index, photographs)
    (saved.parent / "later.h5").unlink()
    moved = saved.rename(saved.parent / "elsewhere")
    assert asked(ImageIndex.load(moved), photographs) == asked(index, photographs)


def test_the_command_again_changes_nothing(saved):
    run("index", "later.h5", "-o", "c.index", "--add", "--kind", "auto")
    before = {path.name: path.stat().st_mtime_ns for path in saved.iterdir()}
    again = run("index", "later.h5", "-o", "c.index", "--add", "--kind", "flat", "--probes", "16")
    assert again.exit_code == 0, again.stderr
    assert again.stdout.startswith("0 images added, 3 there already\n")
    assert {path.name: path.stat().st_mtime_ns for path in saved.iterdir()} == before


def test_without_add_it_is_replaced(saved):
    assert run("index", "later.h5", "-o", "c.index").exit_code == 0
    assert ImageIndex.load(saved).names == LATER
    assert sorted(os.listdir(saved)) == ["features-2.h5", "manifest.json", "structure-2.faiss"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--kind", "ivf-sq8"], ["kind flat, not ivf-sq8"]),
        (["--probes", "3", "--no-root"], ["probes 16, not 3", "root True, not False"]),
        (["--kind", "hnsw"], ["kind", "hnsw"]),
    ],
)
def test_other_settings_are_an_error(saved, arguments, words):
    before = (saved / "manifest.json").read_bytes()
    result = run("index", "later.h5", "-o", "c.index", "--add", *arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ")
    for word in words:
        assert word in result.stderr
    assert (saved / "manifest.json").read_bytes() == before
    assert sorted(os.listdir(saved)) == ["features.h5", "manifest.json", "structure.faiss"]


def test_there_must_be_an_index(saved):
    result = run("index", "later.h5", "-o", "no.index", "--add")
    assert (result.exit_code, "no index at 'no.index'" in result.stderr) == (2, True)
    assert not os.path.exists("no.index")


def test_two_that_add_at_once(saved):
    pytest.importorskip("fcntl", reason="no locks on Windows")
    with storage.extend_index(saved) as made:
        result = run("index", "later.h5", "-o", "c.index", "--add")
        assert result.exit_code == 2
        assert "another process is writing" in result.stderr
        # Who only reads is not kept out.
        assert len(ImageIndex.load(saved)) == 6
        made.add_file("later.h5")
    assert len(ImageIndex.load(saved)) == 9


def test_a_full_disk_leaves_the_old_index(saved, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(storage, "write_manifest", full)
        with (
            pytest.raises(OutputError, match="No space left"),
            storage.extend_index(saved) as made,
        ):
            made.add_file("later.h5")
    assert len(ImageIndex.load(saved)) == 6
    assert sorted(os.listdir(saved)) == ["features.h5", "manifest.json", "structure.faiss"]


def test_a_reader_of_an_index_that_is_replaced_meanwhile_gets_the_new_one(saved, monkeypatch):
    old = manifest.read_manifest(saved)
    assert run("index", "later.h5", "-o", "c.index", "--add").exit_code == 0
    given = [old]

    def read(folder):
        return given.pop() if given else manifest.read_manifest(folder)

    monkeypatch.setattr(storage, "read_manifest", read)
    assert len(ImageIndex.load(saved)) == 9


# The n-th call that changes a name in the file system is not made: the process dies there.
KILLED = """
import os, signal, sys
from pathlib import Path
from siftcore.retrieval.storage import extend_index

left = int(sys.argv[1])

def deadly(call):
    def made(*arguments, **options):
        global left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
        return call(*arguments, **options)
    return made

with extend_index(Path("c.index")) as index:
    for name in ("replace", "link", "unlink"):
        setattr(os, name, deadly(getattr(os, name)))
    index.add_file("later.h5")
"""


def test_killed_at_every_step(saved):
    before = ImageIndex.load(saved).names
    shutil.copytree(saved, "kept")
    sizes, step, ended = [], 0, None
    while ended != 0:
        shutil.rmtree(saved)
        shutil.copytree("kept", saved)
        command = [sys.executable, "-c", textwrap.dedent(KILLED), str(step)]
        ended = subprocess.run(command, check=False, timeout=120).returncode
        assert ended in (0, -signal.SIGKILL)
        loaded = ImageIndex.load(saved)
        sizes.append(len(loaded))
        assert loaded.names[:6] == before
        assert all(len(loaded.features(name)) >= 0 for name in loaded.names)
        with storage.extend_index(saved) as made:
            made.add_file("later.h5")
        assert len(ImageIndex.load(saved)) == 9
        # What the killed one left is gone.
        assert len(os.listdir(saved)) == 4
        step += 1
    # Before the manifest is renamed the old index is there, and from then on the new one.
    assert sizes == sorted(sizes)
    assert (sizes[0], sizes[-1]) == (6, 9)
    # The structure, the features and the manifest get their names, and the old structure goes;
    # this last one Python 3.10's pathlib does unseen.
    assert step >= 4 + (sys.version_info >= (3, 11))
