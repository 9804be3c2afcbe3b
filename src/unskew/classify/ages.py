"""The ages that a sentence says, as spans of years."""

import re
from collections.abc import Iterator

_OLDEST = 120
_DECADES = dict(
    zip(
        ("twenties", "thirties", "forties", "fifties", "sixties", "seventies", "eighties"),
        range(20, 90, 10),
        strict=True,
    )
)
_PARTS = {"early": (0, 3), "mid": (4, 6), "middle": (4, 6), "late": (7, 9)}
_AGE = re.compile(
    rf"""
    (?:(?P<part>early|mid|middle|late)[ -](?:to[ -](?P<until>mid|late)[ -])?)?
    (?P<decade>{"|".join(_DECADES)} | (?<![\d.])[1-9]0(?='?s\b)) (?:'?s\b)?
    |
    (?:(?P<under>under|below|younger\ than|less\ than)
      |(?P<over>over|above|older\ than|more\ than|at\ least))
    \ (?:the\ )?(?:age\ )?(?:of\ )? (?P<limit>\d{{1,3}}) (?!\d)
    |
    (?<![\w.]) (?P<low>\d{{1,3}}) (?!\d)
    (?: \s?(?:-|–|to|and|or)\s? (?P<high>\d{{1,3}}) (?![\d.]) (?!'?s\b) )?
    (?P<plus>\+)?
    (?!\s?(?:%|percent|people|persons|cm\b|kg\b))
    """,
    re.VERBOSE,
)


def spans(text: str) -> Iterator[tuple[float, float, int]]:
    """(youngest, oldest, place in the text) of every age in `text`, which is in lower case.

    "27" is 27 to 27; "25-30" and "25 to 30" are 25 to 30; "30s" is 30 to 39, of which "early",
    "mid" and "late" are parts; "under 35" ends just before 35, "over 35" begins just after it,
    "at least 35" and "35+" at 35. Numbers over 120 are no ages.
    """
    for match in _AGE.finditer(text):
        low, high = _span(match)
        if low <= _OLDEST:
            yield low, high, match.start()


def _span(match: re.Match[str]) -> tuple[float, float]:
    if match["decade"]:
        decade = _DECADES.get(match["decade"]) or int(match["decade"])
        first = _PARTS[match["part"]][0] if match["part"] else 0
        last = _PARTS[match["until"] or match["part"]][1] if match["part"] else 9
        return decade + first, decade + last
    if match["under"]:
        return 0, float(match["limit"]) - 0.5
    if match["over"]:
        return float(match["limit"]) + 0.5 * (match["over"] != "at least"), float("inf")
    low = float(match["low"])
    if match["plus"]:
        return low, float("inf")
    return low, max(low, float(match["high"] or low))
