"""Whether a file's descriptors are SIFT or RootSIFT: what it says, or the user."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from siftcore.errors import InputError
from siftcore.io.hdf5 import read_descriptor_kind

if TYPE_CHECKING:
    from siftcore.params import DescriptorKind

__all__ = ["kind_of_descriptors"]


def kind_of_descriptors(features: Path, root: bool | None) -> DescriptorKind | None:
    """What a file of features has.

    Parameters
    ----------
    features : Path
    root : bool, optional
        What ``--root`` (they are plain SIFT) or ``--no-root`` says.

    Returns
    -------
    {"sift", "rootsift"} or None
        None where neither the file nor the user says it.

    Raises
    ------
    InputError
        When they disagree.
    """
    said = read_descriptor_kind(features)
    asked: DescriptorKind | None = None if root is None else "sift" if root else "rootsift"
    if said is not None and asked not in (None, said):
        raise InputError(
            f"{str(features)!r} has {said} descriptors, which {'--root' if root else '--no-root'} "
            "contradicts; leave it out"
        )
    return said or asked
