"""The identity taxonomy: one name per subgroup, so that two data sets can be compared."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files


@cache
def taxonomy() -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    """category -> subgroup -> other names of that subgroup."""
    text = (files("unskew.stimuli") / "data" / "taxonomy.json").read_text(encoding="utf-8")
    return {
        category: {name: tuple(others) for name, others in subgroups.items()}
        for category, subgroups in json.loads(text)["categories"].items()
    }


def canonical_category(name: str) -> str:
    """``"Sexual_Orientation"`` -> ``"sexual orientation"``; unknown names are left alone."""
    plain = _plain(name)
    return plain if plain in taxonomy() else name


def canonical_subgroup(category: str, label: str) -> str:
    """The taxonomy's name for ``label`` within ``category``; unknown labels are left alone."""
    return _names(canonical_category(category)).get(_plain(label), label)


@cache
def _names(category: str) -> Mapping[str, str]:
    subgroups = taxonomy().get(category, {})
    return {_plain(n): name for name, others in subgroups.items() for n in (name, *others)}


def _plain(text: str) -> str:
    return " ".join(text.replace("_", " ").lower().split())
