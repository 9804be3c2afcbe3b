import numpy as np
import pytest

from unskew.measures import chance_effect


@pytest.mark.parametrize(("n", "m", "ddof"), [(4, 4, 1), (8, 8, 0), (10, 30, 1), (125, 125, 1)])
def test_chance_effect_is_the_mean_of_simulated_ones(n, m, ddof):
    rng = np.random.default_rng(0)
    s = rng.normal(3.0, 2.0, (20_000, n + m))
    d = (s[:, :n].mean(axis=1) - s[:, n:].mean(axis=1)) / s.std(axis=1, ddof=ddof)
    standard_error = np.abs(d).std() / np.sqrt(len(d))
    assert abs(np.abs(d).mean() - chance_effect(n, m, ddof)) < 4 * standard_error
