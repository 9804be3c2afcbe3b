"""Ages in years or in the bins of face data sets, as the three bins of the debiasing literature."""

import math
import re
from collections.abc import Iterable

import numpy as np

AGE_GROUPS = ("0-29", "30-59", "60+")
_YEARS = re.compile(
    r"(?:aged? )?(?:"
    r"(?P<low>\d{1,3}(?:\.\d+)?)(?: ?(?:[-–—]| to ) ?(?P<high>\d{1,3}))?"
    r"|(?P<from>\d{1,3}) ?\+|≥ ?(?P<least>\d{1,3})"
    r"|(?:> ?|over |more than )(?P<above>\d{1,3})"
    r"|(?:< ?|under |less than )(?P<below>\d{1,3})"
    r")(?: years?(?: old)?)?",
    re.IGNORECASE,
)


def age_groups(labels: Iterable[str | None]) -> np.ndarray:
    """The age group (n,) of "26", "20-29", "more than 70", "<18" or "70+".

    Three bins with bounds at 30 and 60 (arXiv 2411.12785), in whole years. Known are a number, a
    range with a dash or "to", "N+", "≥N", ">N", "over N", "more than N", "<N", "under N" and
    "less than N", each after "age" and before "years" or not. None for every other wording ("up to
    65", "1960s"), and where a range does not lie in one bin ("25-34", "18+"); FairFace's nine do.
    """
    found = [None if label is None else _group(label) for label in labels]
    groups = np.empty(len(found), dtype=object)
    groups[:] = found
    return groups


def _group(label: str) -> str | None:
    bounds = age_bounds(label)
    if bounds is None or bounds[0] > bounds[1]:
        return None
    first, last = ((age >= 30) + (age >= 60) for age in bounds)
    return AGE_GROUPS[first] if first == last else None


def age_bounds(label: str) -> tuple[float, float] | None:
    """The lowest and the highest age that the label speaks of; None if it is not understood."""
    found = _YEARS.fullmatch(" ".join(label.split()))
    if found is None:
        return None
    years = {name: float(value) for name, value in found.groupdict().items() if value}
    if "low" in years:
        return years["low"], years.get("high", years["low"])
    if "below" in years:
        return 0.0, years["below"] - 1
    least = years["above"] + 1 if "above" in years else years.get("from", years.get("least"))
    assert least is not None  # the pattern has no further alternative
    return least, math.inf
