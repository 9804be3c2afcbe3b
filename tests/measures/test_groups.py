"""Group measures by hand, by fairlearn, at the edges, and on bad input."""

import math
import time

import numpy as np
import pandas as pd
import pytest
import torch
from fairlearn import metrics as fairlearn
from scipy import stats

from unskew.errors import InputError
from unskew.measures.group_comparison import compare_group_fairness
from unskew.measures.groups import group_fairness


def examples(n, classes=2, attributes=2, seed=0, wrong=0.25):
    """Predictions that do worse the higher the attribute."""
    rng = np.random.default_rng(seed)
    target, attribute = rng.integers(0, classes, n), rng.integers(0, attributes, n)
    off = rng.random(n) < wrong * (1 + attribute) / attributes
    return np.where(off, rng.integers(0, classes, n), target), target, attribute


class TestValues:
    def test_by_hand(self):
        found = group_fairness(
            predictions=["a", "a", "b", "b", "b", "b", "a", "b"],
            targets=["a", "a", "a", "a", "b", "b", "b", "b"],
            attributes=["x", "x", "x", "y", "x", "y", "y", "y"],
        )
        cells = {(g.target, g.attribute): (g.n, g.accuracy) for g in found.per_group}
        assert cells == {
            ("a", "x"): (3, 2 / 3),
            ("a", "y"): (1, 0.0),
            ("b", "x"): (1, 1.0),
            ("b", "y"): (3, 2 / 3),
        }
        assert found.accuracy == 5 / 8
        assert found.unbiased_accuracy == pytest.approx((2 / 3 + 0 + 1 + 2 / 3) / 4)
        assert (found.worst_group, found.worst_group_accuracy) == ("a, y", 0.0)
        assert found.group_std == pytest.approx(np.std([2 / 3, 0, 1, 2 / 3]))
        assert found.equalized_odds_difference == pytest.approx(2 / 3)  # 2/3 of a, x against 0
        assert found.demographic_parity_difference == pytest.approx(0.75 - 0.5)
        assert (found.empty, found.n) == ((), 8)

    def test_agrees_with_fairlearn(self):
        predictions, targets, attributes = examples(3_000, attributes=3)
        found = group_fairness(predictions, targets, attributes)
        frame = fairlearn.MetricFrame(
            metrics=lambda t, p: np.mean(t == p),
            y_true=targets,
            y_pred=predictions,
            sensitive_features={"target": targets, "attribute": attributes},
        )
        assert found.unbiased_accuracy == pytest.approx(frame.by_group.mean(), abs=1e-12)
        assert found.worst_group_accuracy == frame.group_min()
        assert found.group_std == pytest.approx(frame.by_group.std(ddof=0), abs=1e-12)
        given = (targets, predictions)
        odds = fairlearn.equalized_odds_difference(*given, sensitive_features=attributes)
        parity = fairlearn.demographic_parity_difference(*given, sensitive_features=attributes)
        assert found.equalized_odds_difference == pytest.approx(odds, abs=1e-12)
        assert found.demographic_parity_difference == pytest.approx(parity, abs=1e-12)

    def test_more_classes_are_the_worst_one_against_the_rest(self):
        predictions, targets, attributes = examples(2_000, classes=4, attributes=3)
        found = group_fairness(predictions, targets, attributes)
        for name in ("equalized_odds_difference", "demographic_parity_difference"):
            each = [
                getattr(fairlearn, name)(
                    targets == c, predictions == c, sensitive_features=attributes
                )
                for c in range(4)
            ]
            assert getattr(found, name) == pytest.approx(max(each), abs=1e-12)

    def test_a_class_that_is_only_predicted_counts_as_wrong_and_is_named(self):
        found = group_fairness(["a", "unsure", "b", "b"], ["a", "a", "b", "b"], ["x", "y"] * 2)
        assert found.accuracy == 0.75
        assert found.classes == ("a", "b", "unsure")
        assert {g.target for g in found.per_group} == {"a", "b"}
        assert "predicted but no example's target: unsure" in found.notes
        assert found.equalized_odds_difference == 1.0

    def test_a_constant_prediction_has_no_gap(self):
        _, targets, attributes = examples(400)
        found = group_fairness(np.zeros(400, int), targets, attributes)
        assert found.equalized_odds_difference == found.demographic_parity_difference == 0
        assert found.equalized_odds_difference_ci_low == 0
        assert (found.unbiased_accuracy, found.group_std) == (0.5, 0.5)

    def test_numbers_sort_as_numbers(self):
        found = group_fairness([2, 10], [2, 10], [1, 2])
        assert found.classes == ("2", "10")

    @pytest.mark.parametrize(
        "convert", [list, torch.tensor, pd.Series, lambda codes: codes.astype(np.uint8)]
    )
    def test_every_form_of_labels(self, convert):
        given = examples(300)
        assert group_fairness(*map(convert, given)) == group_fairness(*given)


class TestEmptyGroups:
    def test_are_named_and_left_out(self):
        found = group_fairness([0, 0, 1, 0], [0, 0, 1, 1], [0, 1, 0, 0])
        assert found.empty == ("1, 1",)
        assert found.unbiased_accuracy == pytest.approx((1 + 1 + 0.5) / 3)
        assert found.worst_group_accuracy == 0.5
        empty = found.per_group[3]
        assert (empty.target, empty.attribute, empty.n) == ("1", "1", 0)
        assert all(map(math.isnan, (empty.accuracy, empty.ci_low, empty.ci_high)))
        assert found.notes[0].startswith("no examples of the group 1, 1: unbiased accuracy")

    def test_leave_equalised_odds_undefined_with_a_reason(self):
        found = group_fairness([0, 0, 1, 0], [0, 0, 1, 1], [0, 1, 0, 0])
        assert math.isnan(found.equalized_odds_difference)
        assert math.isnan(found.equalized_odds_difference_ci_high)
        assert any(note.startswith("equalised odds is undefined") for note in found.notes)
        assert found.demographic_parity_difference == pytest.approx(1 / 3)


class TestIntervals:
    def test_of_a_group_are_exact(self):
        found = group_fairness(*examples(200))
        for group in found.per_group:
            right = round(group.accuracy * group.n)
            exact = stats.binomtest(right, group.n).proportion_ci(method="exact")
            assert (group.ci_low, group.ci_high) == pytest.approx(tuple(exact), abs=1e-9)

    def test_hold_the_values_and_shrink_with_the_examples(self):
        names = ("accuracy", "unbiased_accuracy", "worst_group_accuracy", "group_std")
        names += ("equalized_odds_difference", "demographic_parity_difference")
        small, large = (group_fairness(*examples(n, wrong=0.6)) for n in (200, 20_000))
        for name in names:
            widths = []
            for found in (small, large):
                low, high = (getattr(found, f"{name}_ci_{end}") for end in ("low", "high"))
                assert 0 <= low <= getattr(found, name) <= high <= 1
                widths.append(high - low)
            assert widths[1] < widths[0] / 5, name

    def test_are_those_of_resampled_examples(self):
        """The bootstrap draws counts; drawing examples within each group is the same law."""
        predictions, targets, attributes = examples(4_000)
        found = group_fairness(predictions, targets, attributes, resamples=4_000)
        rng = np.random.default_rng(1)
        cell = 2 * targets + attributes
        right = [(predictions == targets)[cell == g] for g in range(4)]
        means = [np.mean([rng.choice(r, len(r)).mean() for r in right]) for _ in range(1_000)]
        low, high = np.quantile(means, [0.025, 0.975])
        width = high - low
        assert found.unbiased_accuracy_ci_low == pytest.approx(low, abs=0.1 * width)
        assert found.unbiased_accuracy_ci_high == pytest.approx(high, abs=0.1 * width)

    def test_follow_the_seed(self):
        given = examples(300)
        assert group_fairness(*given, seed=3) == group_fairness(*given, seed=3)
        assert group_fairness(*given, seed=3) != group_fairness(*given, seed=4)

    def test_cost_does_not_go_with_the_examples(self):
        given = examples(200_000)
        group_fairness(*given, resamples=100)  # imports fairlearn
        start = time.perf_counter()
        group_fairness(*given, resamples=2_000)
        assert time.perf_counter() - start < 1.0


class TestBadInput:
    @pytest.mark.parametrize(
        ("given", "message"),
        [
            (([0, 1], [0, 1, 1], [0, 1, 1]), "targets has 3 labels but predictions has 2"),
            (([0, 1], [0, 1], [0, 1, 1]), "targets has 2 labels but attributes has 3"),
            (([0, 1], ["a", "b"], [0, 1]), "targets holds labels such as 'a' but predictions such"),
            (([], [], []), "targets is empty"),
            (([0, 1], [1, 1], [0, 1]), "every example has the target 1"),
            (([0, 1], [0, 1], ["x", "x"]), "every example has the attribute x"),
            (([0, 1], [0, 1], [1, "x"]), "attributes holds numbers such as 1 and strings such as"),
            (([0, 1], [0, None], [0, 1]), "targets, example 1 is None; labels are whole numbers"),
            (([0.2, 0.8], [0, 1], [0, 1]), r"predictions, example 0 is 0\.2; labels are whole"),
            ((np.zeros(2), [0, 1], [0, 1]), "predictions holds float64 values such as 0"),
            ((np.eye(2, dtype=int), [0, 1], [0, 1]), r"predictions has shape \(2, 2\)"),
            (("ab", ["a", "b"], [0, 1]), "predictions is 'ab'; give a list"),
            ((3, [0, 1], [0, 1]), "predictions is 3; give a list"),
        ],
    )
    def test_labels(self, given, message):
        with pytest.raises(InputError, match=message) as caught:
            group_fairness(*given)
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize(
        ("option", "message"),
        [
            ({"confidence": 95}, "confidence is 95; give a number between 0 and 1"),
            ({"resamples": 1}, "resamples is 1; give a whole number of at least 100"),
            ({"seed": -1}, "seed is -1; give a whole number of at least 0"),
        ],
    )
    def test_options(self, option, message):
        with pytest.raises(InputError, match=message):
            group_fairness(*examples(50), **option)


class TestComparison:
    def test_differences_are_those_of_the_two(self):
        predictions, targets, attributes = examples(900, wrong=0.2)
        baseline, *_ = examples(900, wrong=0.5)
        found = compare_group_fairness(predictions, baseline, targets, attributes)
        one, other = (group_fairness(p, targets, attributes) for p in (predictions, baseline))
        for name in ("unbiased_accuracy", "worst_group_accuracy", "group_std"):
            difference = getattr(found, f"{name}_difference")
            assert difference == pytest.approx(getattr(one, name) - getattr(other, name))
            low, high = (getattr(found, f"{name}_difference_ci_{e}") for e in ("low", "high"))
            assert low <= difference <= high
        assert found.unbiased_accuracy_difference_ci_low > 0
        assert (found.n, found.n_groups) == (900, 4)

    def test_swapping_the_two_swaps_the_signs(self):
        predictions, targets, attributes = examples(900, wrong=0.2)
        baseline, *_ = examples(900, wrong=0.5)
        one = compare_group_fairness(predictions, baseline, targets, attributes)
        other = compare_group_fairness(baseline, predictions, targets, attributes)
        for name in ("unbiased_accuracy", "worst_group_accuracy", "group_std"):
            name += "_difference"
            assert getattr(one, name) == -getattr(other, name)
            width = getattr(one, f"{name}_ci_high") - getattr(one, f"{name}_ci_low")
            assert getattr(one, f"{name}_ci_low") == pytest.approx(
                -getattr(other, f"{name}_ci_high"), abs=0.05 * width
            )

    def test_pairing_sharpens(self):
        """Two classifiers that err on nearly the same examples differ by nearly nothing."""
        baseline, targets, attributes = examples(1_000, wrong=0.5)
        predictions = baseline.copy()
        predictions[:10] = targets[:10]
        found = compare_group_fairness(predictions, baseline, targets, attributes)
        alone = group_fairness(baseline, targets, attributes)
        for name in ("unbiased_accuracy", "worst_group_accuracy", "group_std"):
            limits = [getattr(found, f"{name}_difference_ci_{end}") for end in ("low", "high")]
            single = [getattr(alone, f"{name}_ci_{end}") for end in ("low", "high")]
            assert np.ptp(limits) < 0.6 * np.ptp(single), name

    def test_empty_groups_are_named(self):
        found = compare_group_fairness([0, 0, 1], [0, 1, 1], [0, 0, 1], ["x", "y", "x"])
        assert found.empty == ("1, y",)
        assert found.n_groups == 3
        assert found.notes == ("no examples of the group 1, y: it is left out",)

    def test_bad_input_names_which_predictions(self):
        with pytest.raises(InputError, match="targets has 2 labels but baseline has 3"):
            compare_group_fairness([0, 1], [0, 1, 1], [0, 1], [0, 1])
