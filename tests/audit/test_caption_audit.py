"""Swapped captions, asked of a model in which a lean to one gender is planted."""

import json
import math

import numpy as np
import pytest
from datasets import Dataset, Image

from unskew.audit.captions import audit_captions
from unskew.corpora.captioned import CaptionedSet
from unskew.encoders import Embedded
from unskew.errors import InputError

LEAN = 0.3


class Leaning:
    """Similarity 0.5 where the caption's gender is the image's, else 0; women's get LEAN more."""

    name, dim, demonstration = "leaning", 4, False

    def embed_readable(self, images, batch_size=32):
        rows = [
            [1.0, 0.5, 0.0, 0.0] if i["bytes"] == b"w" else [1.0, 0.0, 0.5, 0.0] for i in images
        ]
        return Embedded(np.array(rows, dtype=np.float32), list(range(len(rows))), ())

    def embed_texts(self, texts, template=None):
        rows = []
        for text in texts:
            woman = "wom" in text
            rows.append([LEAN if woman else 0.0, float(woman), float(not woman), 0.0])
        return np.array(rows, dtype=np.float32)


def photos(captions):
    data = Dataset.from_dict(
        {
            "image": [{"bytes": b"w" if "wom" in c[0] else b"m", "path": None} for c in captions],
            "captions": captions,
        }
    )
    return CaptionedSet(
        "photos", data.cast_column("image", Image(decode=False)), "image", "captions"
    )


CAPTIONS = [
    ["a man and his dog", "a man"],
    ["a man on a bike"],
    ["a man sits"],
    ["two men"],
    ["a woman and her dog"],
    ["a woman on a bike"],
    ["a woman sits"],
    ["two women", "a woman"],
    ["a man and a woman"],
    ["a dog in a white shirt"],
]


def test_the_lean_is_the_asymmetry():
    audit = audit_captions(Leaning(), photos(CAPTIONS), ["gender"])
    pair = audit.pairs[0]
    assert (pair.subgroup_a, pair.subgroup_b) == ("Male", "Female")
    assert (pair.a_to_b.n_images, pair.a_to_b.n_captions) == (4, 5)
    assert pair.a_to_b.mean == pytest.approx(LEAN - 0.5)
    assert pair.b_to_a.mean == pytest.approx(-LEAN - 0.5)
    assert pair.asymmetry == pytest.approx(2 * LEAN)
    assert pair.ci_low == pytest.approx(2 * LEAN)  # no caption differs from another
    assert audit.n_images == 8
    assert audit.n_captions == 10


def test_too_few_images_have_no_interval_and_save_as_null(tmp_path):
    audit = audit_captions(Leaning(), photos(CAPTIONS[3:]), ["gender"])
    pair = audit.pairs[0]
    assert pair.a_to_b.n_images == 1
    assert math.isnan(pair.a_to_b.mean)
    assert math.isnan(pair.asymmetry)
    saved = json.loads((audit.save(tmp_path / "out") / "captions.json").read_text("utf-8"))
    assert saved["pairs"][0]["asymmetry"] is None
    assert "undefined" in (tmp_path / "out" / "captions.md").read_text("utf-8")


def test_the_interval_covers_the_mean_over_other_images():
    """Changes that differ between images, several captions each: 90 % intervals hold the truth."""
    rng = np.random.default_rng(0)

    class Noisy(Leaning):
        def embed_readable(self, images, batch_size=32):
            rows = np.zeros((len(images), 4), dtype=np.float32)
            rows[:, 1] = rng.normal(0.2, 1, len(images))
            return Embedded(rows, list(range(len(images))), ())

    captions = [["a man sits", "a man"]] * 30
    runs = [
        audit_captions(Noisy(), photos(captions), ["gender"], confidence=0.9).pairs[0].a_to_b
        for _ in range(100)
    ]
    held = sum(r.ci_low <= 0.2 <= r.ci_high for r in runs)
    assert 80 <= held <= 97


def test_captions_without_identity_are_refused():
    with pytest.raises(InputError, match="mentions just one subgroup of race"):
        audit_captions(Leaning(), photos(CAPTIONS), ["race"])
