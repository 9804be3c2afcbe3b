"""Bring what a pile has into a folder that is to be curated: records, and images by content."""

import os
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from unskew.curate.collect import Collected, collect
from unskew.curate.collection import RECORDS, SALT, Collection
from unskew.curate.images import FOLDER as IMAGES
from unskew.curate.record import Record, read_records
from unskew.curate.sources.export import Export
from unskew.curate.sources.folder import Folder
from unskew.errors import InputError, NotFoundError
from unskew.kept import write_whole

_BATCH = 256


def gather(raw: str | Path, out: str | Path) -> Collected:
    """Add a pile to the collection `out`, and go on where a run was stopped.

    Args:
        raw: a folder of images, a JSONL export, or a collection: `out` itself, or another, whose
            images are then linked where the disk can, and whose salt is taken over with them.
        out: the collection's folder, which is made or added to.

    Raises:
        NotFoundError: there is no such pile.
        InputError: it has no images or cannot be read, `out` cannot be written or lies within it.
    """
    raw, out = Path(raw), Path(out)
    if raw.is_file():
        return collect([Export(raw)], [], out)
    if not raw.is_dir():
        raise NotFoundError(f"{str(raw)!r}: there is no such folder or file")
    if (raw / RECORDS).is_file():
        return _take_over(raw, out)
    if out.resolve().is_relative_to(raw.resolve()):
        raise InputError(f"{out} lies within {raw}, whose images it is made of: name another --out")
    return collect([Folder(raw)], [], out)


def _take_over(raw: Path, out: Path) -> Collected:
    """The records of another collection, in their order."""
    new = problems = 0
    same = raw.resolve() == out.resolve()
    if not same:
        _take_salt(raw, out)
    with Collection(out) as collection:
        records = iter(()) if same else read_records(raw / RECORDS)
        for batch in _batches(records):
            added = [record for record in batch if record.id not in collection.log]
            for record in added:
                if record.image is not None:
                    _take_image(raw, out, record.image)
            collection.add(added)
            new += len(added)
            problems += sum(record.problem is not None for record in added)
        if not len(collection.log):
            raise InputError(f"{raw / RECORDS} holds no records: collect some")
        return Collected(out, new, len(collection.log), problems, unreached=0, unlabelled=())


def _batches(records: Iterator[Record]) -> Iterator[Sequence[Record]]:
    while batch := list(islice(records, _BATCH)):
        yield batch


def _take_image(raw: Path, out: Path, image: str) -> None:
    """Link or copy a file; one that is gone is left to the checks, which tell it."""
    place = Path(image)
    if place.is_absolute() or place.parts[:1] != (IMAGES,) or ".." in place.parts:
        raise InputError(f"{raw / RECORDS}: the image {image!r} does not lie in {IMAGES}/")
    source, target = raw / place, out / place
    if target.exists() or not source.is_file():
        return
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source, target)
        except OSError:  # another disk, or one without links
            write_whole(target, source.read_bytes())
    except OSError as error:
        raise InputError(f"cannot copy {source} to {out}: {error.strerror or error}") from error


def _take_salt(raw: Path, out: Path) -> None:
    """What authors' handles are hashed with, for whoever adds to the collection; see Collection."""
    source, target = raw / SALT, out / SALT
    if target.exists() or not source.is_file():
        return
    temporary = target.with_name(f".unskew-{os.getpid()}-{SALT}")
    try:
        out.mkdir(parents=True, exist_ok=True)
        temporary.unlink(missing_ok=True)
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as f:
            f.write(source.read_bytes())
        os.replace(temporary, target)
    except OSError as error:
        raise InputError(f"cannot keep the salt in {target}: {error.strerror or error}") from error
