"""The difference of two independent estimates, from their intervals."""

import math

import numpy as np
import pytest
from scipy import stats

from unskew.errors import InputError
from unskew.measures import independent_difference
from unskew.measures.contrasts import Contrasts
from unskew.measures.intervals import noncentral_t, population_d


def test_symmetric_intervals_give_the_interval_of_a_difference_of_normals():
    found = independent_difference(1.0, (0.4, 1.6), 3.0, (2.2, 3.8))
    assert found.difference == 2.0
    assert (found.ci_low, found.ci_high) == pytest.approx((1.0, 3.0))
    z = 2.0 / (1.0 / stats.norm.ppf(0.975))
    assert found.p_value == pytest.approx(2 * stats.norm.sf(z))


def test_p_is_the_level_at_which_the_interval_ends_at_zero():
    # The limits that pull towards 0 lie 3 and 4 away: together 5, as far as the estimates.
    found = independent_difference(0.0, (-9.0, 3.0), 5.0, (1.0, 5.5), confidence=0.9)
    assert found.ci_low == pytest.approx(0.0)
    assert found.p_value == pytest.approx(0.1)
    turned = independent_difference(5.0, (1.0, 5.5), 0.0, (-9.0, 3.0), confidence=0.9)
    assert (turned.ci_low, turned.ci_high) == pytest.approx((-found.ci_high, -found.ci_low))
    assert turned.p_value == pytest.approx(found.p_value)


def test_undefined_stays_undefined():
    found = independent_difference(math.nan, (math.nan, math.nan), 1.0, (0.0, 2.0))
    assert math.isnan(found.difference)
    assert math.isnan(found.p_value)


def test_bad_input():
    with pytest.raises(InputError, match="outside its interval"):
        independent_difference(1.0, (2.0, 3.0), 1.0, (0.0, 2.0))
    with pytest.raises(InputError, match="confidence"):
        independent_difference(1.0, (0.0, 3.0), 1.0, (0.0, 2.0), confidence=95)


@pytest.mark.parametrize(("delta", "sizes"), [((0.0, 0.0), (15, 15)), ((1.5, -0.5), (10, 40))])
def test_interval_of_the_difference_of_effect_sizes_covers(delta, sizes):
    rng = np.random.default_rng(0)
    runs, covered = 1500, 0
    truth = [float(population_d(np.array(d), n, n)) for d, n in zip(delta, sizes, strict=True)]
    estimates = []
    for d, n in zip(delta, sizes, strict=True):
        rows = np.arange(runs)
        sample = Contrasts(rng.normal(d, 1, (runs, n)), rng.normal(0, 1, (runs, n)), rows, rows)
        value = sample.effect_size(0)
        low, high = noncentral_t(sample, 0.95)
        estimates.append((value, np.minimum(low, value), np.maximum(high, value)))
    (v1, l1, h1), (v2, l2, h2) = estimates
    for k in range(runs):
        found = independent_difference(v1[k], (l1[k], h1[k]), v2[k], (l2[k], h2[k]))
        covered += found.ci_low <= truth[1] - truth[0] <= found.ci_high
    assert 0.93 <= covered / runs <= 0.975
