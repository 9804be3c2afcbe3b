"""Checks of the texts that come with pictures: length, topic, party politics, abuse.

Politics and abuse are told by word lists, a baseline that says so in every reason; a classifier
that the caller brings has a check of its own beside them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from unskew.curate.flags import Flag, Rules, load_rules
from unskew.errors import InputError

WORDS = Path(__file__).with_name("words.json")
WORD = re.compile(r"[^\W_](?:[\w'’-]*[^\W_])?")
NOT_WORDS = re.compile(r"https?://\S+|www\.\S+|[@#](?=\w)|&\w+;")

# From texts to one probability of abuse each.
Classifier = Callable[[Sequence[str]], Sequence[float]]


@dataclass(frozen=True)
class CheckedText:
    """``scores``: by check. ``flags``: the checks that the text failed."""

    scores: dict[str, float]
    flags: tuple[Flag, ...]


def check_texts(
    texts: Sequence[str | None],
    terms: Iterable[str] = (),
    *,
    rules: Rules | None = None,
    abuse: Classifier | None = None,
) -> list[CheckedText]:
    """Check texts, one result each; see `check_text`.

    Args:
        terms: what all of them have to be about.
        rules: when scores are flagged; see `load_rules`.
        abuse: gives probabilities of abuse, in [0, 1].

    Raises:
        InputError: the classifier does not give one probability per text.
    """
    rules = load_rules() if rules is None else rules
    terms = tuple(terms)
    abusive = [None] * len(texts) if abuse is None else probabilities(abuse, texts)
    return [
        check_text(text, terms, rules, abusive=found)
        for text, found in zip(texts, abusive, strict=True)
    ]


def check_text(
    text: str | None, terms: Iterable[str], rules: Rules, *, abusive: float | None = None
) -> CheckedText:
    """Check one text; a missing one (None) counts as an empty one.

    Args:
        terms: what it has to be about: identity terms and the words of a query. A text that names
            none, in singular or plural, is off-topic; without terms that is not asked.
        abusive: a classifier's probability of abuse.
    """
    plain = _plain(text)
    scores = {"text_too_short": float(len(WORD.findall(plain)))}
    topic = _pattern(_spellings(tuple(terms)))
    if topic is not None:
        scores["off_topic"] = float(topic.search(plain) is not None)
    said = {}
    for check, pattern in _lists().items():
        said[check] = sorted({match.lower() for match in pattern.findall(plain)})
        scores[check] = float(len(said[check]))
    if abusive is not None:
        scores["abusive_by_classifier"] = abusive
    scores = {check: score for check, score in scores.items() if check in rules}
    judged = (rules[c].judge(s, ", ".join(said.get(c, ()))) for c, s in scores.items())
    return CheckedText(scores, tuple(flag for flag in judged if flag is not None))


def probabilities(classifier: Classifier, texts: Sequence[str | None]) -> list[float]:
    """Of abuse, one for each text. Raises InputError where the classifier gives anything else."""
    if not texts:
        return []
    found = [float(p) for p in classifier([_plain(text) for text in texts])]
    if len(found) != len(texts) or not all(0 <= p <= 1 for p in found):
        raise InputError(
            f"the classifier of abuse gave {len(found)} values for {len(texts)} texts: it has to "
            "give one probability in [0, 1] for each"
        )
    return found


def _plain(text: str | None) -> str:
    """Without links, entities, and the signs before handles and tags."""
    return " ".join(NOT_WORDS.sub(" ", text or "").split())


@cache
def _lists() -> dict[str, re.Pattern[str]]:
    said = json.loads(WORDS.read_text(encoding="utf-8"))
    patterns = {check: _pattern(tuple(said[check])) for check in ("political", "abusive")}
    return {check: pattern for check, pattern in patterns.items() if pattern is not None}


def _spellings(terms: tuple[str, ...]) -> tuple[str, ...]:
    """Terms with their plurals; hyphens may be spaces."""
    found = []
    for term in terms:
        plain = " ".join(term.replace("-", " ").split())
        found += [plain, f"{plain}s", f"{plain}es"]
        if plain.endswith(("man", "men")):
            found += [f"{plain[:-3]}men"]
        if plain.endswith("y"):
            found += [f"{plain[:-1]}ies"]
    return tuple(term for term in found if term)


@lru_cache(maxsize=1024)
def _pattern(terms: tuple[str, ...]) -> re.Pattern[str] | None:
    """Any of the terms as whole words, in any case; none for no terms."""
    if not terms:
        return None
    longest = sorted(set(terms), key=lambda term: (-len(term), term))
    parts = []
    for term in longest:
        part = re.escape(term.removesuffix("*")).replace(r"\ ", r"[\s-]+")
        parts.append(part + (r"\w*" if term.endswith("*") else ""))
    return re.compile(rf"(?<!\w)(?:{'|'.join(parts)})(?!\w)", re.IGNORECASE)
