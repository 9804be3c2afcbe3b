"""The closed form against the optimum it claims."""

import numpy as np
import pytest
import torch
from scipy.optimize import brentq

from unskew.debias import closed_form


@pytest.mark.parametrize("subgroups", [2, 4])
def test_the_attribute_space_is_that_of_the_prototypes(subgroups, synthetic):
    prompts = synthetic(subgroups).texts.prompts.astype(np.float64)
    basis = closed_form.attribute_space(prompts)
    assert basis.shape == (subgroups - 1, 40)
    assert np.allclose(basis @ basis.T, np.eye(len(basis)), atol=1e-9)
    means = prompts.mean(axis=1)
    prototypes = means / np.linalg.norm(means, axis=1, keepdims=True)
    apart = prototypes[:, None] - prototypes[None]
    assert np.allclose(apart @ basis.T @ basis, apart, atol=1e-9)


@pytest.mark.parametrize("subgroups", [2, 4])
@pytest.mark.parametrize("modality", ["image", "text"])
def test_the_losses_are_relatively_equal_at_the_optimum(subgroups, modality, synthetic):
    """V(alpha) = 1 - u.e is the fidelity lost; V is 0 at alpha = a and 1 - b at alpha = 0."""
    data = synthetic(subgroups)
    basis = closed_form.attribute_space(data.texts.prompts)
    head = closed_form.fit(data).present()[modality]
    e = data.fit.embeddings[:50].astype(np.float64)
    u = head(torch.as_tensor(e, dtype=torch.float32)).numpy().astype(np.float64)
    inside = np.linalg.norm(e @ basis.T, axis=1)
    alphas = np.linalg.norm(u @ basis.T, axis=1)
    assert np.allclose(np.linalg.norm(u, axis=1), 1, atol=1e-5)
    for a, alpha, lost in zip(inside, alphas, 1 - (u * e).sum(axis=1), strict=True):
        b = np.sqrt(1 - a**2)

        def excess(x, a=a, b=b):
            return 1 - (x * a + np.sqrt(1 - x**2) * b) - (1 - b) * x / a

        assert alpha == pytest.approx(brentq(excess, 0, a), abs=1e-4)
        assert lost == pytest.approx((1 - b) * alpha / a, abs=1e-5)


def test_directions_inside_and_outside_are_kept(synthetic):
    data = synthetic()
    basis = closed_form.attribute_space(data.texts.prompts)
    e = data.fit.embeddings[:20]
    u = closed_form.fit(data).image(torch.as_tensor(e)).numpy()
    for part in (basis.T @ basis, np.eye(40) - basis.T @ basis):
        before, after = e @ part, u @ part
        cosine = (before * after).sum(axis=1)
        cosine /= np.linalg.norm(before, axis=1) * np.linalg.norm(after, axis=1)
        assert np.allclose(cosine, 1, atol=1e-5)
    assert (np.abs(u @ basis.T) < np.abs(e @ basis.T)).all()
