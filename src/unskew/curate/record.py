"""One collected image with its text, and the file that a collection's records are appended to."""

import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self

from unskew.errors import InputError, NotFoundError

UNKNOWN_LICENCE = "LicenseRef-unknown"
RIGHTS_RESERVED = "LicenseRef-all-rights-reserved"


@dataclass(frozen=True)
class Record:
    """What is kept of one image. Nobody's name is: see `author_hash`.

    Attributes:
        id: unique in a collection, and the same whenever the same item is found again.
        source: the service, or the name of the folder or export.
        url: where the image file lies; of a local folder, its path in there.
        author_hash: a keyed hash of the author's handle, None where none is known. It tells
            which images are by one author, and to whoever has the salt, by whom.
        licence: an SPDX identifier, or a LicenseRef of this module or of a source.
        retrieved: ISO 8601, UTC.
        query: what was searched for, or the label that the image came with.
        text: what was said with the image; handles in it are replaced.
        image: path relative to the collection's folder, named by SHA-256; None: see `problem`.
        category, subgroup: proposed by the query, in the words of the taxonomy; a reviewer decides.
        page: where a person sees the image in its context, for attribution.
        problem: why there is no image.
    """

    id: str
    source: str
    url: str
    author_hash: str | None
    licence: str
    retrieved: str
    query: str
    text: str
    image: str | None
    category: str | None
    subgroup: str | None
    page: str | None = None
    problem: str | None = None


_MAY_BE_NULL = {"author_hash", "image", "category", "subgroup", "page", "problem"}
_NEEDED = {field.name for field in fields(Record) if field.default is MISSING}


def read_records(path: str | Path) -> Iterator[Record]:
    """The records of a file, in its order, one in memory at a time.

    A last line that was cut while it was written is passed over.

    Raises:
        NotFoundError: no such file.
        InputError: a line is not a record, or two records have one id.
    """
    path = Path(path)
    lines: dict[str, int] = {}
    for number, line in _lines(path):
        record = _parsed(line, f"{path} line {number}")
        if record.id in lines:
            raise InputError(
                f"{path} lines {lines[record.id]} and {number}: two records have the id "
                f"{record.id!r}; remove one"
            )
        lines[record.id] = number
        yield record


class RecordLog:
    """Appends records to a file, so that a kill at any moment loses at most the last batch.

    `record_id in log` tells whether the file has a record. A line that was cut is removed when
    the file is opened, and nobody else can open a log of it until it is closed.
    """

    def __init__(self, path: str | Path) -> None:
        """Raises InputError if the file cannot be written, is written by another run, or holds
        something else."""
        self._path = Path(path)
        try:
            self._file = self._path.open("a+b", buffering=0)
        except OSError as error:
            raise InputError(f"cannot write {self._path}: {error.strerror or error}") from error
        try:
            self._lock()
            self._ids = {record.id for record in read_records(self._path)}
            self._mend()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __contains__(self, record_id: str) -> bool:
        return record_id in self._ids

    def __len__(self) -> int:
        return len(self._ids)

    def append(self, records: Iterable[Record]) -> None:
        """Write these records and wait until they are on the disk; all of them, or none.

        Raises:
            InputError: one has the id of another, or the disk takes no more.
        """
        batch = list(records)
        ids: set[str] = set()
        for record in batch:
            if record.id in self._ids or record.id in ids:
                raise InputError(f"{self._path}: there is a record with the id {record.id!r}")
            ids.add(record.id)
        if not batch:
            return
        content = b"".join(
            json.dumps(asdict(record), ensure_ascii=False).encode() + b"\n" for record in batch
        )
        end = self._file.seek(0, os.SEEK_END)
        try:
            written = 0
            while written < len(content):
                written += self._file.write(content[written:])
            os.fsync(self._file.fileno())
        except OSError as error:
            self._file.truncate(end)
            raise InputError(f"cannot write {self._path}: {error.strerror or error}") from error
        self._ids |= ids

    def _lock(self) -> None:
        """Two runs would both write what both find. The system frees it when a run is killed."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(
                f"another run is writing {self._path}: wait until it has ended"
            ) from error

    def _mend(self) -> None:
        """Make the file end with a whole line."""
        end = self._file.seek(0, os.SEEK_END)
        self._file.seek(0)
        whole, cut = 0, b""
        for line in self._file:
            if line.endswith(b"\n"):
                whole += len(line)
            else:
                cut = line
        if cut and _is_json(cut):
            self._file.write(b"\n")
        elif whole < end:
            self._file.truncate(whole)


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if line.strip() and (line.endswith(b"\n") or _is_json(line)):
                    yield number, line
    except FileNotFoundError as error:
        raise NotFoundError(f"records {str(path)!r}: no such file") from error
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error


def _is_json(line: bytes) -> bool:
    """Whether a line is whole: the beginning of a JSON object never is JSON."""
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _parsed(line: bytes, where: str) -> Record:
    try:
        values: Any = json.loads(line)
    except ValueError as error:
        raise InputError(f"{where}: not valid JSON ({error})") from error
    if not isinstance(values, dict):
        raise InputError(f"{where}: not a JSON object")
    missing = sorted(_NEEDED - set(values))
    unknown = sorted(set(values) - {field.name for field in fields(Record)})
    if missing or unknown:
        what = f"lacks {missing[0]!r}" if missing else f"has the unknown key {unknown[0]!r}"
        raise InputError(f"{where}: {what}, and is no record")
    for key, value in values.items():
        if not (isinstance(value, str) or (value is None and key in _MAY_BE_NULL)):
            raise InputError(f"{where}: {key!r} is {value!r:.40} and must be text")
    return Record(**values)
