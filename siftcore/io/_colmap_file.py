"""The file of a COLMAP database: one transaction, its rows, and its matrices."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from siftcore.errors import InputError, OutputError
from siftcore.io._colmap_schema import create_tables, has_table
from siftcore.io.regular import why_not_a_file

__all__ = ["ColmapFile"]

# Python decodes SQLite's messages, which quote a damaged schema, as UTF-8.
_FAILURES = (sqlite3.Error, UnicodeError)

# SQLite keeps these in memory or a file without a name, which are gone at the end.
_NO_FILES = ("", ":memory:")

_Self = TypeVar("_Self", bound="ColmapFile")


class ColmapFile:
    """A database that is opened, or made where there is none; the base of `ColmapDatabase`."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = os.fspath(path)
        _check_place(self._path)
        self._is_new = not Path(self._path).exists()
        try:
            # Transactions are begun and ended by hand, so that a new schema is part of one.
            self._connection = sqlite3.connect(self._path, isolation_level=None)
        except _FAILURES as error:
            raise OutputError(f"cannot open the database {self._path!r}: {error}") from error
        try:
            self._connection.execute("BEGIN")
            if self._connection.execute("SELECT 1 FROM sqlite_master").fetchone() is None:
                create_tables(self._connection)
            for table in ("cameras", "images", "keypoints", "descriptors", "matches"):
                if not has_table(self._connection, table):
                    raise InputError(
                        f"{self._path!r} has no table {table!r}: it is not a COLMAP database"
                    )
        except BaseException as error:
            self._connection.close()
            self._discard_new()
            if isinstance(error, _FAILURES):
                raise InputError(
                    f"cannot read {self._path!r} as a COLMAP database: {_explained(error)}"
                ) from error
            raise

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close(keep=kind is None)

    def close(self, keep: bool = True) -> None:
        """Keep or drop what was written, and close the file."""
        try:
            self._connection.execute("COMMIT" if keep else "ROLLBACK")
        except _FAILURES as failure:
            keep = False
            raise OutputError(f"cannot write {self._path!r}: {_explained(failure)}") from failure
        finally:
            self._connection.close()
            if not keep:
                self._discard_new()

    def _discard_new(self) -> None:
        if self._is_new:
            Path(self._path).unlink(missing_ok=True)

    def check_image(self, image_id: int) -> None:
        """Raise `InputError` unless there is an image of that number."""
        if self.select_one("SELECT 1 FROM images WHERE image_id = ?", int(image_id)) is None:
            raise InputError(f"{self._path!r} has no image {image_id}; add_image gives one")

    def write_array(
        self, table: str, key: str, number: int, array: NDArray[Any], **extra: Any
    ) -> None:
        """Write or replace a matrix with its shape, and what stands beside it."""
        columns = (key, "rows", "cols", "data", *extra)
        row = (int(number), *array.shape, array.tobytes(), *extra.values())
        self.insert(table, columns, row)

    def read_array(self, table: str, key: str, number: int, dtype: str, where: str) -> NDArray[Any]:
        """A matrix, checked against its stored shape."""
        row = self.select_one(f"SELECT rows, cols, data FROM {table} WHERE {key} = ?", int(number))
        if row is None:
            raise InputError(f"{where}: no {table} are stored; extract them first")
        n_rows, n_columns, data = row
        data = b"" if data is None else data
        # SQLite keeps any type in any column.
        typed = (
            isinstance(n_rows, int)
            and isinstance(n_columns, int)
            and isinstance(data, bytes)
            and min(n_rows, n_columns) >= 0
        )
        if not typed or len(data) != n_rows * n_columns * np.dtype(dtype).itemsize:
            found = len(data) if isinstance(data, bytes) else type(data).__name__
            raise InputError(
                f"{where}: {table} should be {n_rows} x {n_columns} of {dtype}, but "
                f"{found} bytes are stored; the database is damaged"
            )
        return np.frombuffer(data, dtype).reshape(n_rows, n_columns)

    def insert(self, table: str, columns: tuple[str, ...], row: tuple[Any, ...]) -> int:
        """Write or replace a row, and return its number."""
        marks = ", ".join("?" * len(columns))
        query = f"INSERT OR REPLACE INTO {table} ({', '.join(columns)}) VALUES ({marks})"
        try:
            number = self._connection.execute(query, row).lastrowid
        except _FAILURES as error:
            raise OutputError(
                f"cannot write {table} to {self._path!r}: {_explained(error)}"
            ) from error
        return int(number or 0)

    def select(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        try:
            return self._connection.execute(query, values).fetchall()
        except _FAILURES as error:
            raise InputError(f"cannot read {self._path!r}: {_explained(error)}") from error

    def has_column(self, table: str, column: str) -> bool:
        """Whether `table` has that column."""
        return column in {row[1] for row in self.select(f"PRAGMA table_info({table})")}

    def select_one(self, query: str, *values: Any) -> tuple[Any, ...] | None:
        """The first row of a query, or None."""
        rows = self.select(query, *values)
        return rows[0] if rows else None


def _check_place(path: str) -> None:
    if path in _NO_FILES or "\0" in path:
        raise InputError(f"a COLMAP database must have the name of a file; got {path!r}")
    if reason := why_not_a_file(path):
        raise InputError(f"cannot open a COLMAP database: {reason}")


def _explained(error: Exception) -> str:
    if "locked" in str(error):
        return f"{error}; another program has it open: try again when that is done"
    return str(error)
