"""Where two data sets of one report disagree about the same pair of subgroups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from unskew.audit.compare import Comparison
from unskew.measures import holm, independent_difference

Kind = Literal["sign", "size"]


@dataclass(frozen=True)
class Difference:
    """The effect size of a pair in the second data set minus that in the first.

    The data sets are taken as independent samples. ``p_holm`` is corrected over all shared pairs
    of the two data sets, single contrasts on their own. ``kind`` is None unless ``p_holm`` is
    below 1 - confidence; then "sign" where both effects are clear of 0 on opposite sides, each by
    its interval, and "size" elsewhere.
    """

    pair: Comparison
    ci_low: float
    ci_high: float
    p_value: float
    p_holm: float
    kind: Kind | None


def differences(rows: Sequence[Comparison], confidence: float) -> list[Difference]:
    """The shared pairs of two data sets, with the uncertainty of their differences."""
    found = [
        independent_difference(r.before, r.before_ci, r.after, r.after_ci, confidence) for r in rows
    ]
    p = np.array([f.p_value for f in found])
    single = np.array([r.section == "contrasts" for r in rows], dtype=bool)
    corrected = np.full_like(p, np.nan)
    for family in (single, ~single):
        corrected[family] = holm(p[family])
    return [
        Difference(r, f.ci_low, f.ci_high, f.p_value, float(q), _kind(r, q < 1 - confidence))
        for r, f, q in zip(rows, found, corrected, strict=True)
    ]


def _kind(row: Comparison, clear: bool) -> Kind | None:
    if not clear:
        return None
    return "sign" if row.disagree else "size"
