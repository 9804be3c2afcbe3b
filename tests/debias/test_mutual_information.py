"""The histogram estimate of mutual information."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from unskew.debias.mutual_information import dropping, mutual_information


@pytest.mark.parametrize("groups", [2, 4])
def test_it_is_that_of_the_64_by_64_smoothed_histogram(groups):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, groups, 500)
    x = rng.normal(size=(500, 3)) + labels[:, None] * [0.0, 0.5, 2.0]
    expected = []
    for column in x.T:
        joint, _, _ = np.histogram2d(column, labels, bins=64)
        joint = gaussian_filter(joint / 500, sigma=1, mode="reflect")
        outer = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
        full = joint > 0
        expected.append((joint[full] * np.log(joint[full] / outer[full])).sum())
    found = mutual_information(x, labels)
    assert np.allclose(found, expected, atol=1e-9)
    assert found[0] < found[1] < found[2]


def test_what_decides_the_label_has_all_its_entropy_and_a_constant_has_none():
    labels = np.repeat([0, 1], 100)
    x = np.stack([labels, np.ones(200), np.tile([0.0, 1.0], 100)], axis=1)
    assert np.allclose(mutual_information(x, labels), [np.log(2), 0, 0], atol=1e-12)


def test_dropped_dimensions_are_zero_in_both_modalities():
    heads = dropping(np.array([1, 3]), 5)
    for head in (heads.image, heads.text):
        assert np.array_equal(head.weight, np.diag([1, 0, 1, 0, 1]))
        assert not head.bias.any()
