"""The adjusted Rand index: by definition, at sizes where int64 overflows, its interval."""

import itertools
import math
import time

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from unskew.errors import InputError
from unskew.measures.partitions import adjusted_rand_index


def partitions(n, agree=0.8, parts=3, seed=0):
    rng = np.random.default_rng(seed)
    a = rng.integers(0, parts, n)
    return a, np.where(rng.random(n) < agree, a, rng.integers(0, parts, n))


def pair_by_pair(a, b):
    """The index from its definition, over all pairs of examples."""
    pairs = list(itertools.combinations(range(len(a)), 2))
    together = sum(a[i] == a[j] and b[i] == b[j] for i, j in pairs)
    first, second = (sum(x[i] == x[j] for i, j in pairs) for x in (a, b))
    expected = first * second / len(pairs)
    return (together - expected) / ((first + second) / 2 - expected)


class TestValue:
    def test_from_the_definition(self):
        a, b = partitions(40)
        found = adjusted_rand_index(a, b)
        assert found.adjusted_rand_index == pytest.approx(pair_by_pair(a, b), abs=1e-12)
        assert (found.n, found.parts) == (40, (3, 3))

    def test_names_do_not_matter(self):
        found = adjusted_rand_index(["f", "m", "f", "m"], [7, 3, 7, 3])
        assert found.adjusted_rand_index == 1
        assert (found.ci_low, found.ci_high) == (1, 1)
        assert found.notes == (
            "the partitions agree on every example, so resamples show no uncertainty",
        )

    @pytest.mark.parametrize("n", [70_000, 200_000])
    def test_large_sets_do_not_overflow(self, n):
        """Products of pair counts exceed int64 here; other implementations leave [-1, 1]."""
        a, b = partitions(n, parts=2)
        found = adjusted_rand_index(a, b)
        assert found.adjusted_rand_index == pytest.approx(adjusted_rand_score(a, b), abs=1e-12)
        # The share of agreeing pairs, in closed form: (2 * 0.9 - 1)^2 for balanced halves.
        assert found.adjusted_rand_index == pytest.approx(0.64, abs=0.01)
        assert found.ci_low < found.adjusted_rand_index < found.ci_high
        assert found.ci_high - found.ci_low < 0.02

    def test_cost_does_not_go_with_the_examples(self):
        a, b = partitions(200_000)
        start = time.perf_counter()
        adjusted_rand_index(a, b)
        assert time.perf_counter() - start < 1.0

    def test_undefined_is_nan_with_a_reason(self):
        for a, b, parts in [([1, 1, 1], [2, 2, 2], "one part"), ([1, 2], [1, 2], "n parts")]:
            found = adjusted_rand_index(a, b)
            assert all(map(math.isnan, (found.adjusted_rand_index, found.ci_low, found.ci_high)))
            assert found.notes[0].startswith(f"undefined: both partitions are {parts}")

    def test_one_part_against_more_is_zero_and_says_so(self):
        found = adjusted_rand_index([1, 1, 1, 1], [1, 2, 1, 2])
        assert (found.adjusted_rand_index, found.ci_low, found.ci_high) == (0, 0, 0)
        assert found.notes[0].startswith("one of the partitions is a single part")

    @pytest.mark.parametrize(
        ("a", "b", "message"),
        [
            ([1, 2], [1, 2, 3], "a has 2 labels but b has 3"),
            ([], [], "a is empty"),
            ([1], [1], "there is one example"),
            ([0.5, 1], [1, 2], r"a, example 0 is 0\.5; labels are whole numbers or strings"),
        ],
    )
    def test_bad_input(self, a, b, message):
        with pytest.raises(InputError, match=message):
            adjusted_rand_index(a, b)


class TestInterval:
    def test_is_that_of_resampled_examples(self):
        """Drawing cells is the same law as drawing examples, but for the correction."""
        a, b = partitions(2_000)
        found = adjusted_rand_index(a, b)
        rng = np.random.default_rng(1)
        picks = rng.integers(0, 2_000, (400, 2_000))
        drawn = [adjusted_rand_score(a[pick], b[pick]) for pick in picks]
        low, high = np.quantile(drawn, [0.025, 0.975])
        assert found.ci_low == pytest.approx(low, abs=0.15 * (high - low))
        assert found.ci_high == pytest.approx(high, abs=0.15 * (high - low))

    @pytest.mark.parametrize(("n", "parts"), [(100, 2), (100, 10), (1_000, 4)])
    def test_covers_the_index_of_the_population(self, n, parts):
        truth = adjusted_rand_index(*partitions(400_000, parts=parts, seed=99), resamples=100)
        held = 0
        for seed in range(300):
            found = adjusted_rand_index(*partitions(n, parts=parts, seed=seed), resamples=300)
            held += found.ci_low <= truth.adjusted_rand_index <= found.ci_high
        assert held / 300 > 0.90
