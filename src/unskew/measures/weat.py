"""The Word Embedding Association Test, for embeddings of any kind, and its single-category form.

    s(w, A, B) = mean over a of cos(w, a) - mean over b of cos(w, b)
    d = (mean over X of s - mean over Y of s) / standard deviation of s over X and Y together

Caliskan, Bryson and Narayanan (2017, Science 356); on sentences May et al. (2019), on images
Steed and Caliskan (2021). The p-value is that of the permutation test on the difference of means,
which with fixed totals orders the partitions as the papers' sum does when |X| = |Y|, and is the
only one of the two that makes sense when the sizes differ; or, where asked for, on Welch's t.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from unskew.errors import InputError
from unskew.measures.embeddings import (
    Floats,
    as_embeddings,
    as_numbers,
    attribute_axis,
    project,
    same_dimension,
    unit_rows,
)
from unskew.measures.options import Alternative, Interval, Statistic, WeatOptions
from unskew.measures.results import SingleCategoryResult, WeatResult, estimates

FEWEST = 2


def weat(
    X: Any,
    Y: Any,
    A: Any,
    B: Any,
    ddof: int = 1,
    permutations: int = 10_000,
    alternative: Alternative = "greater",
    confidence: float | None = 0.95,
    seed: int = 0,
    *,
    interval: Interval = "noncentral-t",
    exact_limit: int = 20_000,
    statistic: Statistic = "difference",
) -> WeatResult:
    """WEAT of targets X (n_x, d) and Y (n_y, d) with attributes A (n_a, d) and B (n_b, d).

    Rows are embeddings (NumPy, lists, torch tensors), normalised or not; everything is computed
    in float64. Positive d: X is closer to A than Y is.

    ddof: 1, the sample standard deviation, as in iEAT, SEAT and the CLIP literature; 0 as in WEFE.
    alternative: "greater" tests whether X is closer to A, as the papers do; "less" the opposite;
        "two-sided" either, by the absolute difference of means.
    exact_limit: with at most this many partitions of the n_x + n_y items all are enumerated and
        the p-value is exact; with more, `permutations` random ones are drawn from `seed` and
        p = (1 + hits) / (1 + permutations). Ties count, up to rounding.
    statistic: what the permutations compare. "difference", of the two means, as the papers do; its
        p-value tests that X and Y are exchangeable, and with sets of unequal size and spread it
        may be small though the means are equal. "studentised", Welch's t, tests that too, and
        keeps its level in large sets for equal means whatever the spreads (Janssen 1997; Chung
        and Romano 2013). With |X| = |Y| both give the same p-value.
    confidence: level of the two-sided interval of d; None for no interval.
    interval: see `unskew.measures.intervals` for the three and why the default is the default.

    Raises InputError for empty sets, fewer than 2 items in X or Y, sets of different dimension,
    rows that are NaN, infinite or zero, and unusable options.
    """
    options = WeatOptions(
        ddof, permutations, alternative, confidence, interval, exact_limit, seed, statistic
    )
    given = {"X": X, "Y": Y, "A": A, "B": B}
    sets = {name: as_embeddings(value, name) for name, value in given.items()}
    same_dimension(sets)
    axis = attribute_axis(sets["A"], sets["B"])
    s_x, s_y = (project(sets[name], axis, name) for name in "XY")
    return _weat(s_x, s_y, options, len(sets["A"]), len(sets["B"]))


def weat_from_associations(
    s_x: Any,
    s_y: Any,
    ddof: int = 1,
    permutations: int = 10_000,
    alternative: Alternative = "greater",
    confidence: float | None = 0.95,
    seed: int = 0,
    *,
    interval: Interval = "noncentral-t",
    exact_limit: int = 20_000,
    statistic: Statistic = "difference",
    n_a: int | None = None,
    n_b: int | None = None,
) -> WeatResult:
    """`weat` from ready associations s_x (n_x,) and s_y (n_y,), as `association` returns them.

    n_a and n_b are only carried into the result. Raises InputError as `weat` does.
    """
    options = WeatOptions(
        ddof, permutations, alternative, confidence, interval, exact_limit, seed, statistic
    )
    return _weat(as_associations(s_x, "X"), as_associations(s_y, "Y"), options, n_a, n_b)


def sc_weat(
    W: Any,
    A: Any,
    B: Any,
    ddof: int = 1,
    permutations: int = 10_000,
    alternative: Alternative = "greater",
    confidence: float | None = 0.95,
    seed: int = 0,
    *,
    interval: Interval = "noncentral-t",
    exact_limit: int = 20_000,
) -> list[SingleCategoryResult]:
    """Single-category WEAT of every row w of W (n, d): is w closer to A than to B?

        d = (mean over a of cos(w, a) - mean over b of cos(w, b)) / std of cos(w, x), x in A and B

    One result per row, in order. The permutations redistribute A and B, and the interval takes
    the attributes as the sample, where `weat` holds them fixed; all targets share the same
    permutations. Options and errors as in `weat`; A and B need 2 items each. Caliskan et al.
    (2017) call a relative of this WEFAT; as here: Wolfe and Caliskan (2022).
    """
    options = WeatOptions(ddof, permutations, alternative, confidence, interval, exact_limit, seed)
    given = {"W": W, "A": A, "B": B}
    sets = {name: as_embeddings(value, name) for name, value in given.items()}
    same_dimension(sets)
    units = {name: unit_rows(rows, name) for name, rows in sets.items()}
    for name in "AB":
        enough(units[name], name)
    to_a, to_b = (units["W"] @ units[name].T for name in "AB")
    n = len(to_a)
    found = estimates([*to_a, *to_b], [(k, n + k) for k in range(n)], options)
    return [
        SingleCategoryResult(
            **found[k],
            mean_a=float(to_a[k].mean()),
            mean_b=float(to_b[k].mean()),
            n_a=to_a.shape[1],
            n_b=to_b.shape[1],
        )
        for k in range(n)
    ]


def as_associations(value: Any, name: str) -> Floats:
    """A float64 vector of at least two finite associations."""
    s = as_numbers(value, name).astype(np.float64, copy=False)
    if s.ndim != 1:
        raise InputError(f"the associations of {name} have shape {s.shape}; give a vector")
    bad = np.flatnonzero(~np.isfinite(s))
    if bad.size:
        raise InputError(f"the associations of {name} hold NaN or infinity at position {bad[0]}")
    return s


def enough(items: Floats, name: str) -> None:
    """Raise InputError for fewer than two items: with one, a set has no spread to compare with."""
    if len(items) < FEWEST:
        raise InputError(f"{name} has {len(items)} item(s); an effect size needs at least {FEWEST}")


def _weat(
    s_x: Floats, s_y: Floats, options: WeatOptions, n_a: int | None, n_b: int | None
) -> WeatResult:
    enough(s_x, "X")
    enough(s_y, "Y")
    (found,) = estimates([s_x, s_y], [(0, 1)], options)
    return WeatResult(
        **found,
        mean_x=float(s_x.mean()),
        mean_y=float(s_y.mean()),
        n_x=len(s_x),
        n_y=len(s_y),
        n_a=n_a,
        n_b=n_b,
    )
