"""A model of given embeddings in which the bias is planted, so that the truth is known."""

import numpy as np
import pytest
from planted_images import COLD, DIM, WARM, image_set

from unskew.encoders import LabelledEmbeddings, PrecomputedEncoder
from unskew.stimuli import Stimuli


@pytest.fixture
def stimuli():
    return Stimuli.model_validate(
        {
            "name": "warmth",
            "title": "Warm and cold",
            "source": "made for this test",
            "licence": "CC0",
            "attributes": {
                "template": "a {} person",
                "a": {"name": "warm", "words": WARM},
                "b": {"name": "cold", "words": COLD},
                "pleasant": "a",
            },
            "targets": {
                "template": "{}",
                "categories": {
                    "team": {
                        "Red": ["ruby", "scarlet", "crimson", "cherry"],
                        "Blue": ["azure", "navy", "cobalt", "sky"],
                    }
                },
            },
            "contrasts": {"template": "{}!", "pairs": [["kind", "rude"], ["gentle", "cruel"]]},
            "ranking": {"templates": ["{}", "so {}"], "concepts": ["kind", "gentle"]},
            "word_tests": [
                {
                    "name": "colours",
                    "x": {"name": "reds", "words": ["ruby", "scarlet", "crimson"]},
                    "y": {"name": "blues", "words": ["azure", "navy", "cobalt"]},
                    "a": {"name": "warm", "words": WARM},
                    "b": {"name": "cold", "words": COLD},
                }
            ],
            "image_attributes": {
                "category": "place",
                "a": {"name": "indoors", "subgroups": ["indoors"]},
                "b": {"name": "outdoors", "subgroups": ["outdoors"]},
            },
        }
    )


@pytest.fixture
def encoder(stimuli):
    """Warm words and red phrases lie at +1 on the first axis, cold and blue ones at -1."""
    from unskew.audit.texts import prompts_of

    rng = np.random.default_rng(0)
    texts = prompts_of([stimuli])
    warm = {*WARM, "ruby", "scarlet", "crimson", "cherry"}
    vectors = rng.normal(0, 0.1, (len(texts), DIM))
    for i, text in enumerate(texts):
        vectors[i, 0] += 1.0 if any(word in text for word in warm) else -1.0
    return PrecomputedEncoder(LabelledEmbeddings(vectors.astype(np.float32), {}, texts, "planted"))


@pytest.fixture
def images():
    return image_set()
