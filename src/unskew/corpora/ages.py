"""Ages in years or in the bins of face data sets, as the three bins of the debiasing literature."""

import math
import re
from collections.abc import Iterable

import numpy as np

AGE_GROUPS = ("0-29", "30-59", "60+")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_NO_UPPER_BOUND = re.compile(r"\+|>|more|over|above|older", re.IGNORECASE)
_NO_LOWER_BOUND = re.compile(r"<|less|under|below|younger", re.IGNORECASE)


def age_groups(labels: Iterable[str | None]) -> np.ndarray:
    """The age group (n,) of "26", "20-29", "more than 70", "<18" or "70+".

    Three bins with bounds at 30 and 60 (arXiv 2411.12785). None where there is no number, and
    where a range does not lie in one bin ("25-34", "18+"); FairFace's nine bins do.
    """
    found = [None if label is None else _group(label) for label in labels]
    groups = np.empty(len(found), dtype=object)
    groups[:] = found
    return groups


def _group(label: str) -> str | None:
    numbers = [float(number) for number in _NUMBER.findall(label)]
    if not numbers:
        return None
    low, high = numbers[0], numbers[-1]
    if _NO_UPPER_BOUND.search(label):
        high = math.inf
    elif _NO_LOWER_BOUND.search(label):
        low, high = 0.0, high - 1
    first, last = ((age >= 30) + (age >= 60) for age in (low, high))
    return AGE_GROUPS[first] if first == last else None
