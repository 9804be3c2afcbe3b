"""From what a model wrote to the group it means, or to none.

A question such as "woman or man?" is answered with a word, a sentence or a paragraph. The reading
errs towards "unsure": a wrong group misleads a training, an unsure image is set apart.
"""

import re
from collections.abc import Iterator

from unskew.classify.ages import spans
from unskew.stimuli.descriptions import Question

UNSURE = "unsure"
_NEGATION = re.compile(
    r"\b(?:not|no|never|neither|nor|without|non|rather than|instead of|opposed to|\w+n't)\b"
)
_REACH = 4
"""Words at most between a negation and what it denies: "not look like a woman"."""
_HEDGE = re.compile(
    r"\b(?:unsure|unclear|unknown|uncertain|undetermined|unable|impossible|ambiguous|insufficient"
    r"|whether|hard to|difficult to|cannot|can not|can't|couldn't|don't know|do not know"
    r"|not (?:\w+ )?(?:sure|clear|certain|possible|able|enough))\b"
)
# A hedge before one of these says nothing about what comes after it.
_STATEMENT_ENDS = re.compile(r"[!?;:\n]|\.(?!\d)|\b(?:but|however|although|though|still)\b")
# Words that look like answers or denials, and are none.
_IDIOMS = re.compile(
    r"\b(?:no|without(?: an?y?)?) (?:doubt|question)\b|\bnot only\b|\byears? old\b|\byear-old\b"
    r"|\bhow old\b|\baged(?= \d)|\bblack[ -]and[ -]white\b"
)


def read_answer(text: str, question: Question) -> str | None:
    """The group of `question.answers` that `text` says, or None.

    None where it says none, several that differ, or hedges. What is denied counts against: of all
    groups but one denied, that one is meant ("not a man" of two groups). Numbers, where the
    question has a boundary, count before words; a span of numbers across it says both groups, and
    thus none.
    """
    said: dict[bool, set[str]] = {True: set(), False: set()}
    plain = _IDIOMS.sub(" ", re.sub(r"[*_`\"]", "", text.lower().replace("’", "'")))
    statements = [s for s in _STATEMENT_ENDS.split(plain) if not _HEDGE.search(s)]
    clauses = [clause for statement in statements for clause in statement.split(",")]
    ways = [_words] if question.boundary is None else [_numbers, _words]
    for mentions in ways:
        for clause in clauses:
            for group, start in mentions(clause, question):
                said[not _denied(clause[:start])].add(group)
        affirmed, denied = said[True], said[False]
        if len(affirmed) == 1:
            return affirmed.pop()
        left = set(question.answers) - denied
        if affirmed or denied:
            return left.pop() if not affirmed and len(left) == 1 else None
    return None


def _words(clause: str, question: Question) -> Iterator[tuple[str, int]]:
    """Groups whose answer words occur, and where."""
    meaning = {word.lower(): group for group, words in question.answers.items() for word in words}
    longest_first = sorted(meaning, key=len, reverse=True)
    pattern = rf"(?<![\w-])(?:{'|'.join(map(re.escape, longest_first))})(?!\w)"
    if question.not_before:
        others = "|".join(re.escape(word.lower()) for word in question.not_before)
        pattern += rf"(?!\s+(?:\w+\s+)?(?:{others})\b)"
    for match in re.finditer(pattern, clause):
        yield meaning[match[0]], match.start()


def _numbers(clause: str, question: Question) -> Iterator[tuple[str, int]]:
    """Groups on whose side of the boundary an age may lie, and where it is said."""
    assert question.boundary is not None
    up_to, above = question.answers
    for low, high, start in spans(clause):
        if low <= question.boundary:
            yield up_to, start
        if high > question.boundary:
            yield above, start


def _denied(before: str) -> bool:
    """Whether the text before a mention ends in a negation that reaches it."""
    negations = list(_NEGATION.finditer(before))
    return bool(negations) and len(before[negations[-1].end() :].split()) <= _REACH
