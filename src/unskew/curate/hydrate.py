"""From a set of addresses to one with images: downloaded, checked, and what has gone told.

Several hosts are asked at once, each by one request at a time. Downloads are kept beside the new
set, in a collection, until every image has been asked for.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from tqdm.auto import tqdm

from unskew.corpora.published import BUILD, METADATA, SPLITS, is_set
from unskew.corpora.remote import fetch_files
from unskew.curate.collection import RECORDS, Collection, record_id
from unskew.curate.download import Downloader, OutOfReachError
from unskew.curate.fetch_all import fetch_all
from unskew.curate.images import NoImageError, store_image
from unskew.curate.pixels import UnreadableError, small_copy
from unskew.curate.queries import Query
from unskew.curate.record import UNKNOWN_LICENCE, Record, read_records
from unskew.curate.sets.assemble import Built, Origin, Plan, assemble
from unskew.curate.sets.composition import composition
from unskew.curate.sets.entry import Entry, known_label, read_metadata
from unskew.curate.sets.numbers import Numbers, read_numbers
from unskew.curate.sets.place import file_digest, refuse_other_content, written_whole
from unskew.curate.sources.base import Found
from unskew.curate.sources.patience import UnreachableError
from unskew.errors import InputError, NotFoundError

MISSING = "missing.jsonl"
_HYDRATED = "hydrated"
_SOURCE = "hydrate"
# Images whose records are made durable together; a kill loses as many downloads at most.
_BATCH = 16
What: TypeAlias = Literal["gone", "changed", "unreached"]
_TOLD = {
    "gone": "gone from its address",
    "changed": "another image at its address",
    "unreached": "its host did not answer",
}


@dataclass(frozen=True)
class Missing:
    """A row whose image is not there any more, as missing.jsonl tells it.

    `what`: gone; changed: another file lies there now; unreached: its host did not answer, and
    may another time.
    """

    id: str
    category: str
    subgroup: str
    url: str
    page: str | None
    what: What
    why: str


@dataclass(frozen=True)
class Hydrated:
    """A set that was hydrated.

    Attributes:
        built: see `Built`.
        missing: of rows, by what is the matter: "gone", "changed", "unreached".
        unchecked: rows whose image nobody knew a SHA-256 of.
    """

    built: Built
    missing: dict[str, int]
    unchecked: int


def hydrate_set(
    folder: str | Path, out: str | Path, *, downloader: Downloader | None = None
) -> Hydrated:
    """Download the images of the set of addresses in `folder` into a new set, `out`.

    `folder`: one that `unskew dataset build` has made, or the id of such a data set on the Hub.
    An image enters if its SHA-256 is that of the set, or the set knows none; the others are in
    missing.jsonl. A run that was stopped goes on; one after the end asks for the unreached alone.
    Others may have written the set: unless a `downloader` is given that may ask private hosts,
    addresses on this machine and in its network are not asked.

    Raises:
        NotFoundError: there is no such set, or the Hub was not reached.
        InputError: it holds images already or cannot be read, no image is left, `out` holds
            something else or cannot be written, another run is writing it, or the network is
            gone. What was downloaded is kept in every case.
    """
    folder, out = _at_hand(str(folder)), Path(out)
    numbers = _numbers(folder)
    digest = file_digest(folder / METADATA)
    refuse_other_content(out)
    finished = _finished(out, digest)
    if finished is not None:
        return finished
    entries = _entries(folder / METADATA)
    downloads = out.absolute().with_name(f".unskew-downloads-{out.name}")
    # Nobody else adds to the downloads, or removes them, until the new set stands.
    with Collection(downloads) as collection:
        _download(list(dict.fromkeys(entry.url for entry in entries)), collection, downloader)
        found = _some(_sorted_out(entries, downloads), out, downloads)
        with written_whole(out) as staging:
            lines = [json.dumps(asdict(row), ensure_ascii=False) + "\n" for row in found.missing]
            (staging / MISSING).write_text("".join(lines), encoding="utf-8")
            new = _origin(numbers, digest, found)
            built = assemble(found.entries, new, _plan(numbers), downloads, staging, out)
        if not found.count("unreached"):
            # A run that begins meanwhile may have put its own log there.
            shutil.rmtree(downloads, ignore_errors=True)
    return _hydrated(built)


@dataclass(frozen=True)
class _Found:
    """The rows whose images are there, and the others; `unchecked`: see `Hydrated`."""

    entries: list[Entry]
    missing: list[Missing]
    unchecked: int

    def count(self, what: str) -> int:
        return sum(row.what == what for row in self.missing)


def _at_hand(name: str) -> Path:
    """The folder of a set; of one on the Hub, where its rows and numbers are in the local cache."""
    if Path(name).exists():
        return Path(name)
    folder = fetch_files(name, (METADATA, BUILD))
    if not is_set(folder):
        raise NotFoundError(
            f"the data set {name} of the Hub has no {BUILD} and {METADATA}: unskew has not made it"
        )
    return folder


def _some(found: _Found, out: Path, downloads: Path) -> _Found:
    """The same. Raises InputError where no image is there."""
    if found.entries:
        return found
    if found.count("unreached") == len(found.missing):
        raise InputError("no image could be downloaded, since no host answers: try again later")
    told = ", ".join(f"{found.count(w)} {_TOLD[w]}" for w in get_args(What) if found.count(w))
    first = found.missing[0]
    raise InputError(
        f"no image is left for {out}: of {len(found.missing)} rows, {told} (as of "
        f"{first.url!r:.100}: {first.why!r:.200}). What was asked is noted in {downloads}: remove "
        "it to ask all of them again"
    )


def _download(urls: Sequence[str], collection: Collection, downloader: Downloader | None) -> None:
    """Ask for every address that the collection has no record of; see `fetch_all`.

    Raises:
        InputError: the disk takes no more, or the network is gone.
    """
    missing = [url for url in urls if record_id(_SOURCE, url) not in collection.log]
    waiting: list[Record] = []
    answers = fetch_all(missing, downloader or Downloader(private_hosts=False))
    bar = tqdm(answers, total=len(missing), unit="image", disable=None, delay=2, leave=False)
    try:
        for url, answer in bar:
            if isinstance(answer, UnreachableError) and not isinstance(answer, OutOfReachError):
                continue  # it may answer another time
            waiting.append(_record(collection, url, answer))
            if len(waiting) == _BATCH:
                collection.add(waiting)
                waiting = []
    except OutOfReachError as error:
        raise InputError(
            f"{error}; what was downloaded is kept in {collection.folder}: run it again to go on"
        ) from error
    finally:
        answers.close()
        collection.add(waiting)


def _record(collection: Collection, url: str, answer: bytes | Exception) -> Record:
    """Of an image, which is then stored, or of why there is none."""
    found = Found(key=url, url=url, licence=UNKNOWN_LICENCE)
    if isinstance(answer, NoImageError):
        return collection.record(found, _SOURCE, Query(""), None, str(answer))
    if isinstance(answer, Exception):
        raise answer
    image = store_image(collection.folder, answer, "")
    return collection.record(found, _SOURCE, Query(""), image, None)


def _sorted_out(entries: Sequence[Entry], downloads: Path) -> _Found:
    records = {record.id: record for record in read_records(downloads / RECORDS)}
    kept, missing, unchecked = [], [], 0
    for entry in entries:
        record = records.get(record_id(_SOURCE, entry.url))
        found = _checked(entry, record, downloads)
        if isinstance(found, Entry):
            kept.append(found)
            unchecked += entry.sha256 is None
        else:
            missing.append(found)
    return _Found(kept, missing, unchecked)


def _checked(entry: Entry, record: Record | None, downloads: Path) -> Entry | Missing:
    """The entry if its image is there and is the same, or what is the matter."""

    def missing(what: What, why: str) -> Missing:
        return Missing(entry.id, entry.category, entry.subgroup, entry.url, entry.page, what, why)

    if record is None:
        return missing("unreached", "its host did not answer")
    if record.image is None:
        return missing("gone", record.problem or "no image")
    digest = Path(record.image).stem
    if entry.sha256 is None:
        try:
            copy = small_copy((downloads / record.image).read_bytes())
        except UnreadableError as error:
            return missing("gone", f"what lies there is not readable ({error})")
        return replace(entry, sha256=digest, width=copy.width, height=copy.height)
    if digest != entry.sha256.lower():
        return missing("changed", f"what lies there has the SHA-256 {digest}")
    return entry


def _numbers(folder: Path) -> Numbers:
    """build.json of a set of addresses."""
    if not is_set(folder):
        raise NotFoundError(
            f"{str(folder)!r} is no set: name a folder that unskew dataset build has made"
        )
    numbers = read_numbers(folder / BUILD)
    if numbers.mode != "urls-only":
        raise InputError(f"{folder} holds its images already: there is nothing to hydrate")
    return numbers


def _entries(path: Path) -> list[Entry]:
    """The rows of a set, which anybody may have made."""
    entries = read_metadata(path)
    for number, entry in enumerate(entries, start=1):
        where = f"{path} line {number}"
        known_label(entry.category, entry.subgroup, where)
        if entry.split not in SPLITS:
            raise InputError(f"{where}: the split {entry.split!r} is none of {', '.join(SPLITS)}")
        if not str(entry.url).startswith(("http://", "https://")):
            raise InputError(f"{where}: {entry.url!r:.60} is not a web address")
    return entries


def _finished(out: Path, digest: str) -> Hydrated | None:
    """The set that an earlier run has made of the same rows, if it has asked for every image; that
    the files there are as they were built is known from `refuse_other_content`.

    Raises:
        InputError: a file of it is gone, or its build.json tells other counts than its rows. Its
            images may be gone from their addresses by now, so that nothing is put in its place.
    """
    if not is_set(out):
        return None
    try:
        numbers = dict(json.loads((out / BUILD).read_bytes()))
        told = numbers.get(_HYDRATED)
        if told is None or told["of"] != digest:
            return None
        lines = (out / MISSING).read_text(encoding="utf-8").splitlines()
        missing = _by_what(json.loads(line)["what"] for line in lines)
        of_rows = composition(read_metadata(out / METADATA))
        whole = told == {"of": digest, "missing": missing, "unchecked": int(told["unchecked"])}
        # A set of an earlier version lacks what was not counted then.
        whole &= all(numbers[name] == count for name, count in of_rows.items() if name in numbers)
        whole &= all((out / name).is_file() for name in numbers["files"])
    except (OSError, InputError, ValueError, LookupError, TypeError, AttributeError):
        whole = False
    if not whole:
        raise InputError(
            f"{out} is not as it was made: a file of it is gone, or its numbers are not those of "
            "its rows. Move it away to have it made anew"
        )
    return None if missing["unreached"] else _hydrated(Built(out, numbers, ()))


def _by_what(missing: Iterable[str]) -> dict[str, int]:
    counts = Counter(missing)
    return {what: counts[what] for what in get_args(What)}


def _hydrated(built: Built) -> Hydrated:
    told = built.numbers[_HYDRATED]
    return Hydrated(built, told["missing"], told["unchecked"])


def _plan(numbers: Numbers) -> Plan:
    """As the set of addresses was made, with every image: for the use of who downloads them."""
    return Plan("private", shares=numbers.shares, seed=numbers.seed, contact=numbers.contact)


def _origin(numbers: Numbers, digest: str, found: _Found) -> Origin:
    counts = _by_what(row.what for row in found.missing)
    return Origin(
        title=numbers.title,
        page=numbers.page,
        about=f"{numbers.about} The images were downloaded from the addresses of a set.",
        candidates=len(found.entries) + len(found.missing),
        left_out={_TOLD[what]: count for what, count in counts.items() if count},
        review={
            "reviewed": asdict(numbers.reviewed),
            "agreement": [asdict(one) for one in numbers.agreement],
            _HYDRATED: {"of": digest, "missing": counts, "unchecked": found.unchecked},
        },
    )
