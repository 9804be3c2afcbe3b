"""What reviewers do at the page, without the page: look, decide, take back, agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from threading import RLock

from unskew.curate.agreement import Agreement, agreement
from unskew.curate.collection import now
from unskew.curate.curation import DECISIONS, Curation, open_curation
from unskew.curate.decisions import Action, Decision, DecisionLog, read_decisions, standing
from unskew.curate.flags import Flag
from unskew.curate.record import Record
from unskew.errors import InputError


class StaleError(InputError):
    """The page that the reviewer sees is of an earlier state, or of other records."""


@dataclass(frozen=True)
class View:
    """One record as one reviewer sees it, who sees no decision of another.

    Attributes:
        number: its place among the records to review, from 0.
        total: how many there are.
        own: the reviewer's standing decision on it.
        made: how many of the reviewer's decisions on it stand one upon another; see `decide`.
        done: how many records the reviewer has given each action.
    """

    number: int
    total: int
    record: Record
    flags: tuple[Flag, ...]
    own: Decision | None
    made: int
    done: Counter[str]


class Desk:
    """All reviewers of one curation in this process; safe to share between threads."""

    def __init__(
        self, curation: Curation, log: DecisionLog, *, flagged_first: bool = False
    ) -> None:
        """Records without an image are left out: there is nothing to see.

        Raises:
            InputError: no record has an image.
        """
        records = [record for record in curation.records if record.image is not None]
        if not records:
            raise InputError(f"no record of {curation.folder} has an image: nothing to review")
        if flagged_first:
            records.sort(key=lambda record: not curation.flags(record.id))
        self.curation = curation
        self._records = records
        self._numbers = {record.id: number for number, record in enumerate(records)}
        self._log = log
        self._lock = RLock()
        self._made: dict[str, _Made] = {}
        for decision in log.decisions:
            self._of(decision.reviewer).take(decision)

    def first(self, reviewer: str) -> int:
        """Where the reviewer goes on: the first record not decided on; the last one if all are."""
        return self._undecided(reviewer, 0, len(self._records) - 1)

    def view(self, reviewer: str, number: int) -> View:
        """A record; numbers beyond the ends give the record at the end."""
        number = min(max(number, 0), len(self._records) - 1)
        record = self._records[number]
        with self._lock:
            made = self._of(reviewer)
            stack = made.stacks.get(record.id, [])
            latest = (s[-1] for id, s in made.stacks.items() if s and id in self._numbers)
            return View(
                number=number,
                total=len(self._records),
                record=record,
                flags=self.curation.flags(record.id),
                own=stack[-1] if stack else None,
                made=len(stack),
                done=Counter(decision.action for decision in latest),
            )

    def number(self, reviewer: str, record: str) -> int:
        """The place of a record; where it is none of these, where the reviewer goes on."""
        found = self._numbers.get(record)
        return self.first(reviewer) if found is None else found

    def decide(
        self,
        reviewer: str,
        seen: str,
        made: int,
        action: Action,
        label: tuple[str, str] | None = None,
    ) -> int:
        """Keep a decision on the disk, and return the number of the record to look at next.

        Args:
            seen, made: the record's id and `made` as in the View that the reviewer decided upon.
                A page that was left open may be of another order, or of another curation; and a
                second key, pressed before the page has moved on, is not meant for the record that
                it would reach.
            label: (category, subgroup), of a relabel.

        Raises:
            StaleError: the reviewer has decided on this record meanwhile, or it is none of these.
            InputError: a record without a proposed subgroup is kept; or the disk takes no more.
        """
        with self._lock:
            if seen not in self._numbers:
                raise StaleError("the page was of other records: look again")
            view = self.view(reviewer, self._numbers[seen])
            number, record = view.number, view.record
            if made != view.made:
                raise StaleError("this record is decided on already: look again")
            if label is not None and label == (record.category, record.subgroup):
                action, label = "keep", None  # it is the proposed one
            if action == "keep" and record.subgroup is None:
                raise InputError("no subgroup is proposed for this record: relabel it, or drop it")
            self._append(record.id, reviewer, action, label)
            return self._undecided(reviewer, number + 1, number)

    def undo(self, reviewer: str) -> int:
        """Take back the reviewer's latest decision, and return the number of its record.

        Raises:
            InputError: there is none; or the disk takes no more.
        """
        with self._lock:
            order = self._of(reviewer).order
            latest = next((r for r in reversed(order) if r in self._numbers), None)
            if latest is None:
                raise InputError("there is no decision to take back")
            self._append(latest, reviewer, "undo", None)
            return self._numbers[latest]

    def agreement(self) -> tuple[Agreement, ...]:
        """Between all reviewers so far; empty for fewer than two."""
        return _agreement(self.curation, self._log.decisions)

    def _append(
        self, record: str, reviewer: str, action: Action, label: tuple[str, str] | None
    ) -> None:
        decision = Decision(record, reviewer, action, now(), *(label or (None, None)))
        self._log.append(decision)
        self._of(reviewer).take(decision)

    def _of(self, reviewer: str) -> _Made:
        return self._made.setdefault(reviewer, _Made({}, []))

    def _undecided(self, reviewer: str, start: int, otherwise: int) -> int:
        """The first record from `start` on, then from the beginning, that is not decided on."""
        with self._lock:
            stacks = self._of(reviewer).stacks
            n = len(self._records)
            round_trip = ((start + step) % n for step in range(n))
            open_ones = (i for i in round_trip if not stacks.get(self._records[i].id))
            return next(open_ones, otherwise)


@dataclass
class _Made:
    """One reviewer's standing decisions: by record, the latest last; and records in that order."""

    stacks: dict[str, list[Decision]]
    order: list[str]

    def take(self, decision: Decision) -> None:
        record = decision.record
        if decision.action != "undo":
            self.stacks.setdefault(record, []).append(decision)
            self.order.append(record)
            return
        self.stacks[record].pop()
        latest = len(self.order) - 1 - self.order[::-1].index(record)
        del self.order[latest]


def agreement_in(folder: str | Path) -> tuple[Agreement, ...]:
    """How far the reviewers of a curation agree, also while it is being reviewed; see Desk.

    Raises:
        InputError: it is no curation, or its log cannot be read.
    """
    curation = open_curation(folder)
    return _agreement(curation, read_decisions(curation.folder / DECISIONS))


def _agreement(curation: Curation, decisions: Iterable[Decision]) -> tuple[Agreement, ...]:
    known = {record.id for record in curation.records}
    return agreement(standing(d for d in decisions if d.record in known))
