"""Every family of dual encoders gives what plain transformers gives, as unit vectors."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from PIL import Image
from tiny_models import FAMILIES, FIXED_TEXT_LENGTH

from unskew.encoders import DualEncoder

TEXTS = ["a photo of a kind doctor", "", "dangerous", "nurse " * 300]


def unit(output: Any) -> np.ndarray:
    features = output.pooler_output
    return (features / features.norm(dim=1, keepdim=True)).numpy()


@pytest.mark.parametrize("family", FAMILIES)
def test_images_equal_the_plain_path(
    family: str, tiny: Callable[[str], Path], photos: list[Image.Image]
) -> None:
    model = transformers.AutoModel.from_pretrained(tiny(family))
    processor = transformers.AutoProcessor.from_pretrained(tiny(family))
    with torch.no_grad():
        batch = processor.image_processor(images=photos, return_tensors="pt")
        expected = unit(model.get_image_features(**batch))
    encoder = DualEncoder.from_pretrained(tiny(family))
    got = encoder.embed_images(photos, batch_size=5)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, expected, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(got, axis=1), 1, atol=1e-6)
    # Different images must be told apart, or the equality above would mean little.
    assert (got @ got.T).min() < 0.999


@pytest.mark.parametrize("family", FAMILIES)
def test_texts_equal_the_plain_path(family: str, tiny: Callable[[str], Path]) -> None:
    model = transformers.AutoModel.from_pretrained(tiny(family))
    processor = transformers.AutoProcessor.from_pretrained(tiny(family))
    limit = {"altclip": 77, "chinese_clip": 52}.get(family, 77)
    fixed = family in FIXED_TEXT_LENGTH
    encoder = DualEncoder.from_pretrained(tiny(family))
    got = encoder.embed_texts(TEXTS)
    assert got.shape == (len(TEXTS), encoder.dim)
    for text, row in zip(TEXTS, got, strict=True):
        batch = processor(
            text=[text],
            padding="max_length" if fixed else False,
            max_length=64 if fixed else limit,
            truncation=True,
            return_tensors="pt",
        )
        with torch.no_grad():
            np.testing.assert_allclose(row, unit(model.get_text_features(**batch))[0], atol=1e-5)
    assert (got @ got.T).min() < 0.999


def test_clip_tokens_are_those_of_the_real_vocabulary(tiny: Callable[[str], Path]) -> None:
    processor = transformers.AutoProcessor.from_pretrained(tiny("clip"))
    ids = processor.tokenizer("a photo of a doctor")["input_ids"]
    assert ids == [49406, 320, 1125, 539, 320, 5547, 49407]


def test_a_text_does_not_depend_on_its_neighbours(tiny: Callable[[str], Path]) -> None:
    encoder = DualEncoder.from_pretrained(tiny("altclip"))
    alone = encoder.embed_texts(["kind"])
    among = encoder.embed_texts(["a photo of a dangerous person with a doctor", "kind"])
    np.testing.assert_allclose(among[1], alone[0], atol=1e-5)


def test_half_precision_gives_float32_vectors(
    tiny: Callable[[str], Path], photos: list[Image.Image]
) -> None:
    full = DualEncoder.from_pretrained(tiny("clip"))
    half = DualEncoder.from_pretrained(tiny("clip"), dtype="bfloat16")
    assert half.fingerprint != full.fingerprint
    vectors = half.embed_images(photos)
    assert vectors.dtype == np.float32
    cosine = (vectors * full.embed_images(photos)).sum(axis=1)
    assert 0.95 < cosine.min() < 1
