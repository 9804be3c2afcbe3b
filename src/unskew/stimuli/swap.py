"""Captions with the identity swapped and nothing else: "A man and his dog", "A woman and her dog".

Rules, not a parser: English is served, and a word that could be something else is left alone (a
"white shirt", a "mother duck", words in quotation marks). Names of people are not changed, nor is
what people wear or do.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from unskew.stimuli.articles import takes_an
from unskew.stimuli.identities import Identities, load_identities
from unskew.stimuli.pronouns import FORMS, PRONOUNS, form_at, with_verb
from unskew.stimuli.swap_words import Lexicon, adjective_forms, lexicon, noun_forms

_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_QUOTED = re.compile(r"\"[^\"]*\"|“[^”]*”|``.*?''")
_POSSESSIVE = re.compile(r"\s?['’](?:s\b)?(?!\w)")
_ALONE = re.compile(
    r"(?=\s*(?:$|[.,;:!?)]|['’]|(?:and|or|in|on|at|by|with|from|to|of|for|who|that|is|are|was|were|"
    r"has|have|near|next|while|as|\w+ing|\w+ed)\b))",
    re.IGNORECASE,
)
# "a young female runs", and not "a female runner" or "two female runners".
_ONE = re.compile(r"\b(?:an?|one|another|this|that)\s+(?:\w+\s+){0,2}$", re.IGNORECASE)
_S = re.compile(r"\s+\w+(?<!s)s\b")


@dataclass(frozen=True)
class Mention:
    """text[start:end] says a subgroup; ``versions``: subgroup -> what would stand there for it."""

    start: int
    end: int
    subgroup: str
    versions: Mapping[str, str]


def swapped(
    text: str,
    from_subgroup: str,
    to_subgroup: str,
    category: str,
    words: Identities | None = None,
) -> str:
    """The text with every mention of one subgroup turned into another of the same category.

    Articles, number, possessives, pronouns with their verbs, and case follow. Mentions of further
    subgroups stay. The text comes back unchanged if it does not mention `from_subgroup`, or if
    one of the mentions has no counterpart (nobody is a "lesbian man").

    Args:
        text: an English caption.
        from_subgroup, to_subgroup, category: as in the identity words.
        words: the identity words; the shipped ones by default.

    Raises:
        InputError: a category or subgroup without identity words.
    """
    words = words or load_identities()
    for subgroup in (from_subgroup, to_subgroup):
        words.phrases({category: subgroup})
    found = [m for m in mentions(text, category, words) if m.subgroup == from_subgroup]
    if any(to_subgroup not in m.versions for m in found):
        return text
    for mention in reversed(found):
        text = _put(text, mention, mention.versions[to_subgroup])
    return re.sub(r"\b(non-binary )(?=non-binary\b)", "", text)  # "a male waiter"


def counterfactuals(
    text: str, category: str, words: Identities | None = None
) -> tuple[str, dict[str, str]] | None:
    """The one subgroup that a text mentions, and the text as it is for every other that fits.

    None if the text mentions no subgroup of the category or several: with "a man and a woman", one
    swap would make them two women.

    Raises:
        InputError: a category without identity words.
    """
    words = words or load_identities()
    said = {m.subgroup for m in mentions(text, category, words)}
    if len(said) != 1:
        return None
    (subgroup,) = said
    others = {
        other: swapped(text, subgroup, other, category, words)
        for other in words.names(category)
        if other != subgroup
    }
    return subgroup, {other: new for other, new in others.items() if new != text}


def mentions(text: str, category: str, words: Identities) -> list[Mention]:
    """Where the text says a subgroup of the category, in order.

    Raises:
        InputError: a category without identity words.
    """
    words.names(category)
    lex = lexicon()
    barred = [m.span() for m in _QUOTED.finditer(text)]
    barred += [m.span() for m in _no_identity().finditer(text)]
    if category in words.nouns:
        if category == "gender" and _without_counterpart().search(text):
            return []
        found = [*_nouns(text, category, words, lex)]
        if category == "gender":
            found += _pronouns(text, [m for m in found if not _barred(m, barred)], lex)
    else:
        found = [*_adjectives(text, category, words, lex)]
    return sorted((m for m in found if not _barred(m, barred)), key=lambda m: m.start)


def _barred(mention: Mention, barred: Sequence[tuple[int, int]]) -> bool:
    return any(start < mention.end and mention.start < end for start, end in barred)


def _nouns(text: str, category: str, words: Identities, lex: Lexicon) -> Iterator[Mention]:
    forms = noun_forms(category, words)
    alternatives = "|".join(re.escape(f) for f in sorted(forms, key=len, reverse=True))
    for match in re.finditer(rf"(?<![\w-])(?:{alternatives})(?![\w-])", text, re.IGNORECASE):
        noun = forms[match[0].lower()]
        after = text[match.end() :]
        if _next_word(after) in lex.animals:
            continue
        qualifiers = lex.qualifiers.get(category, {})
        alone = _ALONE.match(after) or (_ONE.search(text[: match.start()]) and _S.match(after))
        if match[0].lower() == qualifiers.get(noun.subgroup) and not alone:
            yield Mention(match.start(), match.end(), noun.subgroup, qualifiers)
            continue
        owned = _POSSESSIVE.match(after)
        if owned and owned[0].strip():
            gap = owned[0][: len(owned[0]) - len(owned[0].lstrip())]
            versions = {s: _possessive(form, gap) for s, form in noun.versions.items()}
            yield Mention(match.start(), match.end() + len(owned[0]), noun.subgroup, versions)
        else:
            yield Mention(match.start(), match.end(), noun.subgroup, noun.versions)


def _pronouns(text: str, nouns: Sequence[Mention], lex: Lexicon) -> Iterator[Mention]:
    """Pronouns that are said of a person of the gender, as far as one can tell.

    Those of an animal stay (and of who has a tongue, where nobody else is said to be a person),
    and "they" counts as one person only where a non-binary person is
    the only one mentioned.
    """
    said = [(m[0].lower(), m) for m in _WORD.finditer(text)]
    animals = [m.start() for word, m in said if word in lex.animals]
    somebody = not animals and any(
        word in lex.adults | lex.children
        or (word in PRONOUNS and _next_word(text[m.end() :]) not in lex.of_animals)
        for word, m in said
    )
    plural = {form for form, noun in lex.nouns["gender"].items() if noun.plural}
    for match in _WORD.finditer(text):
        gender = PRONOUNS.get(match[0].lower())
        if gender is None:
            continue
        people = [m.start for m in nouns if m.subgroup == gender]
        if gender == "Non-binary":
            one = len(nouns) == 1 and text[nouns[0].start : nouns[0].end].lower() not in plural
            if not (people and one) or animals or match[0].lower() == "they":
                continue
        before = [p for p in people if p < match.start()]
        beasts = [a for a in animals if a < match.start()]
        if (animals and not people) or (beasts and not before):
            continue
        nearest_is_beast = not before or (beasts and max(beasts) > max(before))
        if nearest_is_beast and not somebody and _next_word(text[match.end() :]) in lex.of_animals:
            continue
        form = form_at(text, match.start(), match.end())
        spoken = with_verb(text, match.start()) if form == "subject" else None
        if spoken:
            yield Mention(match.start(), spoken[0], gender, spoken[1])
        elif form:
            yield Mention(match.start(), match.end(), gender, FORMS[form])


def _adjectives(text: str, category: str, words: Identities, lex: Lexicon) -> Iterator[Mention]:
    forms = adjective_forms(category, words)
    own = words.adjectives[category]
    people = lex.adults if category == "age_group" else lex.adults | lex.children
    alternatives = "|".join(re.escape(f) for f in sorted(forms, key=len, reverse=True))
    heads = "|".join(sorted(people, key=len, reverse=True))
    between = "|".join(lex.between)
    before_person = re.compile(rf"(?P<gap>(?:\s+(?:{between}))*\s+)(?P<head>{heads})\b", re.I)
    for match in re.finditer(rf"(?<![\w-])(?:{alternatives})(?![\w-])", text, re.IGNORECASE):
        subgroup, before = forms[match[0].lower()], text[: match.start()]
        if re.search(r"\b(?:years?|months?|american)[\s-]+$", before, re.IGNORECASE):
            continue  # "5 years old", "an American Indian"
        said = before_person.match(text, match.end())
        if said is None:
            yield from _as_noun(text, match, subgroup, own, lex)
            continue
        after = text[said.end() :]
        if _next_word(after) in lex.animals or after.startswith("-"):
            continue
        if match[0].lower() in lex.colours and _may_be_colour(before, said["head"], after, lex):
            continue
        gender = lex.gender_of(said["head"])
        versions = {
            other: _cased(forms_of[0], match[0], lex)
            for other, forms_of in own.items()
            if gender is None or lex.not_said_of.get(other) != gender
        }
        yield Mention(match.start(), match.end(), subgroup, versions)


def _may_be_colour(before: str, head: str, after: str, lex: Lexicon) -> bool:
    """ "a black and white man", "white women's shoes": of a picture, of shoes."""
    mixed = re.search(rf"\b(?:{'|'.join(lex.colours)})\s+(?:and|or|&)\s+$", before, re.IGNORECASE)
    noun = lex.nouns["gender"].get(head.lower())
    many = noun is not None and noun.plural
    return bool(mixed) or (many and bool(_POSSESSIVE.match(after)) and after.lstrip()[:1] in "'’")


def _as_noun(
    text: str, match: re.Match[str], subgroup: str, own: Mapping[str, Sequence[str]], lex: Lexicon
) -> Iterator[Mention]:
    """ "two Muslims", "an Asian who": as "two Jewish people", "a Jewish person who"."""
    word, end = match[0].lower(), match.end()
    plural = word.endswith("s") and word.removesuffix("s") in lex.also_nouns
    single = word in lex.also_nouns and re.search(
        r"\b(?:an?|the|one|this|that|another)\s+(?:young\s+|old\s+)?$", text[: match.start()], re.I
    )
    if not plural and not (single and _ALONE.match(text, end)):
        return
    noun = "people" if plural else "person"
    owned = _POSSESSIVE.match(text, end)
    suffix = "'s" if owned and owned[0].strip() else ""
    versions = {other: f"{words[0]} {noun}{suffix}" for other, words in own.items()}
    yield Mention(match.start(), owned.end() if owned and suffix else end, subgroup, versions)


def _put(text: str, mention: Mention, new: str) -> str:
    """The text with the mention replaced, in its case, and the article before it made to fit."""
    old = text[mention.start : mention.end]
    if old.isupper() and len(old) > 1:
        new = new.upper()
    elif old[0].isupper():
        new = new[0].upper() + new[1:]
    before = re.sub(
        r"\b([Aa])([Nn]?)(?=\s+$)",
        lambda m: m[1] + ("n" if takes_an(new) else ""),
        text[: mention.start],
    )
    return before + new + text[mention.end :]


def _cased(word: str, old: str, lex: Lexicon) -> str:
    """ "black woman" becomes "white woman", and "Black woman" "White woman"."""
    return word.lower() if old[0].islower() and word.lower() in lex.colours else word


def _possessive(noun: str, gap: str) -> str:
    return f"{noun}{gap}'" if noun.endswith("s") else f"{noun}{gap}'s"


def _next_word(after: str) -> str:
    match = re.match(r"\s+(\w+)", after)
    return match[1].lower() if match else ""


@cache
def _no_identity() -> re.Pattern[str]:
    return _any_of(lexicon().no_identity)


@cache
def _without_counterpart() -> re.Pattern[str]:
    return _any_of(lexicon().without_counterpart)


def _any_of(phrases: Sequence[str]) -> re.Pattern[str]:
    patterns = (p.replace(" ", r"[\s-]+") for p in phrases)
    return re.compile(rf"\b(?:{'|'.join(patterns)})\b", re.IGNORECASE)
