"""A collection on disk: records, images, how far each search has come, and the salt.

records.jsonl    one record a line, only ever appended to
images/          files by content hash
progress.json    while a collection runs, or after it was stopped
salt             what authors' handles are hashed with; not to be published
"""

import hashlib
import hmac
import json
import os
import re
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from unskew.curate.images import FOLDER as IMAGES
from unskew.curate.queries import Query
from unskew.curate.record import Record, RecordLog
from unskew.curate.sources.base import Found
from unskew.errors import InputError
from unskew.kept import write_whole

RECORDS = "records.jsonl"
_PROGRESS = "progress.json"
SALT = "salt"
_BEGUN: dict[str, Any] = {"after": None, "taken": 0, "done": False}
# Handles as X (@name) and Reddit (u/name) write them, not addresses of mail.
_HANDLE = re.compile(r"(?<![\w@/.])(@|/?u/)[A-Za-z0-9_-]{2,}")


class Collection:
    """One folder, to which one process at a time adds."""

    def __init__(self, folder: str | Path) -> None:
        """Raises InputError where the folder cannot be written or holds something else."""
        self.folder = Path(folder)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"cannot write {self.folder}: {error.strerror or error}") from error
        self.log = RecordLog(self.folder / RECORDS)
        try:
            # What a run that was killed has not written to its end; see unskew.kept.write_whole.
            for cut in (*self.folder.glob(".unskew-*"), *self.folder.glob(f"{IMAGES}/*/.unskew-*")):
                if not cut.is_dir():  # of a set that is being built in here
                    cut.unlink()
            self._salt = _salt(self.folder / SALT)
            self._progress = _read_progress(self.folder / _PROGRESS)
        except BaseException:
            self.log.__exit__()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.log.__exit__()

    def add(self, records: Sequence[Record]) -> None:
        """Append records that are not there yet; see RecordLog.append."""
        self.log.append(records)

    def record(
        self, found: Found, source: str, query: Query, image: str | None, problem: str | None
    ) -> Record:
        """What is kept of an image that was found: of the author's handle, only a hash."""
        label = found.label or query
        source = _storable(found.source or source)
        return Record(
            id=record_id(source, found.key),
            source=source,
            url=_storable(found.url),
            author_hash=author_hash(self._salt, source, found.author) if found.author else None,
            licence=_storable(found.licence),
            retrieved=found.retrieved or now(),
            query=_storable(label.text),
            text=_storable(without_handles(found.text)),
            image=image,
            category=label.category,
            subgroup=label.subgroup,
            page=None if found.page is None else _storable(found.page),
            problem=None if problem is None else _storable(problem),
        )

    def progress(self, search: str) -> dict[str, Any]:
        """How far a search has come: {"after", "taken", "done"}."""
        return self._progress.get(search, _BEGUN)

    def note_progress(self, search: str, after: str | None, taken: int, done: bool) -> None:
        """Keep how far it has come. After the records: a kill in between costs a request."""
        self._progress[search] = {"after": after, "taken": taken, "done": done}
        write_whole(self.folder / _PROGRESS, json.dumps(self._progress, indent=1))

    def finish(self) -> None:
        """All searches are done: the next run begins anew, and looks for what is new."""
        self._progress = {}
        (self.folder / _PROGRESS).unlink(missing_ok=True)


def record_id(source: str, key: str) -> str:
    """The same for the same item of the same source, in any collection."""
    return f"{_storable(source)}-{hashlib.sha256(_storable(key).encode()).hexdigest()[:16]}"


def author_hash(salt: bytes, source: str, handle: str) -> str:
    """HMAC-SHA256 of a handle, 32 hex digits; upper and lower case are one.

    The salt is the environment variable UNSKEW_SALT, or else the file `salt` of the collection,
    which is made at random with the collection. Keep it to add to the collection or to tell an
    author which images are theirs; never publish it: handles can be guessed, and tried with it.
    """
    name = f"{source}\n{_storable(handle.casefold())}".encode()
    return hmac.new(salt, name, hashlib.sha256).hexdigest()[:32]


def without_handles(text: str) -> str:
    """A text in which nobody is called by a handle: "@name" becomes "@user"."""
    return _HANDLE.sub(lambda match: match[1] + "user", text)


def _storable(text: str) -> str:
    """Without halves of characters, which names of files and texts may have and UTF-8 has not."""
    return text.encode("utf-8", "replace").decode("utf-8")


def now() -> str:
    """ISO 8601 in UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _salt(path: Path) -> bytes:
    given = os.environ.get("UNSKEW_SALT", "")
    if given:
        return given.encode()
    try:
        if not path.exists():
            # For the owner alone, and in place only when it is whole.
            temporary = path.with_name(f".unskew-{os.getpid()}-{path.name}")
            temporary.unlink(missing_ok=True)
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w") as file:
                file.write(secrets.token_hex(32))
            os.replace(temporary, path)
        salt = path.read_bytes().strip()
    except OSError as error:
        raise InputError(f"cannot keep the salt in {path}: {error.strerror or error}") from error
    if not salt:
        raise InputError(f"{path} is empty: restore it, or begin a new collection")
    return salt


def _read_progress(path: Path) -> dict[str, dict[str, Any]]:
    try:
        progress = json.loads(path.read_text(encoding="utf-8"))
        return {search: {key: far[key] for key in _BEGUN} for search, far in progress.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise InputError(f"cannot read {path} ({error}): delete it to search anew") from error
