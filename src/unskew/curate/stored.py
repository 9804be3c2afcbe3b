"""Rows of numbers on the disk, for what grows with the pile: in memory is what is looked at."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import IO, Any, Self

import numpy as np

from unskew.errors import InputError


class Stored:
    """Rows of one shape and type, appended and read by their places.

    The file has no name: whatever ends the process, nothing is left of it.
    """

    def __init__(self, folder: Path, shape: tuple[int, ...], dtype: Any) -> None:
        """`folder`: on the disk that is to hold them. Raises InputError where it takes no file."""
        self._shape, self._dtype = shape, np.dtype(dtype)
        self._bytes = int(np.prod(shape)) * self._dtype.itemsize
        self._rows = 0
        try:
            self._file: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
        except OSError as error:
            raise InputError(f"cannot write to {folder}: {error.strerror or error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __len__(self) -> int:
        return self._rows

    def append(self, rows: np.ndarray) -> None:
        """Add rows, (n, *shape). Raises InputError if the disk is full."""
        try:
            self._file.seek(self._rows * self._bytes)
            self._file.write(np.ascontiguousarray(rows, self._dtype).data)
        except OSError as error:
            raise InputError(
                f"no room for what is compared: {error.strerror or error}; "
                "what was measured is kept"
            ) from error
        self._rows += len(rows)

    def read(self, start: int, stop: int) -> np.ndarray:
        """The rows from `start` up to `stop` or the last, (n, *shape)."""
        count = max(0, min(stop, self._rows) - start)
        self._file.seek(start * self._bytes)
        content = self._file.read(count * self._bytes)
        return np.frombuffer(content, self._dtype).reshape(count, *self._shape)
