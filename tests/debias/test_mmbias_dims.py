"""MMBias's removal of dimensions."""

from itertools import combinations

import numpy as np
import pytest

from unskew.debias import mmbias_dims
from unskew.debias.mutual_information import mutual_information
from unskew.errors import InputError
from unskew.measures import weat


@pytest.fixture
def phrases():
    """Pleasant phrases lean to the first subgroup a little, unpleasant ones to the second."""
    rng = np.random.default_rng(4)
    a, b = rng.normal(0, 0.4, (2, 8, 40))
    a[:, 0] += 0.3
    b[:, 1] += 0.3
    return {"attribute_a": a, "attribute_b": b}


def dropped(heads):
    return np.flatnonzero(np.diagonal(heads.image.weight) == 0)


def bias_of(data, phrases, kept):
    a, b = (phrases[k][:, kept] for k in ("attribute_a", "attribute_b"))
    images = data.fit.embeddings.astype(np.float64)[:, kept]
    return mmbias_dims.bias(mmbias_dims.association(images, a, b)[:, None], data.fit.labels)[0]


@pytest.mark.parametrize("subgroups", [2, 3])
def test_bias_is_the_mean_effect_size_over_pairs(subgroups, synthetic, phrases):
    data = synthetic(subgroups, n=120)
    faces, labels = data.fit.embeddings, data.fit.labels
    sizes = [
        abs(
            weat(
                faces[labels == i],
                faces[labels == j],
                *phrases.values(),
                permutations=10,
                confidence=None,
            ).effect_size
        )
        for i, j in combinations(range(subgroups), 2)
    ]
    assert bias_of(data, phrases, np.arange(40)) == pytest.approx(np.mean(sizes), abs=1e-9)


def test_leaving_out_each_dimension_equals_deleting_it(synthetic, phrases):
    faces = synthetic(n=50).fit.embeddings.astype(np.float64)
    found = mmbias_dims.association_without_each(faces, *phrases.values())
    for j in range(40):
        kept = np.arange(40) != j
        expected = mmbias_dims.association(faces[:, kept], *(p[:, kept] for p in phrases.values()))
        assert np.allclose(found[:, j], expected, atol=1e-12)


def test_bias_falls_by_dimensions_that_tell_little_of_the_subgroup(synthetic, phrases):
    data = synthetic()
    heads = mmbias_dims.fit(data, **phrases)
    chosen = dropped(heads)
    information = mutual_information(data.fit.embeddings, data.fit.labels)
    assert 1 <= len(chosen) <= round(40 * 54 / 512)
    assert information[chosen].max() < 0.05 < information[:2].min()
    kept = np.setdiff1d(np.arange(40), chosen)
    assert bias_of(data, phrases, kept) < bias_of(data, phrases, np.arange(40)) - 0.01
    assert np.array_equal(heads.image.weight, heads.text.weight)


def test_only_as_many_are_dropped_as_help(synthetic, phrases):
    """With the telling dimensions allowed, dropping a few overshoots: the best prefix is kept."""
    data = synthetic()
    chosen = dropped(mmbias_dims.fit(data, **phrases, threshold=1.0, remove=0.9))
    left = bias_of(data, phrases, np.setdiff1d(np.arange(40), chosen))
    assert left < 0.25 * bias_of(data, phrases, np.arange(40))
    assert len(chosen) < 36


def test_no_dimension_is_dropped_without_which_there_is_more_bias(synthetic, phrases):
    """The bias is nearly all in the first two, so most of the others add nothing or hide some."""
    data = synthetic()
    phrases = {name: np.where(np.arange(40) < 2, p, 1e-3 * p) for name, p in phrases.items()}
    whole = bias_of(data, phrases, np.arange(40))
    for j in dropped(mmbias_dims.fit(data, **phrases, threshold=1.0, remove=0.9)):
        assert bias_of(data, phrases, np.arange(40) != j) < whole


def test_what_cannot_be_used_is_refused(synthetic, phrases):
    data = synthetic()
    with pytest.raises(InputError, match=r"attribute_b has shape \(3, 7\).*\(n, 40\)"):
        mmbias_dims.fit(data, attribute_a=phrases["attribute_a"], attribute_b=np.ones((3, 7)))
    with pytest.raises(InputError, match=r"remove is 1\.0, 40 of 40 dimensions"):
        mmbias_dims.fit(data, **phrases, remove=1.0)
    with pytest.raises(InputError, match="no dimension with less than 0 nats"):
        mmbias_dims.fit(data, **phrases, threshold=0)
