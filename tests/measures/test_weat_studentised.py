"""The permutation test on Welch's t: its arithmetic, and the level it keeps."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from unskew.errors import InputError
from unskew.measures import pairwise_from_associations, weat_from_associations
from unskew.measures.contrasts import Contrasts
from unskew.measures.options import WeatOptions
from unskew.measures.permutation import p_values, random_masks

ALTERNATIVES = ["greater", "less", "two-sided"]


def welch(x: list[float], y: list[float]) -> float:
    """By definition, with t infinite where both sets are constant."""
    difference = np.mean(x) - np.mean(y)
    error = math.sqrt(np.var(x, ddof=1) / len(x) + np.var(y, ddof=1) / len(y))
    return difference / error if error > 1e-9 else math.copysign(math.inf, difference)


def count_extreme(t: list[float], observed: float, alternative: str) -> int:
    if alternative == "two-sided":
        t, observed = [abs(v) for v in t], abs(observed)
    elif alternative == "less":
        t, observed = [-v for v in t], -observed
    slack = 0.0 if math.isinf(observed) else 1e-9
    return sum(v >= observed - slack for v in t)


@pytest.mark.parametrize("alternative", ALTERNATIVES)
@pytest.mark.parametrize("values", ["distinct", "tied", "far from zero"])
@pytest.mark.parametrize("n", [2, 4, 5, 8])
def test_exact_p_by_a_plain_loop(alternative, values, n):
    rng = np.random.default_rng(n)
    s = rng.standard_normal(10)
    if values == "tied":
        s = rng.integers(0, 4, 10) / 7
    elif values == "far from zero":
        s = 50 + s / 10
    t = []
    for chosen in itertools.combinations(range(10), n):
        inside = [k in chosen for k in range(10)]
        t.append(welch(list(s[inside]), list(s[np.logical_not(inside)])))
    found = weat_from_associations(s[:n], s[n:], alternative=alternative, statistic="studentised")
    assert found.exact
    assert found.statistic == "studentised"
    assert found.p_value == count_extreme(t, welch(s[:n], s[n:]), alternative) / math.comb(10, n)


@pytest.mark.parametrize("alternative", ALTERNATIVES)
@pytest.mark.parametrize("values", ["distinct", "tied"])
def test_sampled_p_by_a_plain_loop_over_the_same_masks(alternative, values):
    rng = np.random.default_rng(8)
    n, m, draws, seed = 17, 9, 400, 5
    s = np.concatenate([rng.standard_normal(n) + 0.3, 2 * rng.standard_normal(m)])
    if values == "tied":
        s = np.round(s)
    masks = np.concatenate(list(random_masks(n, m, draws, np.random.default_rng((seed, n, m)))))
    t = [welch(s[mask], s[~mask]) for mask in masks]
    found = weat_from_associations(
        s[:n],
        s[n:],
        alternative=alternative,
        permutations=draws,
        seed=seed,
        statistic="studentised",
    )
    assert not found.exact
    hits = count_extreme(t, welch(s[:n], s[n:]), alternative)
    assert found.p_value == (1 + hits) / (1 + draws)


def test_the_two_statistics_differ_when_sizes_do_and_only_then():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal(40), 0.7 + 3 * rng.standard_normal(12)
    raw, studentised = (
        weat_from_associations(x, y, statistic=s) for s in ("difference", "studentised")
    )
    assert raw.p_value != studentised.p_value
    assert raw.effect_size == studentised.effect_size
    raw, studentised = (
        weat_from_associations(x[:12], y, statistic=s).p_value
        for s in ("difference", "studentised")
    )
    assert raw == studentised
    assert weat_from_associations(x, y).statistic == "difference"


@pytest.mark.parametrize(("n", "m"), [(4, 6), (7, 3)])
@pytest.mark.parametrize("values", ["distinct", "tied"])
def test_swapping_sets_and_direction_keeps_the_exact_p(n, m, values):
    rng = np.random.default_rng((n, m))
    x, y = rng.standard_normal(n), 0.5 + rng.standard_normal(m)
    if values == "tied":
        x, y = np.round(x), np.round(y)
    for one, other in (("greater", "less"), ("less", "greater"), ("two-sided", "two-sided")):
        p = weat_from_associations(x, y, alternative=one, statistic="studentised").p_value
        q = weat_from_associations(y, x, alternative=other, statistic="studentised").p_value
        assert p == q


def test_without_spread_in_either_set_t_is_infinite_and_only_itself_as_extreme():
    x, y = [0.3] * 4, [0.1] * 5
    p = {
        a: weat_from_associations(x, y, alternative=a, statistic="studentised").p_value
        for a in ALTERNATIVES
    }
    assert p == {"greater": 1 / 126, "less": 1.0, "two-sided": 1 / 126}


def test_one_set_without_spread():
    x, y = [0.5] * 3, [0.1, 0.2, 0.3, 0.4]
    found = weat_from_associations(x, y, statistic="studentised")
    assert found.p_value == 1 / 35


def test_all_equal_is_undefined_with_a_reason():
    found = weat_from_associations([0.2] * 4, [0.2] * 6, statistic="studentised")
    assert math.isnan(found.p_value)
    assert "all associations are equal" in found.reason


def test_a_pair_among_others_has_the_p_of_the_pair_alone():
    """Also where the others lie far away, so that the common centre is not the pair's own."""
    rng = np.random.default_rng(3)
    sizes = {"a": 5, "b": 7, "c": 20, "d": 31, "e": 5, "f": 20}
    s = {name: 10 * k + rng.normal(size=n) for k, (name, n) in enumerate(sizes.items())}
    s["g"] = np.full(7, 3.0)
    s["h"] = np.full(5, 3.0)
    for alternative in ALTERNATIVES:
        options = {"alternative": alternative, "permutations": 300, "statistic": "studentised"}
        for r in pairwise_from_associations(s, **options):
            alone = weat_from_associations(s[r.subgroup_a], s[r.subgroup_b], **options)
            assert r.p_value == pytest.approx(alone.p_value, abs=0, nan_ok=True)


def every_row(x: np.ndarray, y: np.ndarray) -> Contrasts:
    rows = np.arange(len(x))
    return Contrasts(x, y, rows, rows)


def p_of(x: np.ndarray, y: np.ndarray, statistic: str, **options) -> np.ndarray:
    """p-values of the rows, each batch of a hundred with draws of its own."""
    return np.concatenate(
        [
            p_values(
                every_row(x[k : k + 100], y[k : k + 100]),
                WeatOptions(statistic=statistic, seed=k, permutations=399, **options),
            )[0]
            for k in range(0, len(x), 100)
        ]
    )


@pytest.mark.parametrize(("alternative", "raw_level"), [("two-sided", 0.15), ("greater", 0.10)])
def test_the_level_for_equal_means_holds_whatever_the_spreads(alternative, raw_level):
    """100 against 20, the small set spreading twice as far; the raw statistic does not hold it."""
    rng = np.random.default_rng(11)
    x, y = rng.standard_normal((2000, 100)), 2 * rng.standard_normal((2000, 20))
    rejected = {
        s: np.mean(p_of(x, y, s, alternative=alternative) <= 0.05)
        for s in ("difference", "studentised")
    }
    assert 0.03 < rejected["studentised"] < 0.075
    assert rejected["difference"] > raw_level


@pytest.mark.parametrize("alternative", ALTERNATIVES)
@pytest.mark.parametrize(("n", "m"), [(5, 11), (12, 4), (40, 10)])
def test_p_is_uniform_when_the_sets_are_exchangeable(n, m, alternative):
    rng = np.random.default_rng((n, m, len(alternative)))
    x, y = rng.gamma(1.5, size=(2500, n)) ** 1.5, rng.gamma(1.5, size=(2500, m)) ** 1.5
    p = p_of(x, y, "studentised", alternative=alternative)
    assert stats.kstest(p, "uniform").pvalue > 0.01


def test_an_unknown_statistic_is_named():
    with pytest.raises(InputError, match="statistic is 't'; use one of difference, studentised"):
        pairwise_from_associations({"a": [0.0, 1.0], "b": [0.0, 2.0]}, statistic="t")
