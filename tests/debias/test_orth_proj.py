"""Orth-Proj against its formula."""

from dataclasses import replace

import numpy as np
import pytest

from unskew.debias import orth_proj
from unskew.debias.subspace import orthonormal_basis, projection_away
from unskew.errors import InputError


def test_the_matrix_is_the_published_one_and_idempotent(synthetic):
    data = synthetic()
    b = data.texts.prompts.reshape(-1, 40).T.astype(np.float64)
    p = orth_proj.spurious_projection(data.texts.prompts)
    # The planted prompts have rank 6: a template each, and the difference of the subgroups.
    assert np.allclose(p, np.eye(40) - b @ np.linalg.pinv(b, rcond=1e-5), atol=1e-6)
    assert np.allclose(p @ p, p, atol=1e-12)
    assert np.allclose(p, p.T, atol=1e-12)
    heads = orth_proj.fit(data)
    assert heads.image is None
    assert np.allclose(heads.text.weight @ b, 0, atol=1e-5)


def test_both_modalities_have_one_matrix_when_asked(synthetic):
    heads = orth_proj.fit(synthetic(), modalities="both")
    assert np.array_equal(heads.image.weight, heads.text.weight)
    with pytest.raises(InputError, match="'image'; it must be 'text' or 'both'"):
        orth_proj.fit(synthetic(), modalities="image")


def test_prompts_that_span_everything_are_refused(synthetic):
    data = synthetic()
    prompts = np.random.default_rng(0).normal(size=(2, 20, 40))
    with pytest.raises(InputError, match="the 40 prompts of the subgroups span all 40 dimensions"):
        orth_proj.fit(replace(data, named=replace(data.texts, prompts=prompts)))


def test_a_basis_has_the_rank_of_the_vectors():
    rows = np.random.default_rng(0).normal(size=(3, 8))
    basis = orthonormal_basis(np.concatenate([rows, rows.sum(axis=0, keepdims=True)]))
    assert np.allclose(basis @ basis.T, np.eye(3))
    assert np.allclose(rows @ projection_away(basis), 0)
    assert orthonormal_basis(np.zeros((2, 8))).shape == (0, 8)
