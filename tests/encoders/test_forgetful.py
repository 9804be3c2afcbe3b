"""An encoder that keeps nothing of what it embeds."""

import os
from pathlib import Path

import numpy as np
from PIL import Image

from unskew.encoders import DualEncoder


def kept():
    """Bytes in the cache, and their newest change."""
    files = [p for p in Path(os.environ["UNSKEW_CACHE"]).rglob("*") if p.is_file()]
    return sorted((str(p), p.stat().st_size) for p in files)


def test_forgetful_encoder_keeps_nothing_and_agrees():
    encoder = DualEncoder.from_pretrained("unskew/mini")
    rng = np.random.default_rng(7)
    images = [Image.fromarray(rng.integers(0, 256, (64, 64, 3), np.uint8)) for _ in range(3)]
    texts = ["a text that only this test asks"]
    before = kept()
    forgetful = encoder.forgetful()
    vectors = forgetful.embed_images(images), forgetful.embed_texts(texts)
    assert kept() == before
    assert np.allclose(vectors[0], encoder.embed_images(images), atol=1e-6)
    assert np.allclose(vectors[1], encoder.embed_texts(texts), atol=1e-6)
    assert kept() != before


def test_forgetful_encoder_finds_what_is_kept():
    encoder = DualEncoder.from_pretrained("unskew/mini")
    texts = ["a text that is kept"]
    vectors = encoder.embed_texts(texts)
    forgetful = encoder.forgetful()
    forgetful._text_features = None  # would be called for a text that is not found
    assert np.array_equal(forgetful.embed_texts(texts), vectors)
