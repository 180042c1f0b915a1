"""``siftcore extract`` as a batch: the same file by every way, and bad images told at the end."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

import siftcore
from siftcore.batch.images import find_images
from siftcore.batch.jobs import Job
from siftcore.batch.run import extract_batch
from siftcore.cli import app
from siftcore.io.hdf5 import list_features, read_features
from tests.batch.scenes import contents, write_photographs

h5py = pytest.importorskip("h5py", reason="feature files need h5py")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["extract", *map(str, arguments)])


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return write_photographs(tmp_path / "photos", 6)


def test_every_way_gives_the_same_bytes(photos: Path, tmp_path: Path) -> None:
    images = sorted(photos.rglob("*.jpg"))
    (photos / "list.txt").write_text("".join(f"{p.relative_to(photos)}\n" for p in images))
    ways = {
        "folder": ["photos"],
        "list": ["photos/list.txt", "--save-every", 2],
        "two workers": ["photos", "--workers", 2, "--save-every", 1],
    }
    for way, arguments in ways.items():
        result = run(*arguments, "-n", 5, "-o", f"{way}.h5")
        assert (result.exit_code, result.stderr) == (0, ""), way
        assert "of 6 images -> " in result.stdout
        assert (tmp_path / f"{way}.h5").read_bytes() == (tmp_path / "folder.h5").read_bytes()
    first = images[0].relative_to(photos).as_posix()
    expected = siftcore.extract(images[0], max_keypoints=5)
    found = read_features("folder.h5", first)
    assert len(found) == len(expected) == 5
    assert (found.descriptors == expected.descriptors).all()
    assert list(tmp_path.glob("*.part")) == []


def test_images_one_by_one_with_a_batch_option_are_a_batch(photos: Path, tmp_path: Path) -> None:
    result = run("photos/0/000.jpg", "none.jpg", "-o", "f.h5", "--workers", 0)
    assert result.exit_code == 3
    assert list_features("f.h5") == ("photos/0/000.jpg",)


@pytest.mark.parametrize("workers", [0, 2])
def test_bad_images_are_skipped_and_told(photos: Path, tmp_path: Path, workers: int) -> None:
    good = list_names(photos)
    (photos / "text.png").write_text("hello")
    (photos / "cut.jpg").write_bytes((photos / good[0]).read_bytes()[:700])
    result = run("photos", "-o", "f.h5", "--workers", workers)
    assert result.exit_code == 3
    assert list(list_features("f.h5")) == good
    lines = result.stderr.splitlines()
    assert lines[0].startswith("skipped cut.jpg: ")
    assert "truncated" in lines[0]
    assert lines[1].startswith("skipped text.png: its contents are in no image format")
    assert lines[2:] == ["2 of 8 images were skipped"]
    assert "of 6 images -> f.h5" in result.stdout
    assert list(tmp_path.glob("*.part")) == []


def list_names(photos: Path) -> list[str]:
    return [image.name for image in find_images([photos])]


def test_only_bad_images(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("hello")
    assert run(tmp_path, "-o", tmp_path / "f.h5").exit_code == 3
    assert list_features(tmp_path / "f.h5") == ()


def test_shards_are_the_whole(photos: Path, tmp_path: Path) -> None:
    assert run("photos", "-o", "all.h5").exit_code == 0
    whole = contents(tmp_path / "all.h5")
    parts: list[str] = []
    for i in (1, 2):
        assert run("photos", "-o", f"{i}.h5", "--shard", f"{i}/2", "--resume").exit_code == 0
        for name in list_features(f"{i}.h5"):
            parts.append(name)
            assert (
                contents(tmp_path / f"{i}.h5")[f"{name}/keypoints"][0]
                == whole[f"{name}/keypoints"][0]
            ).all()
    assert sorted(parts) == list(list_features("all.h5"))
    assert run("photos", "-o", "none.h5", "--shard", "9/9").exit_code == 0
    assert list_features("none.h5") == ()


class StopError(Exception):
    """In the middle of a run."""


def stop_after(count: int, photos: Path, output: Path, **changes: object) -> None:
    seen: list[str] = []

    def on_image(name: str) -> None:
        seen.append(name)
        if len(seen) == count:
            raise StopError

    with pytest.raises(StopError):
        extract_batch(
            find_images([photos]), output, Job(**changes), save_every=2, on_image=on_image
        )


def test_a_stopped_run_goes_on(photos: Path, tmp_path: Path, monkeypatch) -> None:
    assert run("photos", "-o", "whole.h5").exit_code == 0
    stop_after(5, Path("photos"), tmp_path / "f.h5")
    part = tmp_path / "f.h5.part"
    manifest = json.loads((part / "manifest.json").read_text())
    assert (manifest["provider"], manifest["number of images"]) == ("dog", 6)
    # What a kill in the middle of writing leaves behind.
    (part / ".siftcore-0123.tmp").write_bytes(b"half")
    (part / "whole.h5").write_bytes(b"half")

    result = run("photos", "-o", "f.h5")
    assert result.exit_code == 2
    assert "--resume" in result.stderr
    assert not (tmp_path / "f.h5").exists()

    for option, words in (
        (["-n", 9], "max_keypoints was None and is 9"),
        (["-p", "bicubic-x2"], "provider was 'dog' and is 'bicubic-x2'"),
        (["--preset", "opencv"], "min_octave_size was 12 and is 4"),
        (["--shard", "1/2"], "number of images was 6 and is 3"),
    ):
        result = run("photos", "-o", "f.h5", "--resume", *option)
        assert result.exit_code == 2
        assert words in result.stderr
    worked_on: list[str] = []
    extract = siftcore.extract
    monkeypatch.setattr(
        siftcore, "extract", lambda path, **k: worked_on.append(path) or extract(path, **k)
    )
    result = run("photos", "-o", "f.h5", "--resume")
    assert (result.exit_code, result.stderr) == (0, "4 of 6 images are done already\n")
    assert len(worked_on) == 2
    assert (tmp_path / "f.h5").read_bytes() == (tmp_path / "whole.h5").read_bytes()
    assert not part.exists()


@pytest.mark.parametrize("content", [b"", b'{"provider"', b"[]", b"\xff\x00"])
def test_a_damaged_manifest_is_named(photos: Path, tmp_path: Path, content: bytes) -> None:
    stop_after(3, Path("photos"), tmp_path / "f.h5")
    (tmp_path / "f.h5.part" / "manifest.json").write_bytes(content)
    result = run("photos", "-o", "f.h5", "--resume")
    assert result.exit_code == 2
    assert "manifest.json' is damaged" in result.stderr
    assert "delete" in result.stderr


def test_an_image_that_was_refused_is_tried_again(photos: Path, tmp_path: Path) -> None:
    image = photos / list_names(photos)[0]
    kept = image.read_bytes()
    image.write_text("not yet copied")
    stop_after(5, Path("photos"), tmp_path / "f.h5")
    image.write_bytes(kept)
    assert run("photos", "-o", "f.h5", "--resume").exit_code == 0
    assert len(list_features("f.h5")) == 6


def test_two_runs_at_once(photos: Path, tmp_path: Path) -> None:
    pytest.importorskip("fcntl", reason="no locks on Windows")
    errors: list[str] = []

    def start_another(name: str) -> None:
        result = run("photos", "-o", "f.h5", "--resume")
        errors.append(result.stderr)

    extract_batch(find_images(["photos"]), "f.h5", Job(), save_every=1, on_image=start_another)
    assert len(errors) == 6
    assert all("another process is writing" in error for error in errors)
    assert len(list_features("f.h5")) == 6


def test_an_interrupt_tells_how_to_go_on(photos: Path, tmp_path: Path, monkeypatch) -> None:
    count = 0
    extract = siftcore.extract

    def interrupted(path, **options):
        nonlocal count
        count += 1
        if count == 4:
            raise KeyboardInterrupt
        return extract(path, **options)

    monkeypatch.setattr(siftcore, "extract", interrupted)
    result = run("photos", "-o", "f.h5", "--save-every", 1)
    assert result.exit_code == 130
    assert result.stderr == "stopped; the same command with --resume goes on\n"
    assert run("photos", "-o", "f.h5", "--resume").exit_code == 0
    assert count == 7
    assert len(list_features("f.h5")) == 6


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["photos", "-o", "no/f.h5"], "'no' does not exist"),
        (["photos", "-o", "f.h5", "-p", "dgo"], "unknown provider"),
        (["photos", "-o", "f.h5", "--device", "gpu"], "'cuda'"),
        (["photos", "-o", "f.h5", "--device", "gpu", "--workers", "2"], "'cuda'"),
        (["photos", "-o", "f.h5", "--engine", "slurm"], "'process' or 'ray'"),
        (["photos", "-o", "f.h5", "--draw", "shown"], "--draw"),
        (["photos", "-o", "photos/0/000.jpg"], "would replace an input"),
        (["nothing/*.png", "-o", "f.h5"], "stands for no image"),
    ],
)
def test_errors_leave_nothing_behind(photos: Path, tmp_path: Path, arguments, words) -> None:
    before = sorted(tmp_path.rglob("*"))
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ")
    assert words in result.stderr
    assert sorted(tmp_path.rglob("*")) == before


def test_the_old_file_stays_until_the_end(photos: Path, tmp_path: Path) -> None:
    output = tmp_path / "f.h5"
    output.write_bytes(b"old")
    output.chmod(0o640)
    stop_after(3, Path("photos"), output)
    assert output.read_bytes() == b"old"
    assert run("photos", "-o", "f.h5", "--resume").exit_code == 0
    assert len(list_features(output)) == 6
    assert output.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("options", [[], ["--workers", "2"], ["--engine", "process"]])
def test_masks_by_colmaps_names(photos: Path, tmp_path: Path, options: list[str]) -> None:
    names = list_names(photos)
    mask = np.zeros((120, 160), np.uint8)
    mask[:, :80] = 255
    for name in names:
        cover = Image.fromarray(mask)
        (tmp_path / "masks" / name).parent.mkdir(parents=True, exist_ok=True)
        # A mask in colour is a mask too.
        cover.convert("RGB" if name == names[0] else "L").save(tmp_path / "masks" / f"{name}.png")
    (tmp_path / "masks" / f"{names[1]}.png").unlink()
    Image.new("L", (9, 9)).save(tmp_path / "masks" / f"{names[2]}.png")
    result = run("photos", "-o", "f.h5", "--masks", "masks", "-n", 20, *options)
    assert result.exit_code == 3
    told = result.stderr.splitlines()
    assert told[0].startswith(f"skipped {names[1]}: cannot read an image from ")
    assert f"{names[1]}.png': there is no such file" in told[0]
    assert told[1].startswith(f"skipped {names[2]}: mask must have the image's shape (H, W) = ")
    total = 0
    for name in {*names} - {names[1], names[2]}:
        found = read_features("f.h5", name)
        path = tmp_path / "masks" / f"{name}.png"
        expected = siftcore.extract(photos / name, mask=path, max_keypoints=20)
        assert len(found) == len(expected)
        total += len(found)
        assert (found.xy == expected.xy).all()
        assert (found.xy[:, 0] < found.image_size[0] / 2).all()
    assert total > 20


def test_masks_of_images_named_one_by_one(photos: Path, tmp_path: Path) -> None:
    name = list_names(photos)[0]
    picture = tmp_path / "a.png"
    with Image.open(photos / name) as photograph:
        photograph.save(picture)
        size = photograph.size
    (tmp_path / "masks").mkdir()
    # Of a PNG the name alone is enough, as for COLMAP.
    Image.new("L", size, 0).save(tmp_path / "masks" / "a.png")
    assert run("a.png", "-o", "f.h5", "--masks", "masks").exit_code == 0
    assert len(read_features("f.h5", "a.png")) == 0
    Image.new("L", size, 1).save(tmp_path / "masks" / "a.png.png")
    assert run("a.png", "-o", "f.h5", "--masks", "masks").exit_code == 0
    assert len(read_features("f.h5", "a.png")) > 0
    result = run("a.png", "-o", "g.h5", "--masks", "nothing")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "there is no such file" in result.stderr
