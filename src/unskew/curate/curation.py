"""What `unskew curate` leaves in a folder, read back: records, their scores and flags, and faces.

records.jsonl    see unskew.curate.record        flags.jsonl    one `CheckedRecord` a line
images/          files by content hash           faces.jsonl    one list of `Face`s a line, if asked
measured.jsonl   what was measured of images     curation.json  what the curation was made with
decisions.jsonl  what reviewers have decided, once they have begun
classified.jsonl what a classifier said of texts, if one was asked
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from unskew.curate.collection import RECORDS
from unskew.curate.flags import Flag
from unskew.curate.record import Record, read_records
from unskew.errors import InputError, NotFoundError
from unskew.kept import write_whole

MEASURED = "measured.jsonl"
FLAGS = "flags.jsonl"
FACES = "faces.jsonl"
ABOUT = "curation.json"
DECISIONS = "decisions.jsonl"

T = TypeVar("T")


@dataclass(frozen=True)
class CheckedRecord:
    """What the checks say of one record.

    Attributes:
        id: the record's.
        image: path of its image, relative to the folder; None where there is none.
        key: SHA-256 of the image file, in hexadecimal; None without an image.
        width, height: in pixels, upright; 0 if there is no image or it cannot be read.
        scores: by check; None where a check cannot say.
        flags: the checks that it failed.
    """

    id: str
    image: str | None
    key: str | None
    width: int
    height: int
    scores: dict[str, float | None]
    flags: tuple[Flag, ...]


@dataclass(frozen=True)
class Face:
    """``box``: left, top, width, height in pixels of the upright image. ``landmarks``: five
    (x, y): both eyes, nose, both corners of the mouth."""

    box: tuple[float, float, float, float]
    score: float
    landmarks: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Curation:
    """A curated folder.

    Attributes:
        folder: where it lies.
        records: in the order of records.jsonl.
        checked: by the record's id, one for every record.
        faces: by the record's id; None where faces were not looked for.
        about: curation.json.
    """

    folder: Path
    records: tuple[Record, ...]
    checked: dict[str, CheckedRecord]
    faces: dict[str, tuple[Face, ...]] | None
    about: dict[str, Any]

    def image(self, record: Record) -> Path | None:
        """Where the record's image lies; None where it has none."""
        return None if record.image is None else self.folder / record.image

    def flags(self, record_id: str) -> tuple[Flag, ...]:
        """The checks that the record failed."""
        return self.checked[record_id].flags


def open_curation(folder: str | Path) -> Curation:
    """Read a folder that `unskew curate` has made.

    Raises:
        NotFoundError: there is no such folder.
        InputError: it has not been curated, or not since records were added; or a file in it
            cannot be read.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise NotFoundError(f"{str(folder)!r}: there is no such folder")
    for name in (RECORDS, FLAGS, ABOUT):
        if not (folder / name).is_file():
            raise InputError(
                f"{folder} has no {name}: unskew curate RAW --out {folder} makes it, "
                "and goes on where a run was stopped"
            )
    records = tuple(read_records(folder / RECORDS))
    ids = [record.id for record in records]
    checked = {item.id: item for item in _parsed(folder / FLAGS, _checked)}
    faces = dict(_parsed(folder / FACES, _faces)) if (folder / FACES).is_file() else None
    for name, known in ((FLAGS, checked), (FACES, faces)):
        if known is not None and list(known) != ids:
            raise InputError(f"{folder / name} is not of these records: run unskew curate again")
    return Curation(folder, records, checked, faces, read_about(folder / ABOUT))


def write_rows(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write JSON lines, one row in memory at a time; the file appears when it is complete.

    Raises:
        InputError: it cannot be written.
    """
    temporary = path.with_name(f".unskew-{os.getpid()}-{path.name}")
    try:
        with open(temporary, "w", encoding="utf-8") as file:
            for row in rows:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except InputError:
        raise
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)


def write_about(path: Path, about: Mapping[str, Any]) -> None:
    """Write what a curation was made with. Raises InputError if it cannot be written."""
    write_whole(path, json.dumps(about, indent=1, ensure_ascii=False) + "\n")


def read_about(path: Path) -> dict[str, Any]:
    """What a curation was made with. Raises InputError if it cannot be read."""
    with _told(path):
        return dict(json.loads(path.read_bytes()))


def parsed_faces(said: Iterable[Mapping[str, Any]]) -> tuple[Face, ...]:
    """Faces as JSON holds them."""
    return tuple(
        Face(
            box=tuple(face["box"]),
            score=face["score"],
            landmarks=tuple((x, y) for x, y in face["landmarks"]),
        )
        for face in said
    )


def _parsed(path: Path, parse: Callable[[Any], T]) -> Iterator[T]:
    with _told(path) as at, path.open("rb") as file:
        for at.line, line in enumerate(file, start=1):
            yield parse(json.loads(line))


@dataclass
class _Place:
    line: int = 1


@contextmanager
def _told(path: Path) -> Iterator[_Place]:
    """One line about a file that cannot be read, or is not what its name says."""
    at = _Place()
    try:
        yield at
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error
    except (ValueError, LookupError, TypeError) as error:
        raise InputError(
            f"{path} line {at.line} is not what unskew curate writes ({error}): run it again"
        ) from error


def _checked(said: dict[str, Any]) -> CheckedRecord:
    flags = tuple(Flag(**flag) for flag in said["flags"])
    return CheckedRecord(**{**said, "flags": flags})


def _faces(said: dict[str, Any]) -> tuple[str, tuple[Face, ...]]:
    return said["id"], parsed_faces(said["faces"])
