"""Do the intervals of the group measures hold what they should? Coverage over simulations."""

import numpy as np
import pytest

from unskew.measures import group_intervals as interval
from unskew.measures.group_comparison import compare_group_fairness

CONFIDENCE = 0.95
SIMULATIONS = 300
#: Three standard errors below the level, over that many simulations.
LEAST = CONFIDENCE - 3 * (CONFIDENCE * (1 - CONFIDENCE) / SIMULATIONS) ** 0.5

CASES = {
    "equal groups": ([0.8] * 4, [50] * 4),
    "many equal groups": ([0.7] * 10, [100] * 10),
    "one small, bad group": ([0.9, 0.85, 0.8, 0.6], [1000, 300, 100, 20]),
    "nearly all right": ([0.99, 0.98, 0.97, 0.9], [20] * 4),
    "two tiny groups": ([0.9, 0.7], [8, 8]),
}


def simulated(case):
    rates, n = map(np.array, CASES[case])
    rng = np.random.default_rng(0)
    for right in rng.binomial(n, rates, (SIMULATIONS, len(n))):
        yield rates, right, n, interval.binomial_noise(right, n, 500, rng), rng


def holds(limits, truth):
    return limits[0] - 1e-12 <= truth <= limits[1] + 1e-12


@pytest.mark.parametrize("case", CASES)
def test_intervals_cover_at_least_their_level(case):
    held = np.zeros(4)
    for rates, right, n, noise, rng in simulated(case):
        found = right / n
        gap = interval.largest_gap(right[None], n[None], CONFIDENCE, 500, rng)
        held += (
            holds(interval.mean(found, noise, CONFIDENCE), rates.mean()),
            holds(interval.lowest(right, n, CONFIDENCE), rates.min()),
            holds(interval.spread(found, noise, CONFIDENCE), rates.std()),
            holds(gap, np.ptp(rates)),
        )
    # A mean of few draws is a little liberal: percentiles are those of the estimated rates.
    assert (held / SIMULATIONS >= [LEAST - 0.02, LEAST, LEAST, LEAST]).all(), held / SIMULATIONS


def test_the_naive_percentile_bootstrap_would_not():
    """What the corrections are for: equal groups, where it misses on one side."""
    held = np.zeros(3)
    for rates, right, n, _, rng in simulated("equal groups"):
        drawn = rng.binomial(n, right / n, (500, len(n))) / n
        for i, (values, truth) in enumerate(
            [(drawn.min(1), rates.min()), (drawn.std(1), 0), (np.ptp(drawn, axis=1), 0)]
        ):
            held[i] += holds(np.quantile(values, [0.025, 0.975]), truth)
    assert held[0] / SIMULATIONS < 0.8
    assert held[1:].max() == 0


@pytest.mark.parametrize(("rate", "n"), [(0.5, 10), (0.95, 10), (0.95, 100)])
def test_the_limits_of_a_group_cover_exactly(rate, n):
    """Summed over every outcome, not simulated."""
    from scipy import stats

    right = np.arange(n + 1)
    low, high = interval.clopper_pearson(right, np.full(n + 1, n), 0.025, 0.025)
    held = (low <= rate) & (rate <= high)
    assert stats.binom.pmf(right, n, rate)[held].sum() >= CONFIDENCE


@pytest.mark.parametrize(
    ("predictions", "baseline", "n"),
    [
        ([0.8] * 4, [0.8] * 4, [60] * 4),
        ([0.8] * 4, [0.9, 0.9, 0.9, 0.5], [60] * 4),
        ([0.9, 0.9, 0.9, 0.7], [0.9, 0.9, 0.9, 0.6], [200, 200, 200, 30]),
        ([0.85] * 4, [0.75] * 4, [50] * 4),
    ],
)
def test_paired_differences_are_covered(predictions, baseline, n):
    """Of two classifiers whose errors overlap half as much as they could."""
    p, q, n = map(np.array, (predictions, baseline, n))
    group = np.repeat(np.arange(4), n)
    target, attribute = np.divmod(group, 2)
    truth = {
        "unbiased_accuracy": p.mean() - q.mean(),
        "worst_group_accuracy": p.min() - q.min(),
        "group_std": p.std() - q.std(),
    }
    rng = np.random.default_rng(0)
    held = dict.fromkeys(truth, 0)
    for _ in range(SIMULATIONS):
        one = rng.random(len(group))
        other = np.where(rng.random(len(group)) < 0.5, one, rng.random(len(group)))
        found = compare_group_fairness(
            np.where(one < p[group], target, 1 - target),
            np.where(other < q[group], target, 1 - target),
            target,
            attribute,
            resamples=500,
        )
        for name, value in truth.items():
            ends = [getattr(found, f"{name}_difference_ci_{end}") for end in ("low", "high")]
            held[name] += holds(ends, value)
    assert min(held.values()) / SIMULATIONS >= LEAST - 0.01, held
