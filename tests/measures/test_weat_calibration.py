"""Do the p-values and intervals mean what they say? Simulated under known truth."""

from collections import Counter
from math import comb

import numpy as np
import pytest
from scipy import stats

from unskew.measures.contrasts import Contrasts
from unskew.measures.intervals import intervals, noncentrality
from unskew.measures.options import WeatOptions
from unskew.measures.permutation import all_masks, p_values, random_masks


def contrasts(x: np.ndarray, y: np.ndarray) -> Contrasts:
    """The k-th row of x against the k-th row of y."""
    every = np.arange(len(x))
    return Contrasts(x, y, every, every)


def skewed(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Exchangeable, not normal: the permutation test assumes no more."""
    return rng.gamma(1.5, size=shape) ** 1.5


@pytest.mark.parametrize("alternative", ["greater", "less", "two-sided"])
@pytest.mark.parametrize(("n", "m"), [(8, 8), (5, 11), (12, 4)])
def test_exact_p_is_uniform_under_the_null(n, m, alternative):
    rng = np.random.default_rng((n, m, len(alternative)))
    samples = contrasts(skewed(rng, (2500, n)), skewed(rng, (2500, m)))
    p, exact, _ = p_values(samples, WeatOptions(alternative=alternative))
    assert exact
    assert stats.kstest(p, "uniform").pvalue > 0.01
    # A grid of 1 / partitions and no zero: the observed partition counts itself.
    assert p.min() >= 1 / comb(n + m, n)


@pytest.mark.parametrize("alternative", ["greater", "less", "two-sided"])
@pytest.mark.parametrize(("n", "m"), [(15, 15), (6, 30), (40, 10)])
def test_sampled_p_is_uniform_under_the_null(n, m, alternative):
    rng = np.random.default_rng((n, m, len(alternative)))
    p = []
    for seed in range(25):  # data sets that share their draws are not quite independent
        samples = contrasts(skewed(rng, (100, n)), skewed(rng, (100, m)))
        options = WeatOptions(alternative=alternative, permutations=999, seed=seed)
        found, exact, _ = p_values(samples, options)
        assert not exact
        p.extend(found)
    assert stats.kstest(p, "uniform").pvalue > 0.01


@pytest.mark.parametrize(("n", "m"), [(8, 8), (5, 11)])
@pytest.mark.parametrize("exact_limit", [20_000, 0])
def test_level_is_kept_with_many_ties(n, m, exact_limit):
    """Coarse values: p can only be conservative, P(p <= a) <= a."""
    rng = np.random.default_rng((n, m))
    x, y = rng.integers(0, 3, (3000, n)) / 10, rng.integers(0, 3, (3000, m)) / 10
    p = p_values(contrasts(x, y), WeatOptions(exact_limit=exact_limit, permutations=999))[0]
    p = p[~np.isnan(p)]
    for level in (0.01, 0.05, 0.2):
        assert np.mean(p <= level) < level + 3 * np.sqrt(level / len(p))


@pytest.mark.parametrize(("n", "m"), [(4, 4), (2, 7), (6, 2)])
def test_random_masks_are_uniform_over_all_partitions(n, m):
    drawn = np.concatenate(list(random_masks(n, m, 40_000, np.random.default_rng((n, m)))))
    assert (drawn.sum(axis=1) == n).all()
    counts = Counter(map(bytes, drawn))
    assert len(counts) == comb(n + m, n)
    assert stats.chisquare(list(counts.values())).pvalue > 0.01


@pytest.mark.parametrize(("n", "m"), [(125, 125), (20, 200), (300, 3), (40, 15)])
def test_large_random_masks_choose_every_item_and_pair_of_items_alike(n, m):
    """Chi-square of the items' counts, over many seeds: its p-values are uniform."""
    draws, share = 2_000, n / (n + m)
    fits, neighbours = [], []
    for seed in range(50):
        drawn = np.concatenate(list(random_masks(n, m, draws, np.random.default_rng(seed))))
        assert drawn.shape == (draws, n + m)
        assert (drawn.sum(axis=1) == n).all()
        z = (drawn.mean(axis=0) - share) / np.sqrt(share * (1 - share) / draws)
        # The z of the items sum to zero, hence one degree of freedom less.
        fits.append(stats.chi2.sf((z**2).sum() * (n + m - 1) / (n + m), n + m - 1))
        neighbours.append((drawn[:, 1:] & drawn[:, :-1]).mean())
    assert stats.kstest(fits, "uniform").pvalue > 0.01
    error = np.std(neighbours, ddof=1) / np.sqrt(len(neighbours))
    both = share * (n - 1) / (n + m - 1)
    assert np.mean(neighbours) == pytest.approx(both, abs=4 * error)


def test_all_masks_are_all_partitions_once(monkeypatch):
    monkeypatch.setattr("unskew.measures.permutation._BLOCK", 90)
    blocks = list(all_masks(4, 5))
    assert len(blocks) > 2
    masks = np.concatenate(blocks)
    assert (masks.sum(axis=1) == 4).all()
    assert len({bytes(mask) for mask in masks}) == len(masks) == comb(9, 4)


def coverage(n, m, true_d, wider=1.0, count=4000, **options) -> tuple[float, float]:
    """Share of intervals above and below the d of the two normal populations."""
    rng = np.random.default_rng((n, m, int(10 * true_d)))
    share = n / (n + m)
    variance = share + (1 - share) * wider**2
    gap = true_d * np.sqrt(variance / (1 - share * (1 - share) * true_d**2))
    x = rng.standard_normal((count, n)) + gap
    y = wider * rng.standard_normal((count, m))
    low, high = intervals(contrasts(x, y), WeatOptions(**options), resamples=499)
    return float(np.mean(low > true_d)), float(np.mean(high < true_d))


@pytest.mark.parametrize("true_d", [0.0, 0.5, 1.0, 1.5])
@pytest.mark.parametrize(("n", "m"), [(8, 8), (30, 30), (125, 125), (8, 24), (40, 15), (4, 4)])
@pytest.mark.parametrize("ddof", [0, 1])
def test_the_default_interval_covers_at_its_level(n, m, true_d, ddof):
    above, below = coverage(n, m, true_d, ddof=ddof)
    assert 0.94 <= 1 - above - below <= 0.96
    assert 0.015 < above < 0.035
    assert 0.015 < below < 0.035


def test_coverage_follows_the_confidence():
    above, below = coverage(12, 12, 0.8, confidence=0.8)
    assert 0.78 < 1 - above - below < 0.82


def test_bca_covers_where_spreads_and_sizes_differ_and_the_default_does_not():
    above, below = coverage(90, 30, 0.5, wider=2.0, count=800)
    assert 1 - above - below < 0.90
    above, below = coverage(90, 30, 0.5, wider=2.0, count=800, interval="bca")
    assert 0.925 < 1 - above - below < 0.975


@pytest.mark.parametrize("df", [2, 6, 14, 58, 248, 2000])
def test_noncentrality_inverts_the_noncentral_t(df):
    t = np.concatenate([[-3, -1, 0, 0.5, 2, 8], 9.5 * np.sqrt([df])])
    for p in (0.005, 0.025, 0.5, 0.975):
        assert stats.nct.sf(t, df, noncentrality(p, t, df)) == pytest.approx(p, abs=1e-7)
        assert noncentrality(p, -t, df) == pytest.approx(-noncentrality(1 - p, t, df), abs=1e-8)


@pytest.mark.parametrize(("df", "within"), [(2, 0.12), (14, 0.01), (200, 0.002)])
def test_noncentrality_far_out_is_nearly_a_share_of_t(df, within):
    """There w alone decides: the limit tends to t times a quantile of sqrt(chi2 / df)."""
    t = np.array([1e3, 1e6]) * np.sqrt(df)
    for p in (0.025, 0.975):
        expected = t * np.sqrt(stats.chi2.ppf(p, df) / df)
        assert noncentrality(p, t, df) == pytest.approx(expected, rel=within)


@pytest.mark.parametrize(("n", "m"), [(4, 4), (8, 24), (30, 7)])
def test_the_default_interval_agrees_with_students_t_about_zero(n, m):
    """At the confidence 1 - p of the two-sided t test one limit is 0: both invert one test."""
    rng = np.random.default_rng((n, m))
    x, y = rng.standard_normal(n) + 0.8, rng.standard_normal(m)
    p = stats.ttest_ind(x, y).pvalue
    low, high = intervals(contrasts(x[None], y[None]), WeatOptions(confidence=float(1 - p)))
    assert low[0] == pytest.approx(0, abs=1e-9)
    assert high[0] > 1e-3
