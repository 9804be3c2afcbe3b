"""What the WEAT functions return: frozen records of plain Python scalars."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from unskew.measures.contrasts import Contrasts
from unskew.measures.embeddings import Floats
from unskew.measures.intervals import intervals
from unskew.measures.options import WeatOptions
from unskew.measures.permutation import p_values

ALL_EQUAL = "all associations are equal, so effect size and p-value are undefined"
NO_SPREAD = "no spread within the two sets, so the interval is undefined"
NO_BOOTSTRAP = "the bootstrap distribution is degenerate, so the interval is undefined"


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """An effect size with its uncertainty; `dataclasses.asdict` gives plain Python scalars."""

    effect_size: float
    """Difference of the two mean associations over the standard deviation of them all."""
    p_value: float
    """Of the hypothesis that the two sets are exchangeable, against `alternative`."""
    ci_low: float
    """Limits of the two-sided interval of d, whatever `alternative`; NaN when not asked for."""
    ci_high: float
    exact: bool
    """True if the p-value comes from all partitions, False if from random ones."""
    n_permutations: int
    """Partitions enumerated or drawn."""
    ddof: int
    alternative: str
    statistic: str
    """What the permutations compare: "difference" of means, or "studentised"."""
    confidence: float | None
    interval: str | None
    """How the interval was made; None when it was not asked for."""
    reason: str | None
    """Why something is NaN; None if nothing is."""


@dataclass(frozen=True, kw_only=True)
class WeatResult(Estimate):
    """The WEAT of target sets X and Y with attribute sets A and B: positive d, X is closer to A."""

    mean_x: float
    """Mean association of X, mean over x of s(x, A, B)."""
    mean_y: float
    n_x: int
    n_y: int
    n_a: int | None
    """Size of A; None where only associations were given and the caller did not say."""
    n_b: int | None


@dataclass(frozen=True, kw_only=True)
class PairResult(WeatResult):
    """The WEAT of one pair of subgroups: positive d, `subgroup_a` is closer to A."""

    subgroup_a: str
    """In the role of X."""
    subgroup_b: str
    """In the role of Y."""
    p_holm: float
    """p-value corrected over the pairs: family-wise error (Holm, 1979)."""
    p_bh: float
    """p-value corrected over the pairs: false discovery rate (Benjamini and Hochberg, 1995)."""


@dataclass(frozen=True, kw_only=True)
class SingleCategoryResult(Estimate):
    """The single-category WEAT of one target: positive d, it is closer to A."""

    mean_a: float
    """Mean cosine of the target with A."""
    mean_b: float
    n_a: int
    n_b: int


def estimates(
    samples: Sequence[Floats], pairs: Sequence[tuple[int, int]], options: WeatOptions
) -> list[dict[str, Any]]:
    """The fields of `Estimate` for samples[i] against samples[j], for every pair (i, j).

    Pairs of equal sizes are computed together.
    """
    by_size: dict[tuple[int, int], list[int]] = {}
    for k, (first, second) in enumerate(pairs):
        by_size.setdefault((len(samples[first]), len(samples[second])), []).append(k)
    found: dict[int, dict[str, Any]] = {}
    for members in by_size.values():
        lefts, i = np.unique([pairs[k][0] for k in members], return_inverse=True)
        rights, j = np.unique([pairs[k][1] for k in members], return_inverse=True)
        left = np.stack([samples[row] for row in lefts])
        right = np.stack([samples[row] for row in rights])
        contrasts = Contrasts(left, right, i, j)
        found.update(zip(members, _estimates_of(contrasts, options), strict=True))
    return [found[k] for k in range(len(pairs))]


def _estimates_of(contrasts: Contrasts, options: WeatOptions) -> Iterator[dict[str, Any]]:
    p, exact, n_permutations = p_values(contrasts, options)
    low, high = intervals(contrasts, options)
    shared = {
        "exact": exact,
        "n_permutations": n_permutations,
        "ddof": options.ddof,
        "alternative": options.alternative,
        "statistic": options.statistic,
        "confidence": options.confidence,
        "interval": None if options.confidence is None else options.interval,
    }
    own = {
        "effect_size": contrasts.effect_size(options.ddof).tolist(),
        "p_value": p.tolist(),
        "ci_low": low.tolist(),
        "ci_high": high.tolist(),
        "reason": _reasons(contrasts, low, options),
    }
    for values in zip(*own.values(), strict=True):
        yield shared | dict(zip(own, values, strict=True))


def _reasons(contrasts: Contrasts, low: Floats, options: WeatOptions) -> list[str | None]:
    reasons: list[str | None] = [None] * len(low)
    if options.confidence is not None:
        for k in np.flatnonzero(np.isnan(low)):
            reasons[k] = NO_BOOTSTRAP if contrasts.spread[k] else NO_SPREAD
    for k in np.flatnonzero(~contrasts.defined):
        reasons[k] = ALL_EQUAL
    return reasons
