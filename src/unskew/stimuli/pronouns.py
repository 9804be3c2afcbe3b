"""He, she and they: which form a pronoun has, and the verb that agrees with it.

English has "her" for both "him" and "his", "his" for both "her" and "hers": what follows decides.
Singular "they" takes the verb of the plural.
"""

import re
from collections.abc import Mapping

FORMS: Mapping[str, Mapping[str, str]] = {
    "subject": {"Male": "he", "Female": "she", "Non-binary": "they"},
    "object": {"Male": "him", "Female": "her", "Non-binary": "them"},
    "possessive": {"Male": "his", "Female": "her", "Non-binary": "their"},
    "own": {"Male": "his", "Female": "hers", "Non-binary": "theirs"},
    "reflexive": {"Male": "himself", "Female": "herself", "Non-binary": "themself"},
}
PRONOUNS: Mapping[str, str] = {
    form: subgroup for forms in FORMS.values() for subgroup, form in forms.items()
}


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


def _any(listed: str) -> re.Pattern[str]:
    return re.compile(rf"\s+(?:{'|'.join(listed.split())})\b", re.IGNORECASE)


_ADVERBS = "also|always|never|still|then|just|only|now|already|often|almost|again|away|\\w+ly"
_FUNCTION = _words(
    "a an the this that these those some each another and or but nor so as if while when "
    "where who which what because than then in on at by with from to of off for into onto "
    "over under through across along around about after before behind beside besides between "
    "near next up down out outside inside toward towards against during until without within "
    "is are was were be been has have had does do did will would can could may might must "
    "should not he she it they him them there here too again away back how why his her"
)
_VERBS = _words("looks stands sits walks runs smiles plays waits holds wears jumps watches")
_NOT_POSSESSIVE = (_FUNCTION | _VERBS) - {"back"}  # "her back"
# "gives her water" and "watches her swim", but "gives her dog water" and "shows her sword".
_GIVEN = re.compile(r"\b(?:giv|hand|offer|bring|feed|serv)(?:e|es|s|ing)?\s+$", re.IGNORECASE)
_GIFT = _any(
    "water food flowers money candy bread help medicine directions advice instructions "
    "support cake milk tips drinks snacks treats"
)
_SEEN = re.compile(r"\b(?:watch|see|hear|help|mak|let|lett)(?:e|es|s|ing)?\s+$", re.IGNORECASE)
_DOING = _any("swim stand smile laugh run play jump dance climb walk sleep perform skate eat sing")
_THINGS = _words(
    "painting drawing clothing swing ring wing earring string wedding morning evening "
    "building sibling darling offspring legging stocking surfing skating riding reading "
    "writing"
)
_IRREGULAR = {"is": "are", "was": "were", "has": "have", "does": "do", "goes": "go"}
_MODALS = _words("will would can could may might must should did had")
_SUBJECT = re.compile(
    rf"(?P<pronoun>he|she)(?P<clitic>\s?['’]s)?"
    rf"(?P<between>(?:\s+(?:{_ADVERBS}))*)\s+(?P<verb>(?:is|was|has|does)(?=\s?n['’]t)|[a-z]+)"
    rf"(?P<second>\s+(?:and|or)\s+[a-z]+s\b)?",
    re.IGNORECASE,
)
_ASKED = re.compile(r"\b(?:is|was|has|does)\s+$", re.IGNORECASE)
# What may be one more verb of the same subject: "he sits on a bench and reads".
_FURTHER = re.compile(
    r"(?:(?!\b(?:who|that|which|while|as|when)\b)[^.;])*?"
    r"(?:,|\b(?:and|or|but|then))\s+(?:\w+ly\s+)?[a-z]+(?<!s)s\b",
    re.IGNORECASE,
)


def form_at(text: str, start: int, end: int) -> str | None:
    """Which of FORMS the pronoun text[start:end] is; None if it is none of them."""
    word = text[start:end].lower()
    fitting = [form for form, forms in FORMS.items() if word in forms.values()]
    if len(fitting) < 2:
        return fitting[0] if fitting else None
    standing_alone = "object" if "object" in fitting else "own"
    before, after = text[:start], text[end:]
    person = (_GIVEN.search(before) and _GIFT.match(after)) or (
        _SEEN.search(before) and _DOING.match(after)
    )
    if word == "her" and person:
        return "object"
    return "possessive" if _owns(after) else standing_alone


def _owns(after: str) -> bool:
    """Whether what follows a pronoun is what somebody owns: "her dog", "her own", not "her to"."""
    words = re.match(r"\s+([a-z]+(?:[-'][a-z]+)*)(?:\s+([a-z]+))?", after, re.IGNORECASE)
    if words is None:
        return bool(re.match(r"\s+\d", after))
    first, second = words[1].lower(), (words[2] or "").lower()
    if first.endswith("ing") and first not in _THINGS:
        return bool(second) and second not in _FUNCTION  # "her running shoes", "her running in"
    return first not in _NOT_POSSESSIVE


def with_verb(text: str, start: int) -> tuple[int, dict[str, str]] | None:
    """The end of "he" or "she" at `start` with its verb, and what each subgroup has there.

    "she runs and jumps" becomes "they run and jump". None if no verb follows. Without a version
    for non-binary people where the verb goes before, or further away there may be another.
    """
    match = _SUBJECT.match(text, start)
    if match is None:
        return None
    clitic, between = match["clitic"] or "", match["between"]
    verb = match["verb"]
    if clitic:
        has = verb.lower() in ("got", "been", "had")
        end, singular = match.end("clitic"), clitic
        plural = re.sub("s$", "ve" if has else "re", clitic)
    else:
        second = match["second"] or ""
        if not _third_person(verb):
            second = ""
        end = match.end("second") if second else match.end("verb")
        singular = f"{between}{text[match.start('verb') - 1]}{verb}{second}"
        plural = singular[: len(singular) - len(verb) - len(second)] + plural_verb(verb)
        if second:
            head, _, last = second.rpartition(" ")
            plural += f"{head} {plural_verb(last)}"
    forms = {s: form + singular for s, form in FORMS["subject"].items() if s != "Non-binary"}
    if _ASKED.search(text[:start]) or (plural != singular and _FURTHER.match(text[end:])):
        return end, forms
    return end, {**forms, "Non-binary": FORMS["subject"]["Non-binary"] + plural}


def _third_person(verb: str) -> bool:
    return verb.lower() in _IRREGULAR or (verb.endswith("s") and not verb.endswith("ss"))


def plural_verb(verb: str) -> str:
    """ "runs" -> "run", "watches" -> "watch"; what is no third person singular is left alone."""
    low = verb.lower()
    if low in _IRREGULAR:
        return _IRREGULAR[low]
    if low in _MODALS or not _third_person(verb):
        return verb
    if low.endswith("ies") and low not in ("dies", "lies", "ties"):
        return verb[:-3] + "y"
    if re.search(r"(?:ss|sh|ch|x|zz|o)es$", low):
        return verb[:-2]
    return verb[:-1]
