"""The faces of every image of a collection, found once and kept: faces.jsonl."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tqdm.auto import tqdm

from unskew.curate.collection import RECORDS
from unskew.curate.content_log import ContentLog
from unskew.curate.curation import FACES, parsed_faces, write_rows
from unskew.curate.faces import SIDES, VERSION, Face, FaceDetector
from unskew.curate.pixels import UnreadableError, small_copy
from unskew.curate.record import read_records

FOUND = "found_faces.jsonl"

Faces = tuple[Face, ...]


class FaceLog(ContentLog[Faces]):
    """The faces of each content; none of a file that cannot be read."""

    version = VERSION
    what = "found faces"

    def _packed(self, answer: Faces) -> dict[str, Any]:
        return {"faces": [asdict(face) for face in answer]}

    def _unpacked(self, said: dict[str, Any]) -> Faces:
        return parsed_faces(said["faces"])


def find_faces(folder: Path) -> int:
    """Write `folder`/faces.jsonl, a line for every record of the collection, in their order.

    Found faces are kept by content, so that a run that was killed goes on where it was, and one
    that was finished looks at no image again; the bytes are the same. Returns how many records
    have a face.

    Raises:
        InputError: the disk takes no more; what was found is kept.
    """
    detector = FaceDetector()
    with FaceLog(folder / FOUND) as log:
        counted = _Counted(_rows(folder, log, detector.detect))
        write_rows(folder / FACES, counted)
    return counted.with_faces


def faces_in(content: bytes, detect: Callable[[Any], Faces]) -> Faces:
    """The faces of a file, in pixels of the upright picture; none if it cannot be read."""
    try:
        copy = small_copy(content, max(SIDES))
    except UnreadableError:
        return ()
    across, down = copy.width / copy.rgb.shape[1], copy.height / copy.rgb.shape[0]
    return tuple(_scaled(face, across, down) for face in detect(copy.rgb))


class _Counted:
    """Counts rows with faces while they pass."""

    def __init__(self, rows: Iterator[dict[str, Any]]) -> None:
        self._rows = rows
        self.with_faces = 0

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for row in self._rows:
            self.with_faces += bool(row["faces"])
            yield row


def _rows(folder: Path, log: FaceLog, detect: Callable[[Any], Faces]) -> Iterator[dict[str, Any]]:
    records = read_records(folder / RECORDS)
    for record in tqdm(records, unit="image", desc="faces", disable=None, delay=2, leave=False):
        found = () if record.image is None else _found(folder / record.image, log, detect)
        yield {"id": record.id, "faces": [asdict(face) for face in found]}
    log.flush()


def _found(path: Path, log: FaceLog, detect: Callable[[Any], Faces]) -> Faces:
    try:
        content = path.read_bytes()
    except OSError:  # the checks flag it as unreadable, with the reason
        return ()
    key = hashlib.sha256(content).hexdigest()
    if key not in log:
        log.add(key, faces_in(content, detect))
    return log[key]


def _scaled(face: Face, across: float, down: float) -> Face:
    x, y, width, height = face.box
    box = (x * across, y * down, width * across, height * down)
    left, top, wide, high = (round(value, 2) for value in box)
    return Face(
        box=(left, top, wide, high),
        score=face.score,
        landmarks=tuple((round(x * across, 2), round(y * down, 2)) for x, y in face.landmarks),
    )
