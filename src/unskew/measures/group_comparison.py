"""Is one classifier fairer than another? Two sets of predictions for the same examples.

The accuracies of the two are correlated, since an example that is hard for one is mostly hard for
the other. So the examples of a group are resampled once for both: a resample draws from a
multinomial law how many of them both, only one, only the other and neither gets right.

The difference of unbiased accuracy takes the percentiles of that. Worst-group accuracy and group
STD are biased, each by an amount of its own, and the percentile bootstrap of their difference
covers 26 to 99 % where it should 95. Here the limits of the two are combined instead, with their
correlation over the resamples (the method of variance estimates recovery: Zou and Donner, 2008,
Statistics in Medicine 27), a group STD being first freed of what noise adds to it.
"""

from dataclasses import dataclass

import numpy as np

from unskew.measures import group_intervals as interval
from unskew.measures.embeddings import Floats
from unskew.measures.group_labels import Ints, Labels, coded_examples
from unskew.measures.groups import check_options, flat


@dataclass(frozen=True)
class GroupComparison:
    """Predictions minus baseline; positive accuracies and a negative STD speak for predictions."""

    unbiased_accuracy_difference: float
    unbiased_accuracy_difference_ci_low: float
    unbiased_accuracy_difference_ci_high: float
    worst_group_accuracy_difference: float
    worst_group_accuracy_difference_ci_low: float
    worst_group_accuracy_difference_ci_high: float
    group_std_difference: float
    group_std_difference_ci_low: float
    group_std_difference_ci_high: float
    #: "target, attribute" of the groups without examples, which are left out
    empty: tuple[str, ...]
    #: examples, and groups that have some
    n: int
    n_groups: int
    confidence: float
    resamples: int
    seed: int
    notes: tuple[str, ...]


def compare_group_fairness(
    predictions: Labels,
    baseline: Labels,
    targets: Labels,
    attributes: Labels,
    *,
    confidence: float = 0.95,
    resamples: int = 2_000,
    seed: int = 0,
) -> GroupComparison:
    """How two classifiers differ in what they do for groups, on the same examples.

    Args:
        predictions: (n,) predicted class of each example by the classifier in question.
        baseline: (n,) by the one that it is compared with, in the same order.
        targets, attributes, confidence, resamples, seed: as
            :func:`unskew.measures.groups.group_fairness`.

    The intervals say how far the differences would move with other test images, for these two
    trained classifiers; how far with another seed of the training, only more runs can say.

    Raises:
        InputError: as :func:`unskew.measures.groups.group_fairness`.
    """
    check_options(confidence, resamples, seed)
    joint, empty = _joint(predictions, baseline, targets, attributes)
    n = joint.sum(axis=1)
    rates = np.stack([joint[:, :2].sum(axis=1), joint[:, ::2].sum(axis=1)]) / n
    noise = _paired_noise(joint, resamples, np.random.default_rng(seed))
    differences = rates[0] - rates[1]
    tail = (1 - confidence) / 2
    unbiased = differences.mean() + np.quantile(
        (noise[0] - noise[1]).mean(axis=1), [tail, 1 - tail]
    )
    drawn = rates[:, None, :] + noise
    right = np.rint(rates * n).astype(np.int64)
    worst = [interval.lowest(k, n, confidence) for k in right]
    spreads = [interval.spread(r, e, confidence) for r, e in zip(rates, noise, strict=True)]
    lowest, std = rates.min(axis=1), rates.std(axis=1)
    quiet = np.sqrt(np.maximum(std**2 - noise.var(axis=2).mean(axis=1), 0))
    notes = (f"no examples of the group {'; '.join(empty)}: it is left out",) if empty else ()
    estimates = {
        "unbiased_accuracy_difference": (differences.mean(), unbiased),
        "worst_group_accuracy_difference": (
            lowest[0] - lowest[1],
            _combined(lowest, worst, drawn.min(axis=2)),
        ),
        "group_std_difference": (
            std[0] - std[1],
            _including(std[0] - std[1], _combined(quiet, spreads, drawn.std(axis=2))),
        ),
    }
    return GroupComparison(
        **flat(estimates),
        empty=empty,
        n=int(n.sum()),
        n_groups=len(n),
        confidence=float(confidence),
        resamples=int(resamples),
        seed=int(seed),
        notes=notes,
    )


def _joint(
    predictions: Labels, baseline: Labels, targets: Labels, attributes: Labels
) -> tuple[Ints, tuple[str, ...]]:
    """(groups with examples, 4) right by both, predictions only, baseline only, neither."""
    true, group, (one, other) = coded_examples(
        targets, attributes, {"predictions": predictions, "baseline": baseline}
    )
    wrong = 2 * (one.codes != true.codes) + (other.codes != true.codes)
    shape = (len(true.names), len(group.names), 4)
    cell = np.ravel_multi_index((true.codes, group.codes, wrong), shape)
    counts = np.bincount(cell, minlength=int(np.prod(shape))).reshape(shape)
    examples = counts.sum(axis=2)
    asked = examples.sum(axis=1) > 0
    empty = tuple(
        f"{true.names[t]}, {group.names[a]}"
        for t, a in np.argwhere((examples == 0) & asked[:, None])
    )
    return counts[examples > 0], empty


def _paired_noise(joint: Ints, resamples: int, rng: np.random.Generator) -> Floats:
    """(2, resamples, groups) deviations of the resampled accuracies of both classifiers."""
    n = joint.sum(axis=1)
    rates = (joint + 0.25) / (n + 1)[:, None]
    noise = rng.multinomial(n, rates, (resamples, len(n))) / n[:, None] - rates
    return np.stack([noise[..., :2].sum(axis=2), noise[..., ::2].sum(axis=2)])


def _combined(values: Floats, limits: list[interval.Limits], drawn: Floats) -> interval.Limits:
    """Limits of values[0] - values[1] from those of each and their correlation over (2, R) draws.

    A negative correlation would widen them and is as large as chance makes it: none is assumed.
    """
    spread = drawn.std(axis=1)
    covariance = np.mean((drawn[0] - drawn[0].mean()) * (drawn[1] - drawn[1].mean()))
    shared = max(float(covariance / spread.prod()), 0.0) if spread.all() else 0.0
    (low_0, high_0), (low_1, high_1) = (
        (min(low, v), max(high, v)) for (low, high), v in zip(limits, values, strict=True)
    )
    difference = float(values[0] - values[1])

    def reach(one: float, other: float) -> float:
        return float(np.sqrt(one**2 + other**2 - 2 * shared * one * other))

    return (
        difference - reach(values[0] - low_0, high_1 - values[1]),
        difference + reach(high_0 - values[0], values[1] - low_1),
    )


def _including(value: float, limits: interval.Limits) -> interval.Limits:
    return min(limits[0], float(value)), max(limits[1], float(value))
