"""Ages in years or in the bins of face data sets, as the three bins of the debiasing literature."""

import re
from collections.abc import Iterable

import numpy as np

AGE_GROUPS = ("0-29", "30-59", "60+")
_LOWER_BOUND = re.compile(r"\D*(\d+)")


def age_groups(labels: Iterable[str | None]) -> np.ndarray:
    """The age group (n,) of "26", "20-29", "more than 70" or "70+"; None where there is no number.

    Three bins with bounds at 30 and 60 (arXiv 2411.12785). A label that is a range counts by its
    lower bound, so it must not straddle 30 or 60; FairFace's nine bins do not.
    """
    found = [None if label is None else _LOWER_BOUND.match(label) for label in labels]
    groups = np.empty(len(found), dtype=object)
    groups[:] = [None if m is None else _group(int(m.group(1))) for m in found]
    return groups


def _group(years: int) -> str:
    return AGE_GROUPS[(years >= 30) + (years >= 60)]
