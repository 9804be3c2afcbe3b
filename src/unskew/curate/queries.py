"""What services are asked: keywords for every subgroup of the taxonomy."""

import json
from collections.abc import Sequence
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


def taxonomy_queries(categories: Sequence[str] | None = None) -> list[Query]:
    """Queries for the subgroups of these categories, or of all, in the taxonomy's order.

    Subgroups that no keyword finds (nobody captions a photo "non-disabled") have none.

    Raises:
        InputError: the taxonomy has no such category.
    """
    known = taxonomy()
    names = list(known) if categories is None else [canonical_category(c) for c in categories]
    queries: dict[str, Query] = {}
    for category in names:
        if category not in known:
            raise InputError(
                f"the taxonomy has no category {category!r}; it has {', '.join(known)}"
            )
        for subgroup in known[category]:
            for text in _texts(category, subgroup):
                queries.setdefault(text.lower(), Query(text, category, subgroup))
    return list(queries.values())


def proposed(label: str, category: str | None = None) -> tuple[str, str] | None:
    """The taxonomy's category and subgroup for a label such as a folder's name.

    None where the taxonomy has no such name, or has it in several categories ("Indian").
    """
    found = set()
    for known in taxonomy() if category is None else [canonical_category(category)]:
        for spelling in (label, label.replace("-", " ")):
            name = canonical_subgroup(known, spelling)
            if name in taxonomy().get(known, {}):
                found.add((known, name))
    return found.pop() if len(found) == 1 else None


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
