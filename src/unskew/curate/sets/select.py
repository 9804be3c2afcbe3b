"""Which records of a curation enter a set, with which label, and why the others do not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from unskew.curate.curation import DECISIONS, Curation
from unskew.curate.decisions import Decision, Verdict, read_decisions, standing, verdict
from unskew.curate.record import Record
from unskew.curate.sets.entry import Entry, Failed, Label, known_label
from unskew.curate.sets.removals import Names
from unskew.errors import InputError

Standing = Mapping[str, Mapping[str, Decision]]


@dataclass(frozen=True)
class Selected:
    """The entries; of the other records, how many by reason, and SHA-256, url and page; and the
    decisions that stand."""

    entries: list[Entry]
    left_out: dict[str, int]
    others: Sequence[Names]
    decisions: Standing


def select(curation: Curation) -> Selected:
    """A record enters if its reviewers keep it, with the label that they gave it; where nobody has
    decided, if it has no flags and a proposed subgroup.

    Raises:
        InputError: a label that would enter is not in the taxonomy, or a decision is about no
            record of the curation.
    """
    decided = standing(read_decisions(curation.folder / DECISIONS))
    stray = sorted(set(decided) - {record.id for record in curation.records})
    if stray:
        raise InputError(
            f"{curation.folder / DECISIONS}: the record {stray[0]!r} is not of this curation"
        )
    left_out: Counter[str] = Counter()
    entries, others = [], []
    for record in curation.records:
        of_record = decided.get(record.id)
        found = _label(curation, record, verdict(of_record) if of_record else None)
        if isinstance(found, str):
            left_out[found] += 1
            others.append((curation.checked[record.id].key, record.url, record.page))
        else:
            entries.append(_entry(curation, record, found, len(of_record or ())))
    return Selected(entries, dict(left_out), others, decided)


def _label(curation: Curation, record: Record, said: Verdict | None) -> Label | str:
    """The label of a record that enters, or why it does not."""
    checked = curation.checked[record.id]
    if checked.key is None:
        return "no image"
    if not checked.width:  # whoever loads the set would stumble over it
        return "the image cannot be read"
    if said is None and checked.flags:
        return "flagged, and nobody has decided"
    if said is not None and said.action != "keep":
        return "dropped by the reviewers" if said.action == "drop" else "reviewers are unsure"
    category = said.category if said and said.category else record.category
    subgroup = said.subgroup if said and said.subgroup else record.subgroup
    if category is None or subgroup is None:
        return "no subgroup was proposed or given"
    return known_label(category, subgroup, f"record {record.id!r} of {curation.folder}")


def _entry(curation: Curation, record: Record, label: Label, reviewers: int) -> Entry:
    checked = curation.checked[record.id]
    return Entry(
        id=record.id,
        text=record.text,
        category=label[0],
        subgroup=label[1],
        source=record.source,
        url=record.url,
        page=record.page,
        licence=record.licence,
        author_hash=record.author_hash,
        retrieved=record.retrieved,
        query=record.query,
        sha256=checked.key,
        width=checked.width or None,
        height=checked.height or None,
        flags=tuple(Failed(f.check, f.score, f.threshold) for f in checked.flags),
        reviewed_by=reviewers,
    )
