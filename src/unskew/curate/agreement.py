"""How far reviewers agree beyond chance: Cohen's and Fleiss' kappa, Krippendorff's alpha.

Ratings are a table, one row per item and one column per reviewer; a cell is any label, None where
the reviewer has not decided. All three coefficients are 1 for full agreement and 0 for that of
chance, and each is a function of sums over items (`_Sums`), so that all have one bootstrap.

* Cohen (1960), two reviewers, items that both decided: (p_o - p_e) / (1 - p_e), where p_e comes
  from each reviewer's own shares of labels.
* Fleiss (1971), items that every reviewer decided: the same with the labels' shares over all.
* Krippendorff (2011), nominal, items that at least two decided: 1 - D_o / D_e.

The intervals are percentile bootstraps over items (Efron, 1979): they answer to which items
happened to be reviewed, not to who reviewed them. Where every resample says the same, as where
nobody disagrees or where there is one item, this is no evidence that the true value is that, so
there is no interval.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
import numpy.typing as npt

from unskew.curate.decisions import Decision

Floats = npt.NDArray[np.float64]
Ratings = Sequence[Sequence[Hashable | None]]
CONFIDENCE = 0.95
RESAMPLES = 4_999
COLUMNS = ("measure", "reviewers", "records", "value", "95 % interval", "note")
_NAMES = {
    "cohen": "Cohen's kappa",
    "fleiss": "Fleiss' kappa",
    "krippendorff": "Krippendorff's alpha",
}


@dataclass(frozen=True)
class Agreement:
    """One coefficient.

    Attributes:
        items: how many entered it.
        value: NaN where undefined, with the `reason`.
        low, high: limits of the 95 % interval; NaN where there is none, with the `reason`.
    """

    measure: Literal["cohen", "fleiss", "krippendorff"]
    reviewers: tuple[str, ...]
    items: int
    value: float
    low: float
    high: float
    reason: str | None = None

    @property
    def name(self) -> str:
        """What the coefficient is called."""
        return _NAMES[self.measure]

    def row(self) -> tuple[str, ...]:
        """As text, in the order of COLUMNS."""
        interval = "none" if np.isnan(self.low) else f"{self.low:.2f} to {self.high:.2f}"
        value = "undefined" if np.isnan(self.value) else f"{self.value:.2f}"
        who = ", ".join(self.reviewers)
        return (self.name, who, str(self.items), value, interval, self.reason or "")


def agreement(stand: Mapping[str, Mapping[str, Decision]], seed: int = 0) -> tuple[Agreement, ...]:
    """All coefficients of standing decisions (`decisions.standing`): each pair's, then of all.

    A label is what was decided; relabels to two subgroups are two labels. None for fewer than
    two reviewers.
    """
    reviewers = sorted({reviewer for of_record in stand.values() for reviewer in of_record})
    if len(reviewers) < 2:
        return ()
    table = [
        [_label(of_record.get(reviewer)) for reviewer in reviewers] for of_record in stand.values()
    ]
    pairs = [
        cohen_kappa([(row[i], row[j]) for row in table], (reviewers[i], reviewers[j]), seed=seed)
        for i, j in combinations(range(len(reviewers)), 2)
    ]
    both = (f(table, reviewers, seed=seed) for f in (fleiss_kappa, krippendorff_alpha))
    return (*pairs, *both)


def cohen_kappa(ratings: Ratings, reviewers: Sequence[str] = (), *, seed: int = 0) -> Agreement:
    """Cohen's kappa of two reviewers; `ratings` has two columns. Rows with None are left out."""
    codes, labels = _codes(ratings)
    rated = codes[(codes >= 0).all(axis=1)]
    same = (rated[:, 0] == rated[:, 1]).astype(np.float64)
    first, second = (np.eye(labels)[rated[:, column]] for column in (0, 1))

    def kappa(sums: Floats) -> Floats:
        n = sums[..., 1 : 1 + labels].sum(axis=-1)
        chance = (sums[..., 1 : 1 + labels] * sums[..., 1 + labels :]).sum(axis=-1) / n**2
        return _beyond(sums[..., 0] / n, chance)

    terms = np.column_stack([same, first, second])
    return _estimate("cohen", reviewers, terms, kappa, "no item that both have decided on", seed)


def fleiss_kappa(ratings: Ratings, reviewers: Sequence[str] = (), *, seed: int = 0) -> Agreement:
    """Fleiss' kappa of any number of reviewers, on the rows without None."""
    codes, labels = _codes(ratings)
    counts = _counts(codes[(codes >= 0).all(axis=1)], labels)
    raters = codes.shape[1]
    same = (counts * (counts - 1)).sum(axis=1) / max(raters * (raters - 1), 1)

    def kappa(sums: Floats) -> Floats:
        n = sums[..., 1:].sum(axis=-1) / raters
        shares = sums[..., 1:] / (n * raters)[..., None]
        return _beyond(sums[..., 0] / n, (shares**2).sum(axis=-1))

    terms = np.column_stack([same, counts])
    return _estimate("fleiss", reviewers, terms, kappa, "no item that all have decided on", seed)


def krippendorff_alpha(
    ratings: Ratings, reviewers: Sequence[str] = (), *, seed: int = 0
) -> Agreement:
    """Krippendorff's alpha for nominal labels; None is a missing rating."""
    codes, labels = _codes(ratings)
    counts = _counts(codes, labels)
    counts = counts[counts.sum(axis=1) >= 2]
    # Of the pairs of each item, weighted so that every rating counts once, those that agree.
    same = (counts * (counts - 1)).sum(axis=1) / (counts.sum(axis=1) - 1)

    def alpha(sums: Floats) -> Floats:
        n = sums[..., 1:].sum(axis=-1)
        chance = (sums[..., 1:] * (sums[..., 1:] - 1)).sum(axis=-1) / (n * (n - 1))
        return _beyond(sums[..., 0] / n, chance)

    terms = np.column_stack([same, counts])
    nothing = "no item that two have decided on"
    return _estimate("krippendorff", reviewers, terms, alpha, nothing, seed)


def _label(decision: Decision | None) -> Hashable | None:
    return decision and (decision.action, decision.category, decision.subgroup)


def _codes(ratings: Ratings) -> tuple[npt.NDArray[np.int64], int]:
    """(n, reviewers) with labels as numbers and -1 for None, and how many labels there are."""
    number: dict[Hashable, int] = {}
    rows = [
        [-1 if label is None else number.setdefault(label, len(number)) for label in row]
        for row in ratings
    ]
    columns = len(ratings[0]) if ratings else 2
    return np.array(rows, dtype=np.int64).reshape(len(rows), columns), len(number)


def _counts(codes: npt.NDArray[np.int64], labels: int) -> Floats:
    """(n, labels): how many reviewers gave an item each label."""
    return (codes[:, :, None] == np.arange(labels)).sum(axis=1).astype(np.float64)


def _beyond(observed: Floats, chance: Floats) -> Floats:
    """(observed - chance) / (1 - chance); NaN where only one label was given."""
    room = 1 - chance
    possible = room > 1e-12
    return np.where(possible, (observed - chance) / np.where(possible, room, 1.0), np.nan)


def _estimate(
    measure: Literal["cohen", "fleiss", "krippendorff"],
    reviewers: Sequence[str],
    terms: Floats,
    statistic: Callable[[Floats], Floats],
    nothing: str,
    seed: int,
) -> Agreement:
    """A statistic of the sums of `terms` (n, k) over items, with its interval."""
    n = len(terms)
    nan = float("nan")
    if n == 0:
        return Agreement(measure, tuple(reviewers), 0, nan, nan, nan, nothing)
    value = float(statistic(terms.sum(axis=0)))
    low = high = nan
    reason = None
    if np.isnan(value):
        reason = "only one label was given, so that chance alone would agree on every item"
    elif value > 1 - 1e-12:
        reason = "nobody disagrees: no interval, since every resample would say 1"
    else:
        # Items with equal terms are interchangeable, so it is enough to draw how many of each.
        kinds, sizes = np.unique(terms, axis=0, return_counts=True)
        draws = np.random.default_rng(seed).multinomial(n, sizes / n, size=RESAMPLES)
        drawn = statistic(draws @ kinds)
        if np.isnan(drawn).mean() > 1 - CONFIDENCE:
            reason = "too few items for an interval: many resamples hold one label only"
        elif np.nanmax(drawn) - np.nanmin(drawn) < 1e-12:
            reason = "no interval, since every resample would say the same"
        else:
            tail = 50 * (1 - CONFIDENCE)
            low, high = (float(x) for x in np.nanpercentile(drawn, [tail, 100 - tail]))
    return Agreement(measure, tuple(reviewers), n, value, low, high, reason)
