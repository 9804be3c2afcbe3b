"""What was found out about files or texts, on disk, by their hash: a line each, only appended.

A run that was killed goes on after the last whole line. Only hashes and places are in memory.
"""

from __future__ import annotations

import json
import os
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, Generic, Self, TypeVar

from unskew.errors import InputError

# Lines between two waits for the disk.
BATCH = 64

T = TypeVar("T")


class ContentLog(ABC, Generic[T]):
    """Answers by the SHA-256 of a content; a context manager.

    A subclass says how an answer becomes JSON and back; `version`, which every line has, and in
    `usable` the other versions whose lines are as good; and `what` was found out, as messages name
    it.
    """

    version: int | str
    usable: tuple[int | str, ...] = ()
    what: str

    def __init__(self, path: Path) -> None:
        """Raises InputError if the file cannot be opened, or is not such a log."""
        self._path = path
        self._places: dict[str, int] = {}
        self._waiting = 0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = open(path, "a+b")  # noqa: SIM115
        except OSError as error:
            raise InputError(f"cannot write to {path}: {error.strerror or error}") from error
        try:
            self._read()
        except BaseException:
            self._file.close()
            raise

    @abstractmethod
    def _packed(self, answer: T) -> dict[str, Any]:
        """What JSON can hold, in a fixed order."""

    @abstractmethod
    def _unpacked(self, said: dict[str, Any]) -> T: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            self._file.close()
        except OSError as error:  # what is still to be written finds the disk full once more
            if kind is None:
                raise self._refused(error) from error

    def __contains__(self, key: str) -> bool:
        return key in self._places

    def __getitem__(self, key: str) -> T:
        try:
            self._file.seek(self._places[key])  # writes what waits to be
            line = self._file.readline()
        except OSError as error:
            raise self._refused(error) from error
        return self._unpacked(json.loads(line))

    def add(self, key: str, answer: T) -> None:
        """Append one. Raises InputError if the disk takes no more; what was written stays."""
        said = {"version": self.version, "key": key, **self._packed(answer)}
        try:
            self._file.seek(0, os.SEEK_END)
            place = self._file.tell()
            self._file.write(json.dumps(said).encode() + b"\n")
            self._waiting += 1
            if self._waiting >= BATCH:
                self.flush()
        except OSError as error:
            raise self._refused(error) from error
        self._places[key] = place

    def flush(self) -> None:
        """Wait until all that was added is on the disk. Raises InputError if it is full."""
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise self._refused(error) from error
        self._waiting = 0

    def _read(self) -> None:
        """Find the lines that can be used; a last line that was cut is taken away."""
        self._file.seek(0)
        place = 0
        for line in self._file:
            if not line.endswith(b"\n"):
                self._file.truncate(place)
                break
            try:
                said = json.loads(line)
                if said["version"] in (self.version, *self.usable):
                    self._places[said["key"]] = place
            except (ValueError, LookupError, TypeError) as error:
                raise InputError(
                    f"{self._path} is no log of {self.what} (byte {place}): name another file"
                ) from error
            place += len(line)

    def _refused(self, error: OSError) -> InputError:
        return InputError(
            f"cannot write to {self._path}: {error.strerror or error}; what was done is kept"
        )
