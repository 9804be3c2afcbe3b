"""From a raw pile to a folder that can be reviewed: gathered, checked, flagged; nothing deleted.

Every part goes on where a run was stopped, and writes the same bytes as one that was not.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import PIL

import unskew
from unskew.curate.abuse import AbuseClassifier, remembered
from unskew.curate.checks import CheckedImage, check_images, unreadable
from unskew.curate.collection import RECORDS, Collection
from unskew.curate.curation import (
    ABOUT,
    FACES,
    FLAGS,
    MEASURED,
    CheckedRecord,
    read_about,
    write_about,
    write_rows,
)
from unskew.curate.flags import Rules, load_rules
from unskew.curate.gather import gather
from unskew.curate.look_alikes import Embed
from unskew.curate.record import Record, read_records
from unskew.curate.texts import CheckedText, Classifier, check_text, probabilities
from unskew.curate.topics import topic_terms

# Texts that are classified together.
_BATCH = 64


@dataclass(frozen=True)
class Curated:
    """What a run has made.

    Attributes:
        folder: where it lies; see `open_curation`.
        new: records of this run. total: of the folder.
        unflagged: records that failed no check.
        flagged: how many records failed a check, for every check that was made.
        unreached, unlabelled: see `unskew.curate.collect.Collected`.
        with_faces: records with a face; None where faces were not looked for.
        face_crops: aligned crops of faces; None where none were asked for.
    """

    folder: Path
    new: int
    total: int
    unflagged: int
    flagged: dict[str, int]
    unreached: int
    unlabelled: tuple[str, ...]
    with_faces: int | None
    face_crops: int | None


def curate(
    raw: str | Path,
    out: str | Path,
    *,
    thresholds: str | Path | None = None,
    classifier: AbuseClassifier | None = None,
    embedder: tuple[str, Embed] | None = None,
    faces: bool = False,
    face_crops: bool = False,
) -> Curated:
    """Gather a pile into the folder `out`, and check every image and every text of it.

    Args:
        raw: see `gather`.
        thresholds: a JSON file with thresholds to change; see `load_rules`.
        classifier: of abusive texts; see `open_classifier`. What it has said is kept in `out`.
        embedder: what it is called, and the encoder for look-alikes; see `open_embedder`.
        faces: look for faces too. Where they were looked for before, they always are: the file
            must be of the same records.
        face_crops: cut them out, too, set upright; see `crop_faces`. The same holds.

    Raises:
        NotFoundError, InputError: the pile or the thresholds cannot be used, or `out` cannot be
            written, or another run is writing it; what was done is kept.
    """
    rules = load_rules(thresholds)
    gathered = gather(raw, out)
    out = Path(out)
    tally = _Tally()
    embed = None if embedder is None else embedder[1]
    # Nobody adds to it, or measures for the same log, meanwhile.
    with Collection(out), remembered(classifier, out) as abuse:
        checked = _checked_records(out, rules, abuse, embed)
        write_rows(out / FLAGS, map(asdict, tally.counted(checked)))
        with_faces, crops = _faces(out, faces, face_crops)
        about = {
            "raw": _name(Path(raw), out),
            "records": gathered.total,
            "unflagged": tally.unflagged,
            "flagged": tally.flagged,
            "thresholds_changed": _changed(rules),
            "classifier": None if classifier is None else classifier.name,
            "embedder": None if embedder is None else embedder[0],
            "with_faces": with_faces,
            "face_crops": crops,
            "versions": _versions(),
        }
        write_about(out / ABOUT, about)
    return Curated(
        folder=out,
        new=gathered.new,
        total=gathered.total,
        unflagged=tally.unflagged,
        flagged=tally.flagged,
        unreached=gathered.unreached,
        unlabelled=gathered.unlabelled,
        with_faces=with_faces,
        face_crops=crops,
    )


def _faces(out: Path, wanted: bool, crops_wanted: bool) -> tuple[int | None, int | None]:
    """How many records have a face, and how many crops there are; None of what is not there."""
    from unskew.curate.face_crops import ALIGNED, crop_faces
    from unskew.curate.find_faces import find_faces

    crops_wanted = crops_wanted or (out / ALIGNED).exists()
    if not (wanted or crops_wanted or (out / FACES).exists()):
        return None, None
    return find_faces(out), crop_faces(out) if crops_wanted else None


def _name(raw: Path, out: Path) -> str:
    """Of the pile; of a folder that is checked anew in its place, that of the first time."""
    if raw.resolve() == out.resolve() and (out / ABOUT).is_file():
        return str(read_about(out / ABOUT).get("raw", ""))
    return raw.resolve().name


def _changed(rules: Rules) -> dict[str, dict[str, float] | None]:
    """The thresholds that are not as shipped, as a file of thresholds has them."""
    return {
        check: None if rule is None else {"below" if rule.below else "above": rule.threshold}
        for check, shipped in load_rules().items()
        if (rule := rules.get(check)) != shipped
    }


def _versions() -> dict[str, str]:
    """Of what decides the scores of an image."""
    return {
        "unskew": unskew.__version__,
        "opencv": cv2.__version__,
        "numpy": np.__version__,
        "pillow": PIL.__version__,
        "simplejpeg": version("simplejpeg"),
        "onnxruntime": version("onnxruntime"),
    }


class _Tally:
    """Counts records by the checks that they failed, while they pass."""

    def __init__(self) -> None:
        self.unflagged = 0
        self._checked: Counter[str] = Counter()
        self._flagged: Counter[str] = Counter()

    def counted(self, records: Iterator[CheckedRecord]) -> Iterator[CheckedRecord]:
        for record in records:
            self.unflagged += not record.flags
            self._checked.update(record.scores.keys())
            self._flagged.update(flag.check for flag in record.flags)
            yield record

    @property
    def flagged(self) -> dict[str, int]:
        return {check: self._flagged[check] for check in self._checked}


def _checked_records(
    out: Path, rules: Rules, abuse: Classifier | None, embed: Embed | None
) -> Iterator[CheckedRecord]:
    """Every record of a collection with its scores and flags, in their order."""
    names, paths, speaking = [], [], set()
    for record in read_records(out / RECORDS):
        if record.image is not None:
            names.append(record.id)
            paths.append(record.image)
        if record.text.strip():
            speaking.add(record.source)
    # Not every system tells which of its cores are for this process.
    own = getattr(os, "sched_getaffinity", None)
    workers = len(own(0)) if own else os.cpu_count() or 1
    images: Iterator[CheckedImage] = iter(())
    if paths:
        images = check_images(
            paths,
            out / MEASURED,
            root=out,
            names=names,
            rules=rules,
            embed=embed,
            workers=workers,
        )
    records = read_records(out / RECORDS)
    while batch := list(islice(records, _BATCH)):
        texts = _checked_texts(batch, speaking, rules, abuse)
        for record, text in zip(batch, texts, strict=True):
            image = None if record.image is None else next(images)
            yield _joined(record, image, text, out, rules)


def _checked_texts(
    records: Sequence[Record], speaking: set[str], rules: Rules, abuse: Classifier | None
) -> list[CheckedText]:
    """A folder or export that has no texts at all is a pile of images: none is missing one."""
    spoken = [record for record in records if record.source in speaking]
    abusive: list[float | None] = [None] * len(spoken)
    if abuse is not None:
        abusive = [*probabilities(abuse, [record.text for record in spoken])]
    found = {
        record.id: check_text(
            record.text,
            topic_terms(record.category, record.subgroup, record.query),
            rules,
            abusive=probability,
        )
        for record, probability in zip(spoken, abusive, strict=True)
    }
    return [found.get(record.id, CheckedText({}, ())) for record in records]


def _joined(
    record: Record, image: CheckedImage | None, text: CheckedText, out: Path, rules: Rules
) -> CheckedRecord:
    if image is None:
        why = record.problem or "no image was collected"
        scores, flags = {"unreadable": 1.0}, unreadable(why, rules)
    else:
        scores, flags = image.scores, image.flags
    there = image is not None and (out / str(record.image)).is_file()
    return CheckedRecord(
        id=record.id,
        image=record.image,
        key=image.key if image is not None and there else None,
        width=0 if image is None else image.width,
        height=0 if image is None else image.height,
        scores={c: None if s != s else s for c, s in (scores | text.scores).items()},
        flags=(*flags, *text.flags),
    )
