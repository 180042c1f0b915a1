"""Feature files: exact round trips, hloc's layout, and clear words for bad files."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import h5py
import numpy as np
import pytest

from siftcore.errors import InputError, MissingDependencyError, OutputError, ParameterError
from siftcore.io._hdf5_file import create_hdf5
from siftcore.io._sink import ErrorKeepingFile
from siftcore.io.glue_factory import read_glue_factory
from siftcore.io.hdf5 import (
    list_features,
    read_descriptor_kind,
    read_features,
    write_features,
)
from siftcore.io.hloc_matches import read_matches
from siftcore.types import Features

FIELDS = ("xy", "sigma", "angle", "response", "octave", "level", "descriptors")


def make_features(n=7, seed=0, provider="dog"):
    rng = np.random.default_rng(seed)
    return Features(
        xy=rng.uniform(0, 5000, (n, 2)),
        sigma=rng.uniform(0.8, 90, n),
        angle=rng.uniform(0, 2 * np.pi, n),
        response=rng.uniform(0.01, 0.3, n),
        octave=rng.integers(-2, 7, n),
        level=rng.uniform(0.5, 3.5, n),
        descriptors=rng.random((n, 128)),
        image_size=(5000, 4321),
        provider=provider,
    )


def assert_equal(a, b):
    for field in FIELDS:
        x, y = getattr(a, field), getattr(b, field)
        assert x.dtype == y.dtype
        np.testing.assert_array_equal(x, y)
    assert (a.image_size, a.provider) == (b.image_size, b.provider)


@pytest.mark.parametrize("n", [0, 1, 7])
def test_round_trip_is_exact(tmp_path, n):
    features = make_features(n, provider="method3-x2")
    write_features(tmp_path / "f.h5", {"db/sub/1.jpg": features})
    assert_equal(read_features(tmp_path / "f.h5", "db/sub/1.jpg"), features)


def test_several_images_from_a_generator(tmp_path):
    made = {f"db/{i}.jpg": make_features(i, seed=i) for i in range(3)} | {
        "ä q.png": make_features()
    }
    write_features(str(tmp_path / "f.h5"), (pair for pair in made.items()))
    assert list_features(tmp_path / "f.h5") == tuple(sorted(made))
    for name, features in made.items():
        assert_equal(read_features(tmp_path / "f.h5", name), features)


def test_the_layout_is_the_one_of_hloc(tmp_path):
    features = make_features(5)
    write_features(tmp_path / "f.h5", {"db/1.jpg": features})
    with h5py.File(tmp_path / "f.h5") as file:
        # As hloc lists the images of a file: the parents of all datasets.
        parents = set()
        file.visititems(
            lambda _, node: (
                parents.add(node.parent.name) if isinstance(node, h5py.Dataset) else None
            )
        )
        assert parents == {"/db/1.jpg"}
        group = file["db/1.jpg"]
        arrays = {key: value.__array__() for key, value in group.items()}
    assert arrays["keypoints"].dtype == np.float32, "float16 would round to whole pixels"
    np.testing.assert_array_equal(arrays["keypoints"], features.xy)
    np.testing.assert_array_equal(arrays["scores"], features.response)
    np.testing.assert_array_equal(arrays["scales"], features.sigma)
    np.testing.assert_allclose(arrays["oris"], features.angle * 180 / np.pi, rtol=1e-6)
    assert arrays["oris"].dtype == np.float32
    assert arrays["descriptors"].shape == (128, 5)
    np.testing.assert_array_equal(arrays["descriptors"][:, 2], features.descriptors[2])
    assert arrays["image_size"].tolist() == [5000, 4321]
    # hloc turns every dataset of a group into a tensor.
    assert all(a.ndim >= 1 and a.dtype.kind in "fiu" for a in arrays.values())


def test_a_file_says_what_its_descriptors_are(tmp_path):
    path = tmp_path / "a.h5"
    for kind in ("sift", "rootsift", None):
        write_features(path, {"1.jpg": make_features()}, kind)
        assert read_descriptor_kind(path) == kind
    with pytest.raises(ParameterError, match="descriptor"):
        write_features(path, {"1.jpg": make_features()}, "surf")
    assert read_descriptor_kind(path) is None
    with h5py.File(path, "a") as file:
        file.attrs["descriptor"] = [1, 2]
    assert read_descriptor_kind(path) is None


def test_same_features_same_bytes(tmp_path):
    for name in ("a.h5", "b.h5"):
        write_features(tmp_path / name, {"1.jpg": make_features()})
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([""], "relative path"),
        (["/a.png"], "relative path"),
        (["a//b.png"], "relative path"),
        (["./a.png"], "relative path"),
        (["a/"], "relative path"),
        (["a\0b"], "relative path"),
        (["a\udcff.png"], "UTF-8"),
        (["a.png", "b.png", "a.png"], "given twice"),
        (["a", "a/b.png"], "both an image and a folder"),
        (["a/b/c.png", "a/b"], "both an image and a folder"),
    ],
)
def test_bad_names_are_refused_and_nothing_is_written(tmp_path, names, message):
    with pytest.raises(InputError, match=message):
        write_features(tmp_path / "f.h5", [(name, make_features()) for name in names])
    assert os.listdir(tmp_path) == []


def test_names_that_only_begin_alike_are_taken(tmp_path):
    names = ["a", "ab/c", "a.png", "b/a", "b/ab", "c/keypoints/1.png"]
    write_features(tmp_path / "f.h5", [(name, make_features()) for name in names])
    assert list_features(tmp_path / "f.h5") == tuple(sorted(names))


def test_an_error_while_extracting_keeps_the_old_file(tmp_path):
    target = tmp_path / "f.h5"
    write_features(target, {"old.png": make_features()})

    def failing():
        yield "new.png", make_features()
        raise RuntimeError("write to the author")

    with pytest.raises(RuntimeError, match="write to the author"):
        write_features(target, failing())
    assert list_features(target) == ("old.png",)
    assert os.listdir(tmp_path) == ["f.h5"]


@pytest.mark.parametrize("place", ["no/f.h5", "file/f.h5", "folder"])
def test_an_unwritable_place_is_an_output_error(tmp_path, place):
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError, match="cannot write"):
        write_features(tmp_path / place, {"a.png": make_features()})


@pytest.mark.parametrize("limit", [0, 100, 3_000, 10_000, 300_000])
def test_a_full_disk_is_an_output_error(tmp_path, limit):
    # A limit on file sizes stands in for a full disk. HDF5 left to itself crashes here.
    code = """
        import resource, sys
        import h5py
        from siftcore.errors import OutputError
        from siftcore.io.hdf5 import write_features
        from tests.unit.test_hdf5 import make_features
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
        taken = []
        def images():
            for i in range(9):
                taken.append(i)
                yield f"{i}.png", make_features(300)
        try:
            write_features(sys.argv[1], images())
        except OutputError as error:
            print(error)
        # The third image at the latest does not fit any more.
        print(len(taken) <= 3)
    """
    target = tmp_path / "f.h5"
    target.write_text("old")
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(target), str(limit)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.stdout.startswith(f"cannot write {str(target)!r}: File too large")
    assert done.stdout.endswith("\nTrue\n"), "it stops there, and does not extract the rest"
    assert done.stderr == ""
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["f.h5"]


def test_hdf5_may_close_its_file_after_ours(tmp_path, capfd):
    """As when a stop comes while the two are closed: nobody can take an error then."""
    (tmp_path / "f.h5").touch()
    with ErrorKeepingFile(tmp_path / "f.h5") as sink:
        file = h5py.File(sink, "w", libver="earliest")
        file["row"] = np.arange(100)
    del file
    gc.collect()
    assert capfd.readouterr().err == ""
    with pytest.raises(ValueError, match="closed file"):
        sink.raise_error()


@pytest.mark.skipif(os.name != "posix", reason="the system has no signals between processes")
@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("step", ["__init__", "close"])
def test_an_interrupt_leaves_no_file_open(tmp_path, monkeypatch, step):
    """One that stays open until after the end of the interpreter crashes the process."""
    opened, usual = [], getattr(h5py.File, step)

    def interrupted(file, *arguments, **keywords):
        opened.append(file)
        if step == "__init__":
            usual(file, *arguments, **keywords)
        os.kill(os.getpid(), signal.SIGINT)
        if step == "close":
            usual(file)

    def write():
        with create_hdf5(tmp_path / "f.h5") as (file, _):
            file["row"] = np.arange(100)

    monkeypatch.setattr(h5py.File, step, interrupted)
    with pytest.raises(KeyboardInterrupt):
        write()
    assert [bool(file) for file in opened] == [False]
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_image_names_near_ones(tmp_path):
    write_features(tmp_path / "f.h5", {f"db/{i}.jpg": make_features(1) for i in range(5)})
    for name in ("db/7.jpg", "db", "/", "", "db/1.jpg/keypoints"):
        with pytest.raises(InputError, match=r"it holds 5, such as 'db/"):
            read_features(tmp_path / "f.h5", name)


def test_a_file_without_images(tmp_path):
    write_features(tmp_path / "f.h5", {})
    assert list_features(tmp_path / "f.h5") == ()
    with pytest.raises(InputError, match="holds no image at all"):
        read_features(tmp_path / "f.h5", "a.png")


def bad_files(folder):
    write_features(folder / "good.h5", {"a.png": make_features(500)})
    content = (folder / "good.h5").read_bytes()
    (folder / "truncated").write_bytes(content[: len(content) // 2])
    (folder / "text").write_text("hello")
    (folder / "empty").write_bytes(b"")
    (folder / "folder").mkdir()


@pytest.mark.parametrize("kind", ["truncated", "text", "empty", "folder", "missing"])
def test_a_bad_file_is_an_input_error(tmp_path, kind):
    bad_files(tmp_path)
    with pytest.raises(InputError, match="cannot read features from"):
        read_features(tmp_path / kind, "a.png")
    with pytest.raises(InputError, match="cannot read features from"):
        list_features(tmp_path / kind)


@pytest.mark.parametrize("kind", ["truncated", "text", "empty", "folder", "missing"])
def test_the_error_says_what_the_file_should_be(tmp_path, kind):
    bad_files(tmp_path)
    path = tmp_path / kind
    for contents, program, read in [
        ("features", "hloc", lambda: read_features(path, "a.png")),
        ("matches", "hloc", lambda: read_matches(path, "a.png", "b.png")),
        ("features", "glue-factory", lambda: read_glue_factory(path, "a.png", (64, 48))),
    ]:
        with pytest.raises(InputError) as caught:
            read()
        said = str(caught.value)
        assert said.startswith(f"cannot read {contents} from {str(path)!r}: ")
        layout = f"not an HDF5 file of {contents} in {program}'s layout"
        assert ("no such file" if kind == "missing" else layout) in said


def test_a_file_of_hloc_itself_is_listed_but_not_read(tmp_path):
    with h5py.File(tmp_path / "f.h5", "w") as file:
        file.create_group("a.png").create_dataset("keypoints", data=np.zeros((3, 2)))
    assert list_features(tmp_path / "f.h5") == ("a.png",)
    with pytest.raises(InputError, match=r"lacks scales, .* extract it again"):
        read_features(tmp_path / "f.h5", "a.png")


def test_arrays_of_unequal_length_are_an_input_error(tmp_path):
    write_features(tmp_path / "f.h5", {"a.png": make_features(3)})
    with h5py.File(tmp_path / "f.h5", "r+") as file:
        del file["a.png/scales"]
        file["a.png/scales"] = np.zeros(2, np.float32)
    with pytest.raises(InputError, match="sigma"):
        read_features(tmp_path / "f.h5", "a.png")


def test_without_h5py(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(MissingDependencyError, match=r"siftcore\[h5\]"):
        write_features(tmp_path / "f.h5", {})
    with pytest.raises(MissingDependencyError, match=r"siftcore\[h5\]"):
        list_features(tmp_path / "f.h5")
    assert os.listdir(tmp_path) == []
