"""Means of clustered values: against formulas by hand, and by simulation."""

import math

import numpy as np
import pytest
from scipy import stats

from unskew.errors import InputError
from unskew.measures import clustered_difference, clustered_mean


def test_one_value_per_cluster_is_students_t():
    values = np.random.default_rng(0).normal(0.5, 1, 12)
    found = clustered_mean(values, np.arange(12), 0.9)
    expected = stats.ttest_1samp(values, 0)
    assert found.p_value == pytest.approx(expected.pvalue)
    assert (found.ci_low, found.ci_high) == pytest.approx(
        tuple(expected.confidence_interval(confidence_level=0.9))
    )


def test_difference_of_separate_clusters_is_welchs():
    rng = np.random.default_rng(1)
    first, second = rng.normal(0, 1, 8), rng.normal(1, 3, 20)
    found = clustered_difference(first, np.arange(8), second, 100 + np.arange(20))
    expected = stats.ttest_ind(second, first, equal_var=False)
    assert found.mean == pytest.approx(second.mean() - first.mean())
    assert found.p_value == pytest.approx(expected.pvalue)
    assert (found.ci_low, found.ci_high) == pytest.approx(tuple(expected.confidence_interval()))


def test_repeating_a_value_within_its_cluster_adds_no_certainty():
    values = np.random.default_rng(2).normal(0, 1, 10)
    once = clustered_mean(values, np.arange(10))
    often = clustered_mean(np.repeat(values, 7), np.repeat(np.arange(10), 7))
    assert often.ci_high == pytest.approx(once.ci_high)


def test_what_shared_clusters_have_in_common_drops_out_of_a_difference():
    shared = np.random.default_rng(3).normal(0, 5, 10)
    found = clustered_difference(shared, np.arange(10), shared + 1, np.arange(10))
    assert (found.ci_low, found.ci_high) == pytest.approx((1, 1))


def test_bad_input():
    with pytest.raises(InputError, match="at least two"):
        clustered_mean([1.0, 2.0], [0, 0])
    with pytest.raises(InputError, match="confidence"):
        clustered_mean([1.0, 2.0], [0, 1], 95)
    assert clustered_mean([0.0, 0.0], [0, 1]).p_value == 1
    assert clustered_mean([2.0, 2.0], [0, 1]).p_value == 0
    assert not math.isnan(clustered_difference([1, 1], [0, 1], [1, 1], [0, 1]).p_value)


@pytest.mark.parametrize(("images", "lowest"), [((4, 4), 0.92), ((5, 40), 0.9), ((30, 60), 0.935)])
def test_intervals_cover_with_captions_that_depend_on_each_other(images, lowest):
    """1 to 5 captions an image, a share of every change common to the image's."""
    rng = np.random.default_rng(4)
    runs, one, two = 2000, 0, 0
    for _ in range(runs):
        samples = []
        for mean, n in zip((0.3, -0.2), images, strict=True):
            cluster = np.repeat(np.arange(n), rng.integers(1, 6, n))
            values = mean + rng.normal(0, 1, n)[cluster] + rng.normal(0, 0.7, len(cluster))
            samples.append((values, cluster))
        found = clustered_mean(*samples[0])
        one += found.ci_low <= 0.3 <= found.ci_high
        moved = samples[1][0], samples[1][1] + images[0]
        between = clustered_difference(*samples[0], *moved)
        two += between.ci_low <= -0.5 <= between.ci_high
    assert lowest <= one / runs <= 0.975
    assert lowest <= two / runs <= 0.985
