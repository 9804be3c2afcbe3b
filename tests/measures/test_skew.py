"""The ranking measures against hand-worked cases, a plain reference, and enumeration of chance."""

import math
import time
from collections import Counter
from itertools import permutations

import numpy as np
import pytest
from scipy import stats

from unskew.errors import InputError
from unskew.measures import chance
from unskew.measures.skew import (
    _interval,
    bias_at_k,
    max_skew,
    min_skew,
    ndkl,
    representation_skew,
    skew_at_k,
)

LN2 = math.log(2)


def reference(scores, groups, k, q, pair=None):
    """(skew by group, NDKL, Bias@K) of one ranking, item by item."""
    order = sorted(range(len(scores)), key=lambda i: (-scores[i], i))[:k]
    shown = [groups[i] for i in order]
    counts = Counter(shown)
    skew = {a: math.log((counts[a] or 1) / k / q[a]) for a in q}
    total = weight = 0.0
    for i in range(1, k + 1):
        first = Counter(shown[:i])
        kl = sum(c / i * math.log(c / i / q[a]) for a, c in first.items())
        total += kl / math.log2(i + 1)
        weight += 1 / math.log2(i + 1)
    bias = math.nan
    if pair:
        a, b = (counts[name] for name in pair)
        bias = (a - b) / (a + b) if a + b else 0.0
    return skew, total / weight, bias


def by_descent(n):
    """Scores that rank the items in input order."""
    return np.arange(n, 0, -1.0)


def random_case(seed, groups="aaabbbbcc", prompts=4):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 6, (prompts, len(groups))).astype(float), list(groups)  # many ties


class TestValues:
    def test_by_hand(self):
        scores, groups = by_descent(8), list("aaabbbbb")
        assert skew_at_k(scores, groups, 4)["a"] == pytest.approx(math.log(1.5))
        assert skew_at_k(scores, groups, 4)["b"] == pytest.approx(-LN2)
        assert max_skew(scores, groups, 4) == pytest.approx(math.log(1.5))
        assert min_skew(scores, groups, 4) == pytest.approx(-LN2)
        assert bias_at_k(scores, groups, 4) == pytest.approx(0.5)
        # the prefixes a, aa, aaa have KL ln 2 each; aaab has 3/4 ln 3/2 + 1/4 ln 1/2
        weights = [1 / math.log2(i + 1) for i in (1, 2, 3, 4)]
        last = 0.75 * math.log(1.5) + 0.25 * math.log(0.5)
        expected = (sum(weights[:3]) * LN2 + weights[3] * last) / sum(weights)
        assert ndkl(scores, groups, 4) == pytest.approx(expected)

    def test_the_target_is_an_argument(self):
        scores, groups = by_descent(8), list("aaabbbbb")
        assert skew_at_k(scores, groups, 4, "pool")["a"] == pytest.approx(LN2)
        for given in ({"b": 0.75, "a": 0.25}, [0.25, 0.75]):
            assert skew_at_k(scores, groups, 4, given)["a"] == pytest.approx(math.log(3))
        assert skew_at_k(scores, [0, 0, 0, 1, 1, 1, 1, 1], 4, {0: 0.25, 1: 0.75})[
            "0"
        ] == pytest.approx(math.log(3))

    @pytest.mark.parametrize("k", [1, 2, 5, 9])
    @pytest.mark.parametrize("seed", range(5))
    def test_equal_a_plain_reference_with_ties(self, seed, k):
        scores, groups = random_case(seed)
        q = {"a": 0.2, "b": 0.3, "c": 0.5}
        skew = skew_at_k(scores, groups, k, q)
        for p, row in enumerate(scores):
            expected_skew, expected_ndkl, bias = reference(row, groups, k, q, ("c", "a"))
            assert {a: v[p] for a, v in skew.items()} == pytest.approx(expected_skew, abs=1e-12)
            assert ndkl(scores, groups, k, q)[p] == pytest.approx(expected_ndkl, abs=1e-12)
            assert bias_at_k(scores, groups, k, ("c", "a"))[p] == pytest.approx(bias)

    def test_shapes_follow_the_scores(self):
        scores, groups = random_case(0)
        for measure in (max_skew, min_skew, ndkl):
            assert measure(scores, groups, 3).shape == (4,)
            one = measure(scores[1], groups, 3)
            assert one == pytest.approx(measure(scores, groups, 3)[1], abs=1e-12)

    def test_an_absent_group_counts_as_shown_once(self):
        scores, groups = by_descent(10), list("aaaaabbbbb")
        skew = skew_at_k(scores, groups, 5)
        assert skew["b"] == pytest.approx(math.log((1 / 5) / 0.5))
        assert skew["a"] == pytest.approx(LN2)

    def test_max_skew_needs_no_floor_at_zero(self):
        for seed in range(50):
            rng = np.random.default_rng(seed)
            scores, groups = random_case(seed)
            q = rng.dirichlet([0.3, 0.3, 0.3]) * 0.97 + 0.01
            assert (max_skew(scores, groups, 4, q) >= 0).all()

    def test_a_rare_absent_group_can_have_the_highest_skew_and_a_note_says_so(self):
        scores, groups = by_descent(100), ["a"] * 95 + ["b"] * 5
        assert skew_at_k(scores, groups, 10, "pool")["b"] == pytest.approx(LN2)
        assert max_skew(scores, groups, 10, "pool") == pytest.approx(LN2)
        assert min_skew(scores, groups, 10, "pool") > 0
        noted = representation_skew(scores, groups, 10, "pool").notes
        assert any("a group that is absent" in note for note in noted)
        at_the_bound = representation_skew(scores, groups, 20, "pool").notes
        assert not any("a group that is absent" in note for note in at_the_bound)

    def test_bias_is_zero_where_neither_of_the_pair_is_shown(self):
        scores, groups = by_descent(6), list("ccaabb")
        assert bias_at_k(scores, groups, 2, ("a", "b")) == 0
        assert bias_at_k(scores, groups, 4, ("a", "b")) == 1
        assert bias_at_k(scores, groups, 4, ("b", "a")) == -1


class TestTies:
    def test_exactly_k_items_count_in_input_order(self):
        """Where nlargest(keep="all") would let all eight in and divide by three."""
        assert skew_at_k(np.zeros(8), list("aabbbbbb"), 3)["a"] == pytest.approx(
            math.log(2 / 3 / 0.5)
        )

    def test_ties_at_the_boundary_are_counted(self):
        scores = np.array([[3.0, 2, 2, 1], [4, 3, 2, 1], [2, 2, 1, 0]])
        result = representation_skew(scores, list("abab"), 2)
        assert result.ties_at_k == 1
        assert any("input order" in note for note in result.notes)
        assert representation_skew(scores[1:], list("abab"), 2).ties_at_k == 0

    def test_the_ranking_is_that_of_a_stable_sort(self):
        rng = np.random.default_rng(0)
        scores = rng.integers(0, 30, (50, 200)).astype(np.float32)
        codes = rng.integers(0, 3, 200)
        order = np.argsort(-scores, axis=1, kind="stable")[:, :40]
        expected = np.stack([(codes[order] == a).mean(axis=1) for a in range(3)]) * 3
        found = np.stack(list(skew_at_k(scores, codes, 40).values()))
        np.testing.assert_allclose(found, np.log(expected), atol=1e-12)


class TestChance:
    """The chance row against the average over every ordering of a small pool."""

    @pytest.mark.parametrize(
        ("groups", "k", "q"),
        [("aaabb", 3, [0.5, 0.5]), ("aaaab", 2, [0.8, 0.2]), ("aaabbcc", 4, [0.2, 0.3, 0.5])],
    )
    def test_equals_the_average_over_all_orderings(self, groups, k, q):
        names = sorted(set(groups))
        target = dict(zip(names, q, strict=True))
        orderings = np.array(list(permutations(range(len(groups)))))
        scores = np.argsort(-orderings, axis=1).astype(float)
        result = representation_skew(scores[0], groups, k, target, pair=("a", "b"))
        everything = skew_at_k(scores, groups, k, target)
        for name in names:
            assert result.chance_skew[name] == pytest.approx(everything[name].mean(), abs=1e-12)
        assert result.chance_ndkl == pytest.approx(
            ndkl(scores, groups, k, target).mean(), abs=1e-12
        )
        assert result.chance_bias_at_k == pytest.approx(
            bias_at_k(scores, groups, k, ("a", "b")).mean(), abs=1e-12
        )
        for name, value in (
            ("max_skew", max_skew(scores, groups, k, target).mean()),
            ("min_skew", min_skew(scores, groups, k, target).mean()),
        ):
            error = getattr(result, f"chance_{name}_se")
            assert (error == 0) == (len(names) == 2)
            assert abs(getattr(result, f"chance_{name}") - value) <= 4.5 * error + 1e-12

    @pytest.mark.parametrize("n_groups", [2, 7])
    def test_equals_simulated_rankings_at_the_papers_size(self, n_groups):
        rng = np.random.default_rng(1)
        groups = rng.integers(0, n_groups, 5_000)
        scores = rng.random((400, 5_000), dtype=np.float32)
        r = representation_skew(scores, groups, 500, permutations=10)
        for name, drawn in (
            ("max_skew", max_skew(scores, groups, 500)),
            ("min_skew", min_skew(scores, groups, 500)),
            ("ndkl", ndkl(scores, groups, 500)),
            ("skew", skew_at_k(scores, groups, 500)["1"]),
        ):
            expected = r.chance_skew["1"] if name == "skew" else getattr(r, f"chance_{name}")
            assert abs(drawn.mean() - expected) < 4.5 * stats.sem(drawn)

    def test_cutting_the_tails_of_the_law_loses_nothing(self):
        """Only counts within sqrt(20 i) of the mean are summed; here against all of them."""
        groups = np.repeat(["a", "b"], [600, 200])
        r = representation_skew(by_descent(800), groups, 800, permutations=1)
        weights = 1 / np.log2(np.arange(1, 801) + 1)
        expected = 0.0
        for i, weight in enumerate(weights / weights.sum(), start=1):
            counts = np.arange(max(0, i - 200), min(i, 600) + 1)
            shares = np.stack([counts, i - counts]) / i
            logs = np.log(np.where(shares > 0, shares, 1) / 0.5)
            law = stats.hypergeom.pmf(counts, 800, 600, i)
            expected += weight * (law * (shares * logs).sum(axis=0)).sum()
        assert r.chance_ndkl == pytest.approx(expected, rel=1e-10)

    def test_the_seed_fixes_what_is_drawn(self):
        scores, groups = random_case(3)
        first, again, other = (
            representation_skew(scores, groups, 4, seed=seed) for seed in (1, 1, 2)
        )
        assert (first.chance_max_skew, first.p_value) == (again.chance_max_skew, again.p_value)
        assert first.chance_max_skew != other.chance_max_skew


class TestWholePool:
    def test_k_equal_to_n_is_constant_and_noted(self):
        """The trap of ranking the whole set: every model then has the same MaxSkew."""
        rng = np.random.default_rng(0)
        groups = list("aaaaaabb")
        first, second = (
            representation_skew(rng.random((3, 8)), groups, 8, permutations=50) for _ in range(2)
        )
        assert first.max_skew == second.max_skew == pytest.approx(math.log(1.5))
        assert first.chance_max_skew == pytest.approx(first.max_skew)
        assert first.bias_at_k == first.chance_bias_at_k == 0.5
        assert first.p_value == 1
        assert any("whole pool" in note for note in first.notes)

    def test_pool_target_at_the_whole_pool_is_zero(self):
        r = representation_skew(by_descent(8), list("aabbbbcc"), 8, "pool")
        assert r.max_skew == pytest.approx(0, abs=1e-12)
        assert r.min_skew == pytest.approx(0, abs=1e-12)


class TestPValueAndInterval:
    def test_a_segregated_ranking_has_the_smallest_p(self):
        groups = ["a"] * 100 + ["b"] * 100
        r = representation_skew(by_descent(200), groups, 50, permutations=199)
        assert r.p_value == 1 / 200

    def test_the_p_value_is_uniform_under_random_labels(self, monkeypatch):
        """Prompts that all agree would break a test that shuffles each prompt by itself."""
        monkeypatch.setattr(chance, "DRAWS", 100)  # chance values are not looked at here
        rng = np.random.default_rng(0)
        common = rng.normal(size=300)
        values = []
        for seed in range(300):
            scores = common + 0.05 * rng.normal(size=(5, 300))
            groups = rng.permutation(np.repeat(["a", "b", "c"], 100))
            values.append(representation_skew(scores, groups, 60, permutations=99, seed=seed))
        assert stats.kstest([r.p_value for r in values], "uniform").pvalue > 0.01

    def test_the_exact_p_of_one_ranking(self):
        """First two of six from "a": P = 3/15 for aa, and bb has the same MaxSkew."""
        r = representation_skew(by_descent(6), list("aaabbb"), 2, permutations=20_000)
        assert r.p_value == pytest.approx(6 / 15, abs=0.015)

    def test_the_interval_is_students_t_over_prompts(self):
        scores, groups = np.random.default_rng(0).random((12, 40)), list("ab" * 20)
        r = representation_skew(scores, groups, 10, confidence=0.9)
        for name, values in (
            ("max_skew", max_skew(scores, groups, 10)),
            ("min_skew", min_skew(scores, groups, 10)),
            ("ndkl", ndkl(scores, groups, 10)),
            ("bias_at_k", bias_at_k(scores, groups, 10)),
        ):
            low, high = stats.t.interval(0.9, 11, values.mean(), stats.sem(values))
            assert getattr(r, name) == pytest.approx(values.mean())
            assert getattr(r, f"{name}_ci_low") == pytest.approx(low)
            assert getattr(r, f"{name}_ci_high") == pytest.approx(high)

    def test_the_interval_covers_the_mean_over_all_prompts(self):
        rng = np.random.default_rng(0)
        groups = np.repeat(["a", "b"], 50)
        prompts = rng.normal(size=(3_000, 100)) + 0.5 * np.repeat([1, 0], 50)
        truth = max_skew(prompts, groups, 20).mean()
        covered = []
        for _ in range(400):
            scores = prompts[rng.integers(0, 3_000, 30)]
            r = representation_skew(scores, groups, 20, permutations=1)
            covered.append(r.max_skew_ci_low <= truth <= r.max_skew_ci_high)
        assert 0.92 <= np.mean(covered) <= 0.98

    def test_few_skewed_prompts_are_covered_better_than_by_the_percentile_bootstrap(self):
        rng = np.random.default_rng(0)
        t, bootstrap = [], []
        for values in rng.gamma(2, size=(1_000, 10)):
            low, high = _interval(values, 0.95)
            t.append(low <= 2 <= high)
            means = rng.multinomial(10, np.full(10, 0.1), size=500) @ values / 10
            low, high = np.quantile(means, [0.025, 0.975])
            bootstrap.append(low <= 2 <= high)
        assert 0.90 < np.mean(t) < 0.96
        assert np.mean(bootstrap) < np.mean(t) - 0.03

    def test_the_interval_stays_where_the_measure_can_be(self):
        scores = np.array([[6.0, 5, 4, 3, 2, 1], [1, 2, 3, 4, 5, 6]])
        r = representation_skew(scores, list("aaabab"), 3)
        assert r.max_skew_ci_low == r.ndkl_ci_low == 0
        assert (r.bias_at_k_ci_low, r.bias_at_k_ci_high) == (-1, 1)

    def test_one_prompt_has_no_interval_and_says_why(self):
        r = representation_skew(by_descent(8), list("abababab"), 3)
        assert math.isnan(r.max_skew_ci_low)
        assert math.isnan(r.ndkl_ci_high)
        assert any("no interval" in note for note in r.notes)

    def test_more_than_two_groups_have_no_bias_without_a_pair(self):
        scores, groups = random_case(0)
        r = representation_skew(scores, groups, 3)
        assert math.isnan(r.bias_at_k)
        assert math.isnan(r.chance_bias_at_k)
        assert math.isnan(r.bias_at_k_ci_low)
        assert math.isnan(r.bias_at_k_ci_high)
        assert any("Bias@K is undefined" in note for note in r.notes)
        with pytest.raises(InputError, match="name two of a, b, c"):
            bias_at_k(scores, groups, 3)


def test_a_scale_of_the_embeddings_that_does_not_reorder_changes_nothing():
    """Normalising the prompts rescales a row of scores; normalising the images does reorder."""
    rng = np.random.default_rng(0)
    scores, groups = rng.random((3, 30)), list("abc" * 10)
    assert (ndkl(scores, groups, 7) == ndkl(scores * 4, groups, 7)).all()


def test_torch_tensors_are_taken():
    torch = pytest.importorskip("torch")
    scores = torch.tensor([[3.0, 2, 1, 0]], dtype=torch.bfloat16, requires_grad=True)
    groups = torch.tensor([0, 0, 1, 1])
    assert skew_at_k(scores, groups, 2)["0"] == pytest.approx([LN2])


def test_the_papers_size_is_quick():
    """319 prompts, 10,000 images, k = 1,000. The bound is generous for a busy machine."""
    rng = np.random.default_rng(0)
    scores = rng.random((319, 10_000), dtype=np.float32)
    groups = rng.integers(0, 7, 10_000)
    start = time.perf_counter()
    max_skew(scores, groups, 1_000)
    ndkl(scores, groups, 1_000)
    assert time.perf_counter() - start < 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"k": 5}, "k must be a whole number from 1 to the number of items 4, got 5"),
        ({"k": 0}, "from 1 to the number of items 4, got 0"),
        ({"k": 2.0}, "whole number"),
        ({"k": True}, "whole number"),
        ({"scores": [[1, 2, 3, 4], [1, math.nan, 3, 4]]}, "score of prompt 1, item 1 is nan"),
        ({"scores": [1, 2, math.inf, 4]}, "score of prompt 0, item 2 is inf"),
        ({"scores": []}, "at least one item"),
        ({"scores": np.zeros((1, 2, 4))}, "shape"),
        ({"scores": [[1, 2, 3, 4], [1, 2]]}, "scores is not an array of numbers"),
        ({"scores": list("wxyz")}, "scores is not an array of numbers"),
        ({"groups": list("aab")}, "4 items have scores but 3 have a group"),
        ({"groups": list("aaaa")}, "every item is of the group a"),
        ({"groups": ["a", None, "b", "b"]}, "item 1 has no group"),
        ({"groups": ["a", "a", math.nan, "b"]}, "item 2 has no group"),
        ({"groups": np.array([["a"], ["a"], ["b"], ["b"]])}, "item 0 has no group"),
        ({"target": "dem_par"}, 'must be "uniform", "pool" or probabilities'),
        ({"target": {"a": 1.0, "b": 0.0}}, "the group b probability 0"),
        ({"target": {"a": 0.5, "c": 0.5}}, "only one of them has b, c"),
        ({"target": [0.5, 0.4]}, "sum to 0.9"),
        ({"target": [math.nan, 0.5]}, "the group a probability nan"),
        ({"target": [0.2, 0.3, 0.5]}, "one probability for each of a, b"),
        ({"target": ["x", "y"]}, "target must be numbers"),
        ({"pair": ("a", "c")}, "pair must be two of the groups a, b"),
        ({"pair": ("a", "a")}, "pair must be two of the groups"),
        ({"permutations": 0}, "permutations must be a whole number of at least 1"),
        ({"confidence": 1.0}, "confidence must be a number between 0 and 1, got 1.0"),
        ({"confidence": None}, "between 0 and 1, got None"),
    ],
)
def test_bad_input_is_named_in_one_line(change, message):
    arguments = {"scores": [4.0, 3, 2, 1], "groups": list("aabb"), "k": 2, **change}
    with pytest.raises(InputError, match=message) as caught:
        representation_skew(**arguments)
    assert "\n" not in str(caught.value)


def test_clusters_widen_the_interval_and_move_nothing_else():
    rng = np.random.default_rng(3)
    concepts = np.repeat(np.arange(29), 11)
    shared = rng.normal(size=(29, 200))[concepts]  # prompts of a concept rank almost alike
    scores = shared + 0.1 * rng.normal(size=shared.shape)
    groups = ["a", "b"] * 100
    alone = representation_skew(scores, groups, 20, permutations=10)
    together = representation_skew(scores, groups, 20, permutations=10, clusters=concepts)
    assert together.max_skew == alone.max_skew
    assert together.p_value == alone.p_value
    width = alone.max_skew_ci_high - alone.max_skew_ci_low
    assert together.max_skew_ci_high - together.max_skew_ci_low > 2 * width


def test_clusters_of_another_number():
    with pytest.raises(InputError, match="there are 2 prompts but 1 clusters"):
        representation_skew(np.eye(2, 4), ["a", "b"] * 2, 2, clusters=["only"])
