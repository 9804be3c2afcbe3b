"""Swapped captions, asked of a model in which a lean to one gender is planted."""

import json
import math

import numpy as np
import pytest
from datasets import Dataset, Image

from unskew.audit.captions import audit_captions
from unskew.audit.captions_told import few_told, swap_table
from unskew.corpora.captioned import CaptionedSet
from unskew.encoders import Embedded
from unskew.errors import InputError

LEAN = 0.3


class Leaning:
    """Similarity 0.5 where the caption's gender is the image's, else 0; women's get LEAN more."""

    name, dim, demonstration, fingerprint = "leaning", 4, False, "planted"

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
    assert "too few" in (tmp_path / "out" / "captions.md").read_text("utf-8")


def test_p_is_corrected_over_all_pairs_and_what_is_not_clear_stands_in_brackets():
    """Noise alone: a p below 0.05 in some of the pairs, in none after Holm."""
    rng = np.random.default_rng(5)

    class Noisy(Leaning):
        def embed_texts(self, texts, template=None):
            return rng.normal(0, 1, (len(texts), 4))

    words = ("Black", "White", "Asian", "Indian", "Middle Eastern")
    captions = [[f"a man and an {w} boy on a {x}"] for w in words for x in range(6)]
    audit = audit_captions(Noisy(), photos(captions), ["race"])
    raw = [p.p_value for p in audit.pairs if not math.isnan(p.p_value)]
    assert len(raw) == 10
    corrected = [p.p_holm for p in audit.pairs if not math.isnan(p.p_holm)]
    assert min(corrected) == pytest.approx(min(1.0, 10 * min(raw)))
    table = swap_table(audit)
    assert all(row[9].startswith("(") for row in table.rows if row[9] != "too few")
    assert "8 pairs are left out" not in few_told(audit)
    assert few_told(audit) == ""  # each of the nine is swapped with one that is said


def test_the_report_is_html_with_a_picture_too(tmp_path):
    folder = audit_captions(Leaning(), photos(CAPTIONS), ["gender"]).save(tmp_path / "out")
    page = (folder / "captions.html").read_text("utf-8")
    assert "data:image/png;base64," in page
    assert "Male" in page
    assert {f.name for f in folder.iterdir()} == {
        "captions-gender.png", "captions.html", "captions.md", "captions.json",
    }  # fmt: skip


def test_captions_without_identity_are_refused():
    with pytest.raises(InputError, match="mentions just one subgroup of race"):
        audit_captions(Leaning(), photos(CAPTIONS), ["race"])


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"confidence": 95}, "confidence 95"),
        ({"batch_size": 0}, "batch_size 0"),
        ({"categories": ["shoe size"]}, "category 'shoe size'"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, match):
    with pytest.raises(InputError, match=match):
        audit_captions(Leaning(), photos(CAPTIONS), **options)
