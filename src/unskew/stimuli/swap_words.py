"""The lexicon behind swapped captions: inflected nouns, and words that say what is no identity."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from unskew.stimuli.identities import Identities, load_identities
from unskew.stimuli.taxonomy import taxonomy

# Of whom boys, girls, sons and the like are, too.
CHILDREN = {("age", "Child"), ("age_group", "0-29")}


@dataclass(frozen=True)
class Noun:
    """One form of a noun for somebody of a subgroup, as "men".

    ``versions``: subgroup -> the same form for that subgroup, itself among them.
    """

    subgroup: str
    plural: bool
    versions: Mapping[str, str]


@dataclass(frozen=True)
class Lexicon:
    """``data/swaps.json``, which documents its entries in its note."""

    nouns: Mapping[str, Mapping[str, Noun]]
    """category -> form, in lower case -> noun."""
    qualifiers: Mapping[str, Mapping[str, str]]
    """category with nouns -> subgroup -> the adjective for it."""
    other_words: Mapping[str, Mapping[str, Sequence[str]]]
    also_nouns: frozenset[str]
    without_counterpart: Sequence[str]
    """Nouns that say a gender, and have no word for the others."""
    not_said_of: Mapping[str, str]
    """Subgroup -> the gender of whom it is never said."""
    colours: frozenset[str]
    adults: frozenset[str]
    children: frozenset[str]
    between: Sequence[str]
    animals: frozenset[str]
    of_animals: frozenset[str]
    no_identity: Sequence[str]

    def gender_of(self, noun: str) -> str | None:
        """The gender that a noun says, if any."""
        found = self.nouns["gender"].get(noun.lower())
        return found.subgroup if found else None


@cache
def lexicon() -> Lexicon:
    """The shipped one."""
    path = files("unskew.stimuli") / "data" / "swaps.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    nouns = {category: _forms(rows) for category, rows in data["nouns"].items()}
    gendered = frozenset(nouns["gender"])
    children = frozenset(data["children"])
    return Lexicon(
        nouns=nouns,
        qualifiers=data["qualifiers"],
        other_words=data["other_words"],
        also_nouns=frozenset(word.lower() for word in data["also_nouns"]),
        without_counterpart=data["without_counterpart"],
        not_said_of=data["not_said_of"],
        colours=frozenset(data["colours"]),
        adults=frozenset(data["adults"]) | (gendered - children),
        children=children,
        between=data["between"],
        animals=frozenset(data["animals"]),
        of_animals=frozenset(data["of_animals"]),
        no_identity=data["no_identity"],
    )


def noun_forms(category: str, words: Identities) -> dict[str, Noun]:
    """Nouns by their form: the shipped ones, and the words' own."""
    own = words.nouns.get(category, {})
    rows = [
        dict(zip(own, ([word] for word in line), strict=True))
        for line in zip(*own.values(), strict=True)
    ]
    return {**_forms(rows), **lexicon().nouns.get(category, {})}


def adjective_forms(category: str, words: Identities) -> dict[str, str]:
    """Adjective in lower case -> subgroup: the words', the taxonomy's names, and some others."""
    found: dict[str, str] = {}
    for subgroup, own in words.adjectives.get(category, {}).items():
        others = lexicon().other_words.get(category, {}).get(subgroup, ())
        known = taxonomy().get(category, {}).get(subgroup, ())
        for word in (*own, *others, *known, subgroup):
            found.setdefault(word.lower(), subgroup)
    return found


def identity_words(category: str, subgroup: str) -> tuple[str, ...]:
    """All words, in lower case, that a text can say a subgroup with."""
    words = load_identities()
    nouns = noun_forms(category, words).items()
    adjectives = adjective_forms(category, words).items()
    found = [word for word, noun in nouns if noun.subgroup == subgroup]
    found += [word for word, said_of in adjectives if said_of == subgroup]
    if (category, subgroup) in CHILDREN:
        found += sorted(lexicon().children)
    return tuple(dict.fromkeys(found))


def _forms(rows: Sequence[Mapping[str, Sequence[str]]]) -> dict[str, Noun]:
    """Rows of subgroup -> (singular, plural), or the singular alone; the first row wins."""
    found: dict[str, Noun] = {}
    for row in rows:
        for subgroup, forms in row.items():
            for number, form in enumerate(forms):
                versions = {other: words[number] for other, words in row.items()}
                found.setdefault(form.lower(), Noun(subgroup, number == 1, versions))
    return found
