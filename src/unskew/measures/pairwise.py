"""WEAT of every pair among the subgroups of a category, corrected for their number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations, islice
from math import comb
from typing import Any

import numpy as np
from scipy import stats

from unskew.errors import InputError
from unskew.measures.embeddings import (
    Floats,
    as_embeddings,
    attribute_axis,
    project,
    same_dimension,
)
from unskew.measures.options import Alternative, Interval, Statistic, WeatOptions
from unskew.measures.results import PairResult, estimates
from unskew.measures.weat import as_associations, enough


def weat_pairwise(
    subgroups: Mapping[str, Any],
    A: Any,
    B: Any,
    ddof: int = 1,
    permutations: int = 10_000,
    alternative: Alternative = "two-sided",
    confidence: float | None = 0.95,
    seed: int = 0,
    *,
    interval: Interval = "noncentral-t",
    exact_limit: int = 20_000,
    statistic: Statistic = "difference",
) -> list[PairResult]:
    """`weat` of each unordered pair of subgroups, in the mapping's order, with A and B.

    subgroups maps a label to embeddings (n_i, d). The first of a pair takes the role of X.
    The alternative is two-sided unless said otherwise: with every pair tested, nobody has said
    beforehand which subgroup is expected closer to A, and a one-sided p-value would depend on
    the order in which the subgroups happen to be listed.

    p_holm and p_bh correct the p-values of the chosen alternative over all pairs; undefined ones
    stay NaN and are not counted. Pairs of equal sizes share their random permutations: each
    p-value is valid, and the Monte Carlo errors of those pairs are correlated. A pair gets the
    p-value that `weat` gives it with the same options.

    Raises InputError as `weat` does, naming the subgroup, and for fewer than two subgroups.
    """
    options = WeatOptions(
        ddof, permutations, alternative, confidence, interval, exact_limit, seed, statistic
    )
    _at_least_two(subgroups)
    sets = {"A": as_embeddings(A, "A"), "B": as_embeddings(B, "B")}
    names = {label: f"subgroup {label!r}" for label in subgroups}
    sets |= {names[label]: as_embeddings(rows, names[label]) for label, rows in subgroups.items()}
    same_dimension(sets)
    axis = attribute_axis(sets["A"], sets["B"])
    s = {label: project(sets[name], axis, name) for label, name in names.items()}
    return _pairwise([s], options, len(sets["A"]), len(sets["B"]))[0]


def pairwise_from_associations(
    associations: Mapping[str, Any],
    ddof: int = 1,
    permutations: int = 10_000,
    alternative: Alternative = "two-sided",
    confidence: float | None = 0.95,
    seed: int = 0,
    *,
    interval: Interval = "noncentral-t",
    exact_limit: int = 20_000,
    statistic: Statistic = "difference",
    n_a: int | None = None,
    n_b: int | None = None,
) -> list[PairResult]:
    """`weat_pairwise` from ready associations (n_i,) per subgroup.

    n_a and n_b are only carried into the results. Raises InputError as `weat_pairwise` does.
    """
    options = WeatOptions(
        ddof, permutations, alternative, confidence, interval, exact_limit, seed, statistic
    )
    return _pairwise([_checked(associations)], options, n_a, n_b)[0]


def pairwise_family(
    families: Sequence[Mapping[str, Any]],
    ddof: int = 1,
    permutations: int = 10_000,
    alternative: Alternative = "two-sided",
    confidence: float | None = 0.95,
    seed: int = 0,
    *,
    interval: Interval = "noncentral-t",
    exact_limit: int = 20_000,
    statistic: Statistic = "difference",
) -> list[list[PairResult]]:
    """`pairwise_from_associations` for several attribute pairs, p-values corrected over them all.

    Each mapping holds the associations (n_i,) of the same subgroups with another pair of A and B.
    All share their permutations, so twelve pairs of prompts cost little more than one.
    Raises InputError as `weat_pairwise` does.
    """
    options = WeatOptions(
        ddof, permutations, alternative, confidence, interval, exact_limit, seed, statistic
    )
    return _pairwise([_checked(associations) for associations in families], options, None, None)


def holm(p: Floats) -> Floats:
    """p-values corrected for their number after Holm (1979); NaN are left out and stay NaN."""
    corrected = np.full_like(p, np.nan)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known])]
    stepped = p[order] * np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(stepped), 1.0)
    return corrected


def benjamini_hochberg(p: Floats) -> Floats:
    """p-values corrected for the false discovery rate; NaN are left out and stay NaN."""
    corrected = np.full_like(p, np.nan)
    known = ~np.isnan(p)
    if known.any():
        corrected[known] = stats.false_discovery_control(p[known], method="bh")
    return corrected


def _checked(associations: Mapping[str, Any]) -> dict[str, Floats]:
    _at_least_two(associations)
    return {
        label: as_associations(values, f"subgroup {label!r}")
        for label, values in associations.items()
    }


def _pairwise(
    families: Sequence[Mapping[str, Floats]],
    options: WeatOptions,
    n_a: int | None,
    n_b: int | None,
) -> list[list[PairResult]]:
    """All pairs within each family, estimated together and corrected over all families."""
    samples: list[Floats] = []
    pairs: list[tuple[int, int]] = []
    for family in families:
        for label, values in family.items():
            enough(values, f"subgroup {label!r}")
        pairs += combinations(range(len(samples), len(samples) + len(family)), 2)
        samples += family.values()
    found = estimates(samples, pairs, options)
    p = np.array([one["p_value"] for one in found])
    corrected = zip(pairs, found, holm(p), benjamini_hochberg(p), strict=True)
    means = [float(values.mean()) for values in samples]
    labels = [label for family in families for label in family]
    results = iter(
        [
            PairResult(
                **one,
                subgroup_a=labels[i],
                subgroup_b=labels[j],
                p_holm=float(p_holm),
                p_bh=float(p_bh),
                mean_x=means[i],
                mean_y=means[j],
                n_x=len(samples[i]),
                n_y=len(samples[j]),
                n_a=n_a,
                n_b=n_b,
            )
            for (i, j), one, p_holm, p_bh in corrected
        ]
    )
    return [list(islice(results, comb(len(family), 2))) for family in families]


def _at_least_two(subgroups: Mapping[str, Any]) -> None:
    if len(subgroups) < 2:
        raise InputError(f"pairwise needs at least two subgroups, got {list(subgroups)}")
