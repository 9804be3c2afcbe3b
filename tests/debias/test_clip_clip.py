"""CLIP-clip drops what tells most of the subgroup."""

import numpy as np
import pytest

from unskew.debias import clip_clip
from unskew.debias.mutual_information import mutual_information
from unskew.errors import InputError


def test_the_most_telling_dimensions_go_in_both_modalities(synthetic):
    data = synthetic()
    heads = clip_clip.fit(data)
    kept = np.diagonal(heads.image.weight).astype(bool)
    assert kept.sum() == round(40 * 400 / 512)
    information = mutual_information(data.fit.embeddings, data.fit.labels)
    assert information[~kept].min() >= information[kept].max()
    assert not kept[:2].any()  # the planted ones
    assert np.array_equal(heads.image.weight, heads.text.weight)
    assert np.array_equal(heads.image.weight, np.diag(kept))


@pytest.mark.parametrize("keep", [0, 1, 1.5, -0.1])
def test_a_share_that_drops_nothing_or_all_is_refused(keep, synthetic):
    with pytest.raises(InputError, match=f"keep is {keep}, "):
        clip_clip.fit(synthetic(), keep=keep)
