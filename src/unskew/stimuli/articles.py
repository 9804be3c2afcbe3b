"""The indefinite article, by sound."""

import re

# By sound: "a European", "an honest". Any other vowel at the beginning has "an".
_TAKES_A = re.compile(r"(?:eu|uni(?![mn])|use|usual|ukrain|ugand|one\b|once\b)", re.IGNORECASE)
_TAKES_AN = re.compile(r"(?:[aeiou]|honest|honou?r|hour|heir|lgbt)", re.IGNORECASE)


def takes_an(phrase: str) -> bool:
    """Whether "an" stands before the phrase, not "a"."""
    return bool(_TAKES_AN.match(phrase) and not _TAKES_A.match(phrase))
