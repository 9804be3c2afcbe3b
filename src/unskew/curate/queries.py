"""What services are asked: keywords for every subgroup of the taxonomy."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from unskew.errors import InputError
from unskew.stimuli import canonical_category, canonical_subgroup, taxonomy


@dataclass(frozen=True)
class Query:
    """Keywords, and the category and subgroup that what they find is proposed for."""

    text: str
    category: str | None = None
    subgroup: str | None = None


def taxonomy_queries(
    categories: Sequence[str] | None = None, subgroups: Sequence[str] | None = None
) -> list[Query]:
    """Queries for these subgroups of these categories, or for all, in the taxonomy's order.

    Subgroups that no keyword finds (nobody captions a photo "non-disabled") have none.

    Raises:
        InputError: the taxonomy has no such category or subgroup, or no keyword finds one of
            `subgroups`.
    """
    known = taxonomy()
    names = list(known) if categories is None else [canonical_category(c) for c in categories]
    for name in names:
        if name not in known:
            raise InputError(f"the taxonomy has no category {name!r}; it has {', '.join(known)}")
    everyone = [(category, subgroup) for category in names for subgroup in known[category]]
    wanted = set(everyone)
    if subgroups is not None:
        wanted = {pair for label in subgroups for pair in _named(label, names)}
    queries: dict[str, Query] = {}
    for category, subgroup in everyone:
        for text in _texts(category, subgroup) if (category, subgroup) in wanted else ():
            queries.setdefault(text.lower(), Query(text, category, subgroup))
    return list(queries.values())


def proposed(label: str, category: str | None = None) -> tuple[str, str] | None:
    """The taxonomy's category and subgroup for a label such as a folder's name.

    None where the taxonomy has no such name, or has it in several categories ("Indian").
    """
    found = _known(label, taxonomy() if category is None else [canonical_category(category)])
    return found.pop() if len(found) == 1 else None


def _named(label: str, categories: Sequence[str]) -> set[tuple[str, str]]:
    """What somebody wants searched by this name; in several categories, in all of them."""
    found = _known(label, categories)
    if not found:
        names = (name for category in categories for name in taxonomy()[category])
        raise InputError(
            f"the taxonomy has no subgroup {label!r} in {', '.join(categories)}; "
            f"it has {', '.join(names)}"
        )
    if not any(_texts(*pair) for pair in found):
        raise InputError(f"no keyword finds {label!r}: collect its images from a folder or export")
    return found


def _known(label: str, categories: Iterable[str]) -> set[tuple[str, str]]:
    """The taxonomy's (category, subgroup) for a label in these categories."""
    return {
        (category, name)
        for category in categories
        for spelling in (label, label.replace("-", " "))
        if (name := canonical_subgroup(category, spelling)) in taxonomy().get(category, {})
    }


def _texts(category: str, subgroup: str) -> list[str]:
    words = _words()
    instead = words["instead"].get(category, {})
    if subgroup in instead:
        return instead[subgroup]
    return [form.format(subgroup) for form in words["forms"][category]]


@cache
def _words() -> dict[str, Any]:
    text = (files("unskew.curate") / "queries.json").read_text(encoding="utf-8")
    return json.loads(text)
