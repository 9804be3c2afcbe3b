"""A model of given embeddings in which the bias is planted, so that the truth is known."""

import numpy as np
import pytest

from unskew.encoders import LabelledEmbeddings, PrecomputedEncoder
from unskew.stimuli import Stimuli

DIM = 32
WARM, COLD = ("kind", "friendly", "gentle"), ("rude", "distant", "cruel")


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


def image_set(name="squares", shift=1.0, seed=1, n=40):
    """Red images lie towards warm, blue ones towards cold, green ones in between."""
    rng = np.random.default_rng(seed)
    teams = ["Red"] * n + ["Blue"] * n + ["Green"] * n
    vectors = rng.normal(0, 0.3, (3 * n, DIM))
    vectors[:, 0] += np.repeat([shift, -shift, 0.0], n) * 0.3
    vectors[:, 1] = 1.0
    labels = {"team": teams, "size": ["big", "small"] * (3 * n // 2)}
    return LabelledEmbeddings(vectors.astype(np.float32), labels, None, name)


@pytest.fixture
def images():
    return image_set()
