"""Orth-Cali against its formula and its limits."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from unskew.debias import orth_cali, orth_proj
from unskew.errors import InputError


def apart(texts, weight):
    """Mean squared distance of captions that differ in the subgroup alone."""
    pairs = np.unique(texts.caption_of, axis=0)
    captions = texts.captions @ np.asarray(weight, dtype=np.float64).T
    return ((captions[pairs[:, 0]] - captions[pairs[:, 1]]) ** 2).sum(axis=1).mean()


@pytest.mark.parametrize("subgroups", [2, 3])
def test_the_matrix_is_the_published_one(subgroups, synthetic):
    data = synthetic(subgroups)
    moment, count = np.zeros((40, 40)), 0
    for row in {tuple(r) for r in data.texts.caption_of.tolist()}:
        for i, j in combinations(row, 2):
            z = (data.texts.captions[i] - data.texts.captions[j]).astype(np.float64)
            moment, count = moment + np.outer(z, z), count + 1
    p0 = orth_proj.spurious_projection(data.texts.prompts)
    expected = p0 @ np.linalg.inv(np.eye(40) + 1000 * moment / count)
    heads = orth_cali.fit(data)
    assert heads.image is None
    assert np.allclose(heads.text.weight, expected, atol=1e-5)


def test_no_strength_is_orth_proj_and_strength_draws_counterparts_together(synthetic):
    data = synthetic()
    plain = orth_proj.fit(data).text.weight
    assert np.allclose(orth_cali.fit(data, strength=0).text.weight, plain, atol=1e-7)
    assert np.allclose(orth_cali.fit(data, strength=1e-6).text.weight, plain, atol=1e-5)
    left = [apart(data.texts, orth_cali.fit(data, strength=s).text.weight) for s in (0, 10, 1000)]
    assert left[0] > 1.5 * left[1] > 3 * left[2]


def test_captions_within_the_prompts_span_calibrate_nothing(synthetic):
    """Why the pairs are not the prompts themselves."""
    data = synthetic()
    prompts = data.texts.prompts
    own = replace(
        data.texts,
        captions=prompts.reshape(-1, 40),
        caption_of=np.arange(10).reshape(2, 5).T,
    )
    calibrated = orth_cali.fit(replace(data, named=own)).text.weight
    assert np.allclose(calibrated, orth_proj.fit(data).text.weight, atol=1e-4)


def test_a_negative_strength_is_refused(synthetic):
    with pytest.raises(InputError, match=r"strength is -1\.0; it must be 0 or more"):
        orth_cali.fit(synthetic(), strength=-1.0)
