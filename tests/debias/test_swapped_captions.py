"""Captions of general images with the identity swapped, as the joint method is shown them."""

from dataclasses import replace

import numpy as np
import pytest
from datasets import Dataset, Image

from unskew.corpora.captioned import CaptionedSet
from unskew.debias import joint
from unskew.debias.counterfactual import swapped_captions
from unskew.debias.methods import find_method
from unskew.errors import InputError

SMALL = {"steps": 60, "batch_size": 64, "queue": 128, "hidden": 32, "image_hidden": 16}
CAPTIONS = [
    ["a dog runs", "a man and his dog", "a man"],
    ["a woman and a man"],
    ["two girls on a swing"],
    ["a bride and her friend"],
]


class Encoder:
    """Texts that say a woman lean where women's images do, all others where men's do."""

    def __init__(self, dim):
        self.dim, self.texts = dim, []

    def embed_texts(self, texts, template=None):
        self.texts += texts
        rng = np.random.default_rng(0)
        about = rng.normal(0, 0.3, (len(texts) // 2, self.dim)).astype(np.float32)
        rows = np.repeat(about, 2, axis=0)  # of both versions of a caption
        for row, text in zip(rows, texts, strict=True):
            row[0 if {"woman", "girls", "bride"} & set(text.split()) else 1] += 1
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture
def data(synthetic):
    """Faces labelled Female and Male, and photos with captions to preserve."""
    plain, names = synthetic(n=200), ("Female", "Male")
    faces = replace(
        plain.fit,
        subgroups=names,
        by_attribute={"gender": (names, plain.fit.labels)},
        combinations=(("Female",), ("Male",)),
    )
    rows = [{"bytes": b"x", "path": None}] * len(CAPTIONS)
    table = Dataset.from_dict({"image": rows, "captions": CAPTIONS})
    photos = CaptionedSet(
        "photos", table.cast_column("image", Image(decode=False)), "image", "captions"
    )
    return replace(plain, attributes=("gender",), fit=faces, preserve_images=(photos,))


def test_the_first_caption_that_says_one_subgroup_in_every_version(data):
    encoder = Encoder(data.preserve.shape[1])
    found = swapped_captions(encoder, data, 10)
    assert found.shape == (3, 2, encoder.dim)
    assert encoder.texts == [
        "a woman and her dog",
        "a man and his dog",
        "two girls on a swing",
        "two boys on a swing",
        "a bride and her friend",
        "a groom and his friend",
    ]
    assert swapped_captions(encoder, data, 2).shape[0] == 2


def test_captions_without_identity_are_refused(data):
    (photos,) = data.preserve_images
    table = photos.data.select([1])
    nobody = replace(data, preserve_images=(replace(photos, data=table),))
    with pytest.raises(InputError, match="mentions just one subgroup of gender"):
        swapped_captions(Encoder(8), nobody, 10)


def test_shown_to_the_joint_method_they_come_closer(data):
    """What tells the versions apart is learned from them, not from the prompts alone."""
    encoder = Encoder(data.preserve.shape[1])
    versions = swapped_captions(encoder, data, 10)

    def apart(heads):
        moved = heads.text(joint.torch.as_tensor(versions)).detach().numpy()
        moved /= np.linalg.norm(moved, axis=-1, keepdims=True)
        return float(np.square(moved[:, 0] - moved[:, 1]).sum(axis=1).mean())

    without = joint.fit(data, **SMALL)
    shown = joint.fit(
        data, swapped_captions=10, swap=lambda n: swapped_captions(encoder, data, n), **SMALL
    )
    assert apart(shown) < apart(without)
    plain, more = joint.Source.of(data), joint.Source.of(data, versions)
    assert len(more.versions) == len(plain.versions) + len(versions)


def test_it_is_an_option_of_the_method_and_off_by_default(data):
    options = find_method("joint").options()
    assert options["swapped_captions"].default == 0
    assert "swap" not in options
    with pytest.raises(InputError, match="swapped_captions is -1"):
        joint.fit(data, swapped_captions=-1, **SMALL)
    with pytest.raises(InputError, match="needs what swaps them"):
        joint.fit(data, swapped_captions=5, **SMALL)
