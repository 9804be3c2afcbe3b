"""How well does a classifier do by each group? Accuracy by group, and what is made of it.

A *group* is a pair of target and attribute (blond, male). With acc_g the share of right
predictions among the n_g examples of group g,

    unbiased accuracy    = mean_g acc_g
    worst-group accuracy = min_g acc_g
    group STD            = standard deviation of acc_g over the groups, dividing by their number
    equalised odds       = max_c max(TPR gap, FPR gap): over classes c, each against the rest, the
                           difference between the attributes with the highest and lowest
                           P(predicted c | target c, attribute) or P(predicted c | target not c,
                           attribute)
    demographic parity   = max_c gap of P(predicted c | attribute)

Unbiased and worst-group accuracy: Sagawa et al. 2020 (arXiv 1911.08731) and the many who follow;
group STD: as in the fairness literature on face attributes; equalised odds: Hardt, Price, Srebro
2016 (arXiv 1610.02413). With two classes the gaps are fairlearn's (`agg="worst_case"`); fairlearn
has none for more classes, and the worst over the classes, each against the rest, is this module's
choice: with two classes it is the same number.

Groups are those that the labels at hand can form. One without examples is named in ``empty`` and
left out of the mean, the minimum and the deviation; equalised odds is then undefined. A class or
attribute that no example has cannot be seen to be missing.

The smallest of several noisy accuracies lies below the smallest true one, and the spread and the
gaps of noisy rates above the true ones, the more so the smaller the groups are: read them with
their intervals. These are made so that they hold nevertheless, see
:mod:`unskew.measures.group_intervals`. Share of simulations, in %, whose 95 % interval holds the
true value (`tests/measures/test_groups_calibration.py` keeps it so), beside the naive percentile
bootstrap:

    accuracies      examples          unbiased     worst       STD       gap
    4 x 0.8         50 each             93  94    98  68    97   0    98   0
    4 x 0.8         200 each            96  96    99  57    97   0    97   0
    10 x 0.7        100 each            95  95    98   2    98   0    96   0
    0.9 .85 .8 .6   1000 300 100 20     94  94    99  98    96  96    96  95
    3 x 0.95, 0.5   30 each             95  95    98  97    96  95    98  92
    .99 .98 .97 .9  20 each             96  85   100  96   100  92   100  91
    0.5 to 0.95     20 groups of 60     94  94   100  81    98  63   100  62
    0.9, 0.7        8 each              96  85    99  96    98  95    99  95

The intervals take the examples of each group as a sample and the classifier as given: they say how
far the numbers would move with other test images, not with another seed of the training. That of
worst-group accuracy is of the accuracy of whichever group is truly worst; it does not say which
one that is, and it knows nothing of groups that were empty or that nobody labelled.
"""

from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np

from unskew.errors import InputError
from unskew.measures import group_intervals as interval
from unskew.measures.group_labels import Ints, Labels, coded_examples


@dataclass(frozen=True)
class GroupAccuracy:
    """One group; accuracy and limits are NaN where it has no examples."""

    target: str
    attribute: str
    n: int
    accuracy: float
    ci_low: float
    ci_high: float


@dataclass(frozen=True)
class GroupFairness:
    """Accuracy by group and what is made of it; every number has limits ``*_ci_low, _ci_high``."""

    accuracy: float
    accuracy_ci_low: float
    accuracy_ci_high: float
    unbiased_accuracy: float
    unbiased_accuracy_ci_low: float
    unbiased_accuracy_ci_high: float
    worst_group_accuracy: float
    worst_group_accuracy_ci_low: float
    worst_group_accuracy_ci_high: float
    #: population standard deviation (ddof = 0)
    group_std: float
    group_std_ci_low: float
    group_std_ci_high: float
    #: NaN with a note where a group is empty
    equalized_odds_difference: float
    equalized_odds_difference_ci_low: float
    equalized_odds_difference_ci_high: float
    demographic_parity_difference: float
    demographic_parity_difference_ci_low: float
    demographic_parity_difference_ci_high: float
    #: every pair of target and attribute, empty ones with n = 0
    per_group: tuple[GroupAccuracy, ...]
    #: "target, attribute" of the lowest accuracy; the first of several
    worst_group: str
    #: "target, attribute" of the groups without examples
    empty: tuple[str, ...]
    #: classes that targets or predictions name, sorted
    classes: tuple[str, ...]
    attributes: tuple[str, ...]
    n: int
    confidence: float
    resamples: int
    seed: int
    #: why a value is undefined, and what to beware of
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Cells:
    """Checked input, counted: all that the measures need of the examples."""

    confusion: Ints  # (targets, attributes, predictions); targets and predictions share ``classes``
    classes: tuple[str, ...]
    attributes: tuple[str, ...]

    @property
    def targets(self) -> Ints:
        """Classes that some target has."""
        return np.flatnonzero(self.confusion.sum(axis=(1, 2)))

    def name(self, target: int, attribute: int) -> str:
        return f"{self.classes[target]}, {self.attributes[attribute]}"


def group_fairness(
    predictions: Labels,
    targets: Labels,
    attributes: Labels,
    *,
    confidence: float = 0.95,
    resamples: int = 2_000,
    seed: int = 0,
) -> GroupFairness:
    """Accuracy by group of target and attribute, and the gaps between the groups.

    Args:
        predictions: (n,) predicted class of each example, whole numbers or strings.
        targets: (n,) its true class, of the same kind.
        attributes: (n,) its sensitive attribute, whole numbers or strings.
        confidence: coverage of the intervals, between 0 and 1.
        resamples: of the stratified bootstrap, at least 100.
        seed: of the resamples.

    Raises:
        InputError: arrays that are empty or differ in length, labels of unlike kinds, one class or
            one attribute only, or an option outside its range.
    """
    cells = _count(predictions, targets, attributes)
    check_options(confidence, resamples, seed)
    rng = np.random.default_rng(seed)
    rows = cells.targets
    n = cells.confusion.sum(axis=2)[rows]  # (targets, attributes)
    right = np.stack([cells.confusion[c, :, c] for c in rows])
    filled = n > 0
    k, of = right[filled], n[filled]
    rates = k / of
    noise = interval.binomial_noise(k, of, resamples, rng)
    worst = np.argwhere(filled)[rates.argmin()]
    empty = tuple(cells.name(rows[t], a) for t, a in np.argwhere(~filled))
    tail = (1 - confidence) / 2
    overall = interval.clopper_pearson(k.sum(keepdims=True), of.sum(keepdims=True), tail, tail)
    odds, parity = _odds(cells, rows), _parity(cells)
    estimates = {
        "accuracy": (k.sum() / of.sum(), (overall[0][0], overall[1][0])),
        "unbiased_accuracy": (rates.mean(), interval.mean(rates, noise, confidence)),
        "worst_group_accuracy": (rates.min(), interval.lowest(k, of, confidence)),
        "group_std": (rates.std(), interval.spread(rates, noise, confidence)),
        "equalized_odds_difference": _gap(cells, odds, "odds", confidence, resamples, rng),
        "demographic_parity_difference": _gap(cells, parity, "parity", confidence, resamples, rng),
    }
    return GroupFairness(
        **flat(estimates),
        per_group=_per_group(cells, rows, right, n, tail),
        worst_group=cells.name(rows[worst[0]], worst[1]),
        empty=empty,
        classes=cells.classes,
        attributes=cells.attributes,
        n=int(of.sum()),
        confidence=float(confidence),
        resamples=int(resamples),
        seed=int(seed),
        notes=_notes(cells, empty, of),
    )


def check_options(confidence: float, resamples: int, seed: int) -> None:
    """Raise InputError for an option outside its range."""
    if not isinstance(confidence, float) or not 0 < confidence < 1:
        raise InputError(f"confidence is {confidence!r}; give a number between 0 and 1")
    for name, value, least in (("resamples", resamples, 100), ("seed", seed, 0)):
        if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
            raise InputError(f"{name} is {value!r}; give a whole number of at least {least}")


def _count(predictions: Labels, targets: Labels, attributes: Labels) -> Cells:
    true, group, (predicted,) = coded_examples(targets, attributes, {"predictions": predictions})
    shape = (len(true.names), len(group.names), len(true.names))
    cell = np.ravel_multi_index((true.codes, group.codes, predicted.codes), shape)
    counts = np.bincount(cell, minlength=int(np.prod(shape))).reshape(shape)
    return Cells(counts, true.names, group.names)


def _per_group(
    cells: Cells, rows: Ints, right: Ints, n: Ints, tail: float
) -> tuple[GroupAccuracy, ...]:
    of = np.maximum(n, 1)
    low, high = interval.clopper_pearson(right, of, tail, tail)
    numbers = np.where(n > 0, [right / of, low, high], np.nan)
    return tuple(
        GroupAccuracy(cells.classes[row], attribute, int(n[t, a]), *map(float, numbers[:, t, a]))
        for t, row in enumerate(rows)
        for a, attribute in enumerate(cells.attributes)
    )


def _odds(cells: Cells, rows: Ints) -> tuple[Ints, Ints]:
    """(rates, attributes) counts and totals of the true and false positives of each class.

    Two classes need one: the false positives of the other are its missed true positives.
    """
    of = cells.confusion.sum(axis=2)
    chosen = rows[1:] if len(cells.classes) == 2 else rows
    hits = np.stack([cells.confusion[c, :, c] for c in chosen])
    flagged = cells.confusion.sum(axis=0).T[chosen]
    return (
        np.concatenate([hits, flagged - hits]),
        np.concatenate([of[chosen], of.sum(axis=0) - of[chosen]]),
    )


def _parity(cells: Cells) -> tuple[Ints, Ints]:
    """(rates, attributes) how often each class is predicted, of how many."""
    flagged = cells.confusion.sum(axis=0).T
    of = np.broadcast_to(flagged.sum(axis=0), flagged.shape)
    return (flagged[1:], of[1:]) if len(cells.classes) == 2 else (flagged, of)


def _gap(
    cells: Cells,
    rates: tuple[Ints, Ints],
    what: str,
    confidence: float,
    resamples: int,
    rng: np.random.Generator,
) -> tuple[float, interval.Limits]:
    k, of = rates
    if (of == 0).any():
        return np.nan, (np.nan, np.nan)
    gap = _by_fairlearn(cells, what) if len(cells.classes) == 2 else np.ptp(k / of, axis=1).max()
    return gap, interval.largest_gap(k, of, confidence, resamples, rng)


def _by_fairlearn(cells: Cells, what: str) -> float:
    """The gap of two classes by fairlearn, which is given each cell once, with its count."""
    from fairlearn import metrics

    gap = {
        "odds": metrics.equalized_odds_difference,
        "parity": metrics.demographic_parity_difference,
    }[what]
    target, attribute, prediction = np.nonzero(cells.confusion)
    weights = cells.confusion[target, attribute, prediction]
    return gap(target, prediction, sensitive_features=attribute, sample_weight=weights)


def flat(estimates: dict[str, tuple[Any, Any]]) -> dict[str, Any]:
    """``name``, ``name_ci_low`` and ``name_ci_high`` of every estimate."""
    numbers: dict[str, float] = {}
    for name, (value, (low, high)) in estimates.items():
        numbers |= {
            name: float(value),
            f"{name}_ci_low": float(low),
            f"{name}_ci_high": float(high),
        }
    return numbers


def _notes(cells: Cells, empty: tuple[str, ...], of: Ints) -> tuple[str, ...]:
    missing = "; ".join(empty)
    never = set(range(len(cells.classes))) - set(cells.targets.tolist())
    unseen = ", ".join(cells.classes[c] for c in sorted(never))
    found = {
        f"no examples of the group {missing}: unbiased accuracy, worst-group accuracy and group "
        f"STD are of the {len(of)} groups with examples": bool(empty),
        f"equalised odds is undefined: a class without examples of an attribute ({missing}) has "
        "no true-positive rate there": bool(empty),
        f"predicted but no example's target: {unseen}": bool(never),
        f"the smallest group with examples has n = {of.min()}: its accuracy, and that of the "
        "worst group, are known only roughly": of.min() < 10,
    }
    return tuple(text for text, holds in found.items() if holds)
