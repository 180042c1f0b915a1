"""What a batch has done so far, kept beside its output so that a later run goes on from it.

``OUTPUT.part/`` holds

- ``manifest.json``: the settings and the images, so that nothing else is taken up again;
- ``segment-000001.h5`` and so on: finished images, each file in the layout of the output. A segment
  gets its name when it is whole and on the disk, so a crash costs the one that was being written;
- ``lock``: held by the process that writes, as there must be only one.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from siftcore.errors import InputError, OutputError
from siftcore.io.atomic import atomic_write
from siftcore.io.hdf5 import list_features, read_features, write_features
from siftcore.io.locking import hold_lock
from siftcore.io.temporaries import delete_unfinished

if TYPE_CHECKING:
    from siftcore.params import DescriptorKind
    from siftcore.types import Features

__all__ = ["Journal", "open_journal"]

_MANIFEST = "manifest.json"
_WHOLE = "whole.h5"


class Journal:
    """The finished images of one batch; `open_journal` makes it.

    Attributes
    ----------
    folder : Path
        ``OUTPUT.part``.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._segment_of: dict[str, Path] = {}
        self._number = 0
        for path in sorted(folder.glob("segment-*.h5")):
            self._segment_of.update(dict.fromkeys(list_features(path), path))
            self._number = int(path.stem.rpartition("-")[2])

    def __contains__(self, name: str) -> bool:
        return name in self._segment_of

    def __len__(self) -> int:
        return len(self._segment_of)

    def save(self, images: Iterable[tuple[str, Features]]) -> None:
        """Write a segment; its images count as finished when this returns."""
        path = self.folder / f"segment-{self._number + 1:06}.h5"
        names: list[str] = []

        def noted() -> Iterator[tuple[str, Features]]:
            for name, features in images:
                names.append(name)
                yield name, features

        write_features(path, noted())
        self._number += 1
        self._segment_of.update(dict.fromkeys(names, path))

    def read(self, names: Iterable[str]) -> Iterator[tuple[str, Features]]:
        """The finished ones among `names`, in their order."""
        for name in names:
            if name in self._segment_of:
                yield name, read_features(self._segment_of[name], name)

    def assemble(
        self, output: Path, images: Iterable[tuple[str, Features]], descriptor: DescriptorKind
    ) -> None:
        """Write `images` to `output`, whole or not at all, and remove the folder."""
        # Made inside the folder: what a kill leaves of it goes with the folder.
        whole = self.folder / _WHOLE
        write_features(whole, images, descriptor)
        target = os.path.realpath(output)
        if os.path.exists(target):
            os.chmod(whole, stat.S_IMODE(os.stat(target).st_mode))
        os.replace(whole, target)
        shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def open_journal(
    output: Path, settings: Mapping[str, Any], *, resume: bool = False
) -> Iterator[Journal]:
    """Open the journal of the batch that writes `output`, for this process alone.

    Parameters
    ----------
    output : Path
        The file of features.
    settings : mapping
        All that the result depends on, as JSON has it; a value may be a mapping again.
    resume : bool, default False
        Take up what an earlier run with the same settings has done, if there was one.

    Yields
    ------
    Journal
        Its folder stays for a later run if anything is finished when the block ends.

    Raises
    ------
    InputError
        When an earlier run is there and `resume` is False, or its settings are others.
    OutputError
        When the folder cannot be made, or another process is writing it.
    """
    folder = Path(os.path.realpath(output) + ".part")
    if folder.exists() and not resume:
        raise InputError(
            f"{str(folder)!r} holds an unfinished run; pass --resume to go on with it, or delete "
            "the folder"
        )
    try:
        folder.mkdir(exist_ok=True)
        lock = open(folder / "lock", "ab")  # noqa: SIM115 - it is held for the whole block
    except OSError as error:
        raise OutputError(
            f"cannot write {str(folder)!r}: {error.strerror}; choose another output"
        ) from error
    with lock:
        hold_lock(lock, folder)
        delete_unfinished(folder)
        with suppress(FileNotFoundError):
            (folder / _WHOLE).unlink()
        _check_manifest(folder, json.loads(json.dumps(settings)))
        try:
            yield Journal(folder)
        finally:
            if folder.exists() and not any(folder.glob("segment-*.h5")):
                shutil.rmtree(folder, ignore_errors=True)


def _check_manifest(folder: Path, settings: dict[str, Any]) -> None:
    path = folder / _MANIFEST
    try:
        before = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(before, dict):
            raise ValueError("it is no JSON object")
    except FileNotFoundError:
        with atomic_write(path) as temporary:
            temporary.write_text(json.dumps(settings, indent=1) + "\n", encoding="utf-8")
        return
    except ValueError as error:
        raise InputError(f"{str(path)!r} is damaged ({error}); delete {str(folder)!r}") from error
    differing = _differences(before, settings)
    if differing:
        raise InputError(
            f"{str(folder)!r} is of a run with other settings: {'; '.join(differing)}. Use those, "
            "or delete the folder"
        )


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> Sequence[str]:
    found: list[str] = []
    for name in dict.fromkeys([*before, *now]):
        old, new = before.get(name), now.get(name)
        if isinstance(old, dict) and isinstance(new, dict):
            found += _differences(old, new)
        elif old != new:
            found.append(f"{name} was {old!r} and is {new!r}")
    return found
