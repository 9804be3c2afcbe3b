"""What a set holds, in numbers: build.json, from which the card and the datasheet are told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from unskew.corpora.published import SPLITS
from unskew.curate.sets.entry import Entry
from unskew.curate.sets.rights import licence
from unskew.stimuli import taxonomy

FEW = 20
"""Fewer images of a subgroup than this, and hardly any difference can be told from chance."""


def composition(entries: Sequence[Entry]) -> dict[str, Any]:
    """Counts of a set's rows, as JSON can hold them, in a fixed order."""
    there = {entry.category for entry in entries}
    return {
        "rows": len(entries),
        "images": len({entry.sha256 or entry.id for entry in entries}),
        "splits": {s: n for s in SPLITS if (n := sum(e.split == s for e in entries))},
        "categories": {
            category: _subgroups([e for e in entries if e.category == category], category)
            for category in taxonomy()
            if category in there
        },
        "gaps": _gaps(entries),
        "sources": _counted(entries, lambda e: [e.source]),
        "licences": {
            name: {"rows": count, **_allowed(name)}
            for name, count in _counted(entries, lambda e: [e.licence]).items()
        },
        "flags": _counted(entries, lambda e: [flag.check for flag in e.flags]),
        "authors": _authors(entries),
        "addressed": sum(entry.address is not None for entry in entries),
        "reviewers_per_row": _counted(entries, lambda e: [str(e.reviewed_by)]),
        "texts": sum(bool(entry.text) for entry in entries),
        "retrieved": _between([e.retrieved for e in entries if e.retrieved]),
        "shorter_side": _between([min(e.width, e.height) for e in entries if e.width and e.height]),
    }


def _subgroups(entries: Sequence[Entry], category: str) -> list[dict[str, Any]]:
    """One row per subgroup and source: how many are in each split."""
    rows = []
    for subgroup in taxonomy()[category]:
        of_subgroup = [e for e in entries if e.subgroup == subgroup]
        for source in sorted({e.source for e in of_subgroup}):
            splits = Counter(e.split for e in of_subgroup if e.source == source)
            rows.append(
                {
                    "subgroup": subgroup,
                    "source": source,
                    **{split: splits[split] for split in SPLITS},
                    "all": splits.total(),
                }
            )
    return rows


def _gaps(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """Subgroups of the taxonomy with fewer than FEW rows."""
    counts = Counter((entry.category, entry.subgroup) for entry in entries)
    return [
        {"category": category, "subgroup": subgroup, "rows": counts[category, subgroup]}
        for category, subgroups in taxonomy().items()
        for subgroup in subgroups
        if counts[category, subgroup] < FEW
    ]


def _allowed(name: str) -> dict[str, Any]:
    known = licence(name)
    return {"redistributable": known.redistributable, "condition": known.condition}


def _authors(entries: Sequence[Entry]) -> dict[str, int]:
    counts = Counter(entry.author_hash for entry in entries if entry.author_hash)
    return {
        "known": len(counts),
        "rows_of_known": counts.total(),
        "most_rows_of_one": max(counts.values(), default=0),
    }


def _counted(entries: Iterable[Entry], names: Callable[[Entry], Iterable[str]]) -> dict[str, int]:
    """How often each name occurs, the most frequent first."""
    counts = Counter(name for entry in entries for name in names(entry))
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _between(values: Sequence[Any]) -> list[Any] | None:
    return [min(values), max(values)] if values else None
