"""SFID overwrites the dimensions that tell most."""

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

from unskew.debias import sfid
from unskew.debias.neutral import uncertain_mean
from unskew.errors import InputError


def overwritten(head):
    diagonal = np.diagonal(head.weight)
    assert np.array_equal(head.weight, np.diag(diagonal))
    assert set(np.unique(diagonal)) <= {0.0, 1.0}
    return np.flatnonzero(diagonal == 0)


@pytest.mark.parametrize("dimensions", [1, 10])
def test_exactly_the_dimensions_of_greatest_importance_become_neutral(dimensions, synthetic):
    data = synthetic()
    heads = sfid.fit(data, seed=5, dimensions=dimensions, confidence=0.9)
    faces, seen = data.fit, data.validation.embeddings
    forest = RandomForestClassifier(100, random_state=5).fit(faces.embeddings, faces.labels)
    chosen = overwritten(heads.image)
    assert set(chosen) == set(np.argsort(-forest.feature_importances_)[:dimensions])
    unsure = forest.predict_proba(seen).max(axis=1) < 0.9
    assert 0 < unsure.sum() < len(seen)
    neutral = np.where(np.isin(np.arange(40), chosen), seen[unsure].mean(axis=0), 0)
    assert np.allclose(heads.image.bias, neutral, atol=1e-6)
    words = overwritten(heads.text)
    assert len(words) == dimensions
    assert np.allclose(heads.text.bias[words], data.texts.neutral.mean(axis=0)[words], atol=1e-6)


def test_the_planted_dimensions_are_found_and_the_seed_matters(synthetic):
    data = synthetic()
    found = [overwritten(sfid.fit(data, seed=s, dimensions=10).image) for s in (0, 1)]
    assert all({0, 1} <= set(chosen) for chosen in found)
    assert set(found[0]) != set(found[1])


@pytest.mark.parametrize("dimensions", [0, 40])
def test_dimensions_out_of_range_are_refused(dimensions, synthetic):
    with pytest.raises(InputError, match=f"dimensions is {dimensions}; it must be between 1 and"):
        sfid.fit(synthetic(), dimensions=dimensions)


def test_a_classifier_that_is_sure_of_all_leaves_no_neutral_embedding():
    sure = np.array([[0.9, 0.1], [0.2, 0.8]])
    with pytest.raises(InputError, match=r"none of the 2 .* the least is 0\.800: raise confidence"):
        uncertain_mean(np.eye(2), sure, 0.7)
    assert np.array_equal(uncertain_mean(np.eye(2), sure, 0.85), [0, 1])
