"""Save and restore the whole state of a run; a kill at any moment leaves a whole checkpoint."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from dognets.errors import CheckpointError
from siftcore.errors import OutputError
from siftcore.io.atomic import atomic_write

__all__ = ["FILE_NAME", "check_settings", "check_unused", "load_checkpoint", "save_checkpoint"]

FILE_NAME = "last.pt"
# What torch's zip writer names itself where a write fails.
_ZIP_WRITER = ("inline_container", "PytorchStreamWriter")


def save_checkpoint(folder: Path, state: dict[str, Any]) -> None:
    """Write ``folder/last.pt`` aside, then rename it over the previous one.

    Raises
    ------
    OutputError
        When the disk refuses; the previous checkpoint is as it was.
    """
    with atomic_write(folder / FILE_NAME) as temporary:
        try:
            torch.save(state, temporary)
        except RuntimeError as error:
            # Others come from tensors, such as those of a GPU that failed.
            if not any(part in str(error) for part in _ZIP_WRITER):
                raise
            reason = f"No space left on device ({error})"
            raise OSError(errno.ENOSPC, reason, str(temporary)) from error


def check_unused(folder: Path) -> None:
    """Fail where a new run would have no folder of its own.

    Raises
    ------
    CheckpointError
        When `folder` holds a run.
    OutputError
        When it is a file.
    """
    _check_is_no_file(folder)
    if (folder / FILE_NAME).exists():
        raise CheckpointError(
            f"{str(folder)!r} holds a run already; continue it with --resume or choose "
            "another folder"
        )


def load_checkpoint(folder: Path) -> dict[str, Any]:
    """The state last saved in `folder`, on the CPU; nothing but tensors and numbers is unpickled.

    Raises
    ------
    CheckpointError
        When there is none or it is damaged.
    OutputError
        When `folder` is a file.
    """
    _check_is_no_file(folder)
    path = folder / FILE_NAME
    if not path.is_file():
        raise CheckpointError(f"no checkpoint {str(path)!r} to resume from; start without --resume")
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        if not isinstance(state, dict) or "step" not in state:
            raise ValueError("it holds something else")
    # torch raises errors of every kind at damaged files.
    except Exception as e:
        reason = str(e).splitlines()[0] if str(e) else type(e).__name__
        raise CheckpointError(
            f"cannot read the checkpoint {str(path)!r}: {reason}; delete it and start the run again"
        ) from e
    return state


def _check_is_no_file(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise OutputError(
            f"cannot write to {str(folder)!r}: it is a file, not a folder; choose another"
        )


def check_settings(folder: Path, state: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Raise `CheckpointError` where a checkpoint is of a run with other settings.

    Parameters
    ----------
    folder : path
        Of the checkpoint, for the message.
    state : mapping
        As `load_checkpoint` gives it.
    now : mapping
        Settings of the run that is to go on from it.
    """
    saved = state.get("settings")
    saved = saved if isinstance(saved, dict) else {}
    changed = [f"{k}: {saved.get(k)!r}, now {v!r}" for k, v in now.items() if saved.get(k) != v]
    if changed:
        raise CheckpointError(
            f"the checkpoint in {str(folder)!r} was made with other settings "
            f"({'; '.join(changed)}); use the same, or start a new run"
        )
