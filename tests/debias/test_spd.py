"""SPD replaces what successive probes read."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from unskew.debias import spd
from unskew.errors import InputError


def accuracy(x, labels):
    return LogisticRegression(C=100, max_iter=1000).fit(x, labels).score(x, labels)


@pytest.mark.parametrize("subgroups", [2, 4])
def test_every_round_removes_what_its_probe_read(subgroups, synthetic):
    data = synthetic(subgroups)
    x, labels = data.fit.embeddings.astype(np.float64), data.fit.labels
    one, two = (spd.probed_subspace(x, labels, rounds) for rounds in (1, 2))
    weights = LogisticRegression(tol=1e-9, max_iter=5000).fit(x, labels).coef_
    assert one.shape == (subgroups - 1, 40)
    assert np.allclose(weights - weights @ one.T @ one, 0, atol=1e-3 * np.abs(weights).max())
    assert two.shape == (2 * (subgroups - 1), 40)
    assert np.allclose(two @ two.T, np.eye(len(two)), atol=1e-9)
    assert np.allclose(one @ two.T @ two, one, atol=1e-6)


def test_the_subspace_holds_the_neutral_value_for_all_and_the_rest_is_kept(synthetic):
    data = synthetic()
    heads = spd.fit(data, rounds=3, confidence=0.9)
    x = data.fit.embeddings
    subspace = spd.probed_subspace(x.astype(np.float64), data.fit.labels, 3)
    out = heads.image(torch.as_tensor(x)).numpy()
    inside = out @ subspace.T
    assert np.allclose(inside, inside[0], atol=1e-5)
    rest = np.eye(40) - subspace.T @ subspace
    assert np.allclose(out @ rest, x @ rest, atol=1e-5)
    assert np.allclose(heads.image(torch.as_tensor(out)), out, atol=1e-5)
    assert accuracy(out, data.fit.labels) < accuracy(x, data.fit.labels) - 0.15


def test_prompts_of_all_subgroups_share_the_neutral_text_within_the_subspace(synthetic):
    data = synthetic()
    prompts = data.texts.prompts.reshape(-1, 40)
    named = np.repeat([0, 1], 5)
    subspace = spd.probed_subspace(prompts.astype(np.float64), named, 5)
    out = spd.fit(data, confidence=0.9).text(torch.as_tensor(prompts)).numpy()
    neutral = data.texts.neutral.mean(axis=0)
    assert np.allclose(out @ subspace.T, subspace @ neutral, atol=1e-5)


def test_no_rounds_are_refused(synthetic):
    with pytest.raises(InputError, match="rounds is 0; it must be 1 or more"):
        spd.fit(synthetic(), rounds=0)
