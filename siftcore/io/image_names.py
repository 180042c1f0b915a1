"""Which names of images can stand beside each other in one HDF5 file."""

from __future__ import annotations

from siftcore.errors import InputError, InputTypeError

__all__ = ["ImageNames"]


class ImageNames:
    """The names of one file's images, checked as they come."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._folders: set[str] = set()

    def add(self, name: str) -> None:
        """Take `name`, or raise `InputError` when it cannot stand beside the others."""
        if not isinstance(name, str):
            raise InputTypeError(f"an image name must be text; got {type(name).__name__}")
        parts = name.split("/")
        # HDF5 itself reads "a//b" and "a/./b" as "a/b", and a leading "/" as nothing.
        if "" in parts or "." in parts or "\0" in name:
            raise InputError(
                f"an image name must be a relative path without empty or '.' parts; got {name!r}"
            )
        try:
            name.encode()
        except UnicodeEncodeError as error:
            raise InputError(
                f"an image name must be text that UTF-8 can hold; got {name!r}; rename the file"
            ) from error
        if name in self._taken:
            raise InputError(f"image {name!r} is given twice; give each image its own name")
        folders = {"/".join(parts[:end]) for end in range(1, len(parts))}
        clashing = sorted(folders & self._taken) or [name] * (name in self._folders)
        if clashing:
            raise InputError(
                f"{clashing[0]!r} cannot be both an image and a folder of images in one file, as "
                "it would be one group; rename it"
            )
        self._taken.add(name)
        self._folders |= folders
