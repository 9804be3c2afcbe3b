"""Bias statistics against NumPy and SciPy by hand."""

import math

import numpy as np
import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features
from scipy import stats

from unskew.corpora import bias_statistics, utkface
from unskew.errors import InputError


def split(counts: list[list[int]]) -> Dataset:
    """A split with these group counts; the diagonal is aligned."""
    pairs = [(t, a) for t, row in enumerate(counts) for a, n in enumerate(row) for _ in range(n)]
    features = Features(
        target=ClassLabel(num_classes=len(counts)),
        attribute=ClassLabel(num_classes=len(counts[0])),
        alignment=ClassLabel(names=["aligned", "conflicting"]),
    )
    columns = {
        "target": [t for t, _ in pairs],
        "attribute": [a for _, a in pairs],
        "alignment": [int(t != a) for t, a in pairs],
    }
    return Dataset.from_dict(columns, features)


def test_two_classes_give_the_pearson_correlation_and_its_p_value():
    data = split([[40, 25], [20, 35]])
    found = bias_statistics(data)
    pearson = stats.pearsonr(data["target"][:], data["attribute"][:])
    assert found.correlation == pytest.approx(abs(pearson.statistic), abs=1e-12)
    assert found.p_value == pytest.approx(stats.chi2.sf(120 * pearson.statistic**2, 1), rel=1e-9)
    assert found.p_value == pytest.approx(pearson.pvalue, rel=0.1)
    assert found.representation_std == pytest.approx(np.std([0.5, 0.5]))
    assert found.conflicting_share == pytest.approx(45 / 120)
    assert found.counts == ((40, 25), (20, 35))
    assert found.n == 120
    assert found.notes == ()


def test_more_classes_give_the_mean_over_pairs_of_indicators():
    counts = [[30, 5, 10], [4, 22, 9]]
    found = bias_statistics(split(counts))
    data = split(counts)
    target, attribute = np.eye(2)[data["target"][:]], np.eye(3)[data["attribute"][:]]
    by_hand = [abs(np.corrcoef(t, a)[0, 1]) for t in target.T for a in attribute.T]
    assert found.correlation == pytest.approx(np.mean(by_hand), abs=1e-12)
    assert found.representation_std == pytest.approx(np.std([34 / 80, 27 / 80, 19 / 80]))
    assert found.p_value == pytest.approx(stats.chi2_contingency(counts).pvalue)


def test_the_interval_has_the_width_of_the_sampling_error():
    found = bias_statistics(split([[400, 250], [200, 350]]), resamples=4_000)
    fisher = np.tanh(np.arctanh(found.correlation) + np.array([-1.96, 1.96]) / math.sqrt(1_197))
    assert found.correlation_ci_low == pytest.approx(fisher[0], abs=0.006)
    assert found.correlation_ci_high == pytest.approx(fisher[1], abs=0.006)


@pytest.mark.parametrize("counts", [[[24, 24, 24], [24, 24, 24]], [[50, 0], [0, 50]]])
def test_the_interval_holds_the_estimate_at_the_ends_of_the_scale(counts):
    found = bias_statistics(split(counts))
    assert found.correlation_ci_low <= found.correlation <= found.correlation_ci_high
    low, high = found.representation_std_ci_low, found.representation_std_ci_high
    assert low <= found.representation_std <= high


def test_one_class_leaves_the_correlation_undefined_and_says_why():
    found = bias_statistics(split([[10, 20], [0, 0]]))
    assert math.isnan(found.correlation)
    assert math.isnan(found.p_value)
    assert found.notes == ("the correlation is undefined: all images have the same target",)


def test_all_splits_count_where_a_whole_set_is_given():
    part = split([[4, 2], [1, 3]])
    assert bias_statistics(DatasetDict(train=part, test=part)).counts == ((8, 4), (2, 6))


def test_what_has_no_statistics_is_refused():
    data = split([[4, 2], [1, 3]])
    with pytest.raises(InputError, match="class labels 'attribute'"):
        bias_statistics(data.remove_columns("attribute"))
    with pytest.raises(InputError, match="no images"):
        bias_statistics(data.select([]))
    with pytest.raises(InputError, match="confidence"):
        bias_statistics(data, confidence=1.0)
    with pytest.raises(InputError, match="resamples"):
        bias_statistics(data, resamples=0)


def test_young_women_and_old_men_are_frequent_in_utkface(shared_data):
    found = bias_statistics(utkface(shared_data / "utkface"))
    assert found.p_value < 0.001  # as Table 1 of VLM-debias has it
    assert 0.15 < found.correlation < 0.25
