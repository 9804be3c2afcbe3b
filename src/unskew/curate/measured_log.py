"""Measured pictures on disk, by the hash of their bytes: one JSON line each, only ever appended.

A run that was killed goes on after the last whole line. Only hashes and places are in memory.
"""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from types import TracebackType

import numpy as np

from unskew.curate.duplicates import SIDE
from unskew.curate.measure import VERSION, Measured
from unskew.errors import InputError

# Lines between two waits for the disk.
BATCH = 64


class MeasuredLog:
    """What `measure` said of each content; a context manager."""

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
        self._read()

    def __enter__(self) -> MeasuredLog:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def __contains__(self, key: str) -> bool:
        return key in self._places

    def __getitem__(self, key: str) -> Measured:
        self._file.seek(self._places[key])
        said = json.loads(self._file.readline())
        pixels = said["fingerprint"]
        return Measured(
            scores={c: float("nan") if s is None else s for c, s in said["scores"].items()},
            width=said["width"],
            height=said["height"],
            fingerprint=None if pixels is None else _unpacked(pixels),
            unreadable=said["unreadable"],
        )

    def add(self, key: str, measured: Measured) -> None:
        """Append one. Raises InputError if the disk takes no more; what was written stays."""
        pixels = measured.fingerprint
        said = {
            "version": VERSION,
            "key": key,
            "scores": {c: None if s != s else s for c, s in measured.scores.items()},
            "width": measured.width,
            "height": measured.height,
            "unreadable": measured.unreadable,
            "fingerprint": None if pixels is None else base64.b64encode(pixels.tobytes()).decode(),
        }
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
        """Find the lines of this version; a last line that was cut is taken away."""
        self._file.seek(0)
        place = 0
        for line in self._file:
            if not line.endswith(b"\n"):
                self._file.truncate(place)
                break
            try:
                said = json.loads(line)
                if said["version"] == VERSION:
                    self._places[said["key"]] = place
            except (ValueError, LookupError, TypeError) as error:
                raise InputError(
                    f"{self._path} is no log of measured images (byte {place}): name another file"
                ) from error
            place += len(line)

    def _refused(self, error: OSError) -> InputError:
        return InputError(
            f"cannot write to {self._path}: {error.strerror or error}; what was measured is kept"
        )


def _unpacked(pixels: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(pixels), np.uint8).reshape(SIDE, SIDE)
