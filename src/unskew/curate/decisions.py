"""What reviewers decided: a log that only ever grows, and what follows from it."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Literal, get_args

from unskew.errors import InputError

Action = Literal["keep", "drop", "relabel", "unsure", "undo"]
_TEXTS = ("record", "reviewer", "action", "at")
_LABEL = ("category", "subgroup")


@dataclass(frozen=True)
class Decision:
    """One reviewer on one record.

    Attributes:
        record: the id of the record.
        action: undo takes back the reviewer's latest standing decision on the record, so that
            the one before it, if there is any, stands again.
        category, subgroup: the label that a relabel gives; None of every other action.
        at: ISO 8601, UTC.
    """

    record: str
    reviewer: str
    action: Action
    at: str
    category: str | None = None
    subgroup: str | None = None

    def __post_init__(self) -> None:
        """Raises InputError where the parts do not fit together."""
        if self.action not in get_args(Action):
            raise InputError(
                f"{self.action!r} is no action: it is one of {', '.join(get_args(Action))}"
            )
        reviewer_name(self.reviewer)
        if self.action == "relabel" and not (self.category and self.subgroup):
            raise InputError("a relabel names a category and a subgroup")
        if self.action != "relabel" and (self.category or self.subgroup):
            raise InputError(f"the action {self.action} gives no label")


@dataclass(frozen=True)
class Verdict:
    """What the reviewers of one record come to.

    Attributes:
        action: keep the record, drop it, or unsure: no more than half of them agree.
        category, subgroup: the label that more than half gave it; None leaves it as proposed.
        reviewers: how many have decided.
    """

    action: Literal["keep", "drop", "unsure"]
    category: str | None
    subgroup: str | None
    reviewers: int


def reviewer_name(name: str) -> str:
    """A name as the log keeps it, without needless blanks. Raises InputError for no name."""
    name = " ".join(name.split())
    if not (name and name.isprintable()):
        raise InputError(f"{name!r} is no name of a reviewer: write letters that can be seen")
    return name


def read_decisions(path: str | Path) -> list[Decision]:
    """The decisions of a log, in its order; none where there is no such file.

    A last line that was cut while it was written is passed over.

    Raises:
        InputError: the file cannot be read, or a line is no decision.
    """
    try:
        content = Path(path).read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error
    return [
        _parsed(line, f"{path} line {number}")
        for number, line in enumerate(_whole(content).splitlines(), start=1)
        if line.strip()
    ]


def standing(decisions: Iterable[Decision]) -> dict[str, dict[str, Decision]]:
    """record id -> reviewer -> the decision that stands.

    Raises:
        InputError: an undo takes back what nobody decided.
    """
    made: dict[str, dict[str, list[Decision]]] = {}
    for decision in decisions:
        of_record = made.setdefault(decision.record, {})
        stack = of_record.setdefault(decision.reviewer, [])
        if decision.action != "undo":
            stack.append(decision)
        elif stack:
            stack.pop()
        else:
            raise InputError(
                f"{decision.reviewer} at {decision.at}: nothing to undo of {decision.record!r}"
            )
    stand = {
        record: {reviewer: stack[-1] for reviewer, stack in of_record.items() if stack}
        for record, of_record in made.items()
    }
    return {record: of_record for record, of_record in stand.items() if of_record}


def verdict(of_record: Mapping[str, Decision]) -> Verdict:
    """What the standing decisions on one record (reviewer -> decision) come to.

    Each reviewer has one vote, for dropping, for the proposed label, for another label, or for
    none of them; more than half decide. Raises InputError where nobody has decided.
    """
    if not of_record:
        raise InputError("nobody has decided on this record, so there is no verdict")
    votes = Counter((d.action, d.category, d.subgroup) for d in of_record.values())
    (action, category, subgroup), count = votes.most_common(1)[0]
    reviewers = len(of_record)
    if 2 * count <= reviewers or action == "unsure":
        return Verdict("unsure", None, None, reviewers)
    return Verdict("drop" if action == "drop" else "keep", category, subgroup, reviewers)


class DecisionLog:
    """Appends decisions to a file; a context manager, safe to share between threads.

    When `append` returns, the decision is on the disk. One process at a time holds the log.
    """

    def __init__(self, path: str | Path) -> None:
        """Raises InputError: it cannot be written, another process holds it, or it is no log."""
        self._path = Path(path)
        self._threads = Lock()
        if self._path.is_char_device():  # which may be read for ever
            raise InputError(f"cannot write {self._path}: it is no file")
        try:
            self._file = self._path.open("a+b", buffering=0)
            _sync_folder(self._path.parent)  # the name of a new file, too, is to last
        except OSError as error:
            raise InputError(f"cannot write {self._path}: {error.strerror or error}") from error
        try:
            self._hold()
            self._decisions = read_decisions(self._path)
            standing(self._decisions)
            self._end = self._mend()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> DecisionLog:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """All of them so far, in the order of the log."""
        with self._threads:
            return tuple(self._decisions)

    def append(self, decision: Decision) -> None:
        """Write a decision and wait until it is on the disk.

        Raises:
            InputError: it undoes nothing, or the disk takes no more; the log is as before.
        """
        with self._threads:
            if decision.action == "undo":
                same = (decision.record, decision.reviewer)
                standing(d for d in [*self._decisions, decision] if (d.record, d.reviewer) == same)
            self._write(json.dumps(asdict(decision), ensure_ascii=False).encode() + b"\n")
            self._decisions.append(decision)

    def _write(self, line: bytes) -> None:
        try:
            # What a failed write has left, where the disk refused to take even that back.
            self._file.truncate(self._end)
            written = 0
            while written < len(line):
                written += self._file.write(line[written:])
            os.fsync(self._file.fileno())
        except OSError as error:
            self._file.truncate(self._end)
            raise InputError(
                f"cannot write {self._path}: {error.strerror or error}; this decision is not "
                "kept, those before it are"
            ) from error
        self._end += len(line)

    def _hold(self) -> None:
        import fcntl  # not on every system; reading needs none

        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(
                f"{self._path.parent} is being reviewed: open the page of the `unskew review` "
                "that is running, or stop it first"
            ) from error

    def _mend(self) -> int:
        """Make the file end with a whole line; where that is."""
        self._file.seek(0)
        content = self._file.read()
        whole = _whole(content)
        if len(whole) < len(content):
            self._file.truncate(len(whole))
        elif whole and not whole.endswith(b"\n"):
            self._file.write(b"\n")
        return self._file.seek(0, os.SEEK_END)


def _whole(content: bytes) -> bytes:
    """Without a last line that was cut: the beginning of a JSON object never is JSON."""
    head, _, last = content.rpartition(b"\n")
    if not last:
        return content
    try:
        json.loads(last)
    except ValueError:
        return head + b"\n" if head else b""
    return content


def _parsed(line: bytes, where: str) -> Decision:
    try:
        said: Any = json.loads(line)
    except ValueError as error:
        raise InputError(f"{where}: not valid JSON ({error})") from error
    known = {*_TEXTS, *_LABEL}
    if not isinstance(said, dict) or not set(_TEXTS) <= set(said) <= known:
        raise InputError(f"{where}: no decision, which has {', '.join((*_TEXTS, *_LABEL))}")
    for key, value in said.items():
        if not (isinstance(value, str) or (value is None and key in _LABEL)):
            raise InputError(f"{where}: {key!r} is {value!r:.40} and must be text")
    try:
        return Decision(**said)
    except InputError as error:
        raise InputError(f"{where}: {error}") from error


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
