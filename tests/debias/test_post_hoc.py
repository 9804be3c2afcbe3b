"""What all post-hoc methods have in common."""

import importlib
from dataclasses import replace

import numpy as np
import pytest
import torch

from unskew.errors import InputError

METHODS = {
    "orth_proj": {},
    "orth_cali": {},
    "clip_clip": {},
    "leace": {},
    "leace_preserve": {},
    "sfid": {"dimensions": 10, "confidence": 0.9},
    "spd": {"confidence": 0.9},
    "closed_form": {},
    "mmbias_dims": {"threshold": 1.0},
}
NEED_WORDS = ["orth_proj", "orth_cali", "sfid", "spd", "closed_form"]


def fitted(name, data, seed=0):
    options = dict(METHODS[name])
    if name == "mmbias_dims":
        options["attribute_a"], options["attribute_b"] = data.texts.captions[:6].reshape(2, 3, -1)
    return importlib.import_module(f"unskew.debias.{name}").fit(data, seed, **options)


@pytest.mark.parametrize("subgroups", [2, 4])
@pytest.mark.parametrize("name", METHODS)
def test_any_number_of_subgroups_and_the_same_seed_gives_the_same(name, subgroups, synthetic):
    data = synthetic(subgroups)
    first, again = fitted(name, data, 3), fitted(name, data, 3)
    assert first.present()
    for modality, head in first.present().items():
        out = head(torch.as_tensor(data.fit.embeddings))
        assert out.shape == data.fit.embeddings.shape
        assert torch.isfinite(out).all()
        assert not torch.allclose(out, torch.as_tensor(data.fit.embeddings), atol=1e-3)
        for key, value in head.state_dict().items():
            assert value.dtype == torch.float32
            assert torch.equal(value, again.present()[modality].state_dict()[key])


@pytest.mark.parametrize("name", NEED_WORDS)
def test_methods_that_read_prompts_say_which_subgroup_has_no_words(name, synthetic):
    data = replace(synthetic(), named=None, wordless="there are no identity words for 'group 0'")
    with pytest.raises(InputError, match="no identity words for 'group 0'"):
        fitted(name, data)


@pytest.mark.parametrize("name", ["clip_clip", "leace", "leace_preserve"])
def test_methods_that_read_images_alone_do_without_words(name, synthetic):
    data = synthetic()
    wordless = fitted(name, replace(data, named=None)).image
    assert np.array_equal(wordless.weight, fitted(name, data).image.weight)
