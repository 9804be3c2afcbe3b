"""Captions with the identity swapped in adversarial training: the term, and what it changes."""

from dataclasses import replace
from functools import partial
from itertools import product

import adversarial_setup as setup
import labelled_pictures as pictures
import numpy as np
import pytest
import torch
from datasets import Features, Image, List, Value

from unskew.corpora import load_images
from unskew.corpora.captioned import load_captioned
from unskew.debias.adversarial import AdversarialSettings, prepared, train_adversarial
from unskew.debias.fitting import fitting_data
from unskew.debias.modality import TEMPERATURE
from unskew.encoders import DualEncoder
from unskew.errors import InputError
from unskew.measures import clustered_mean
from unskew.stimuli import counterfactuals

SAID = [" ".join(p) for p in product(("a photo of", "this is"), ("a", "the"), ("young", "old"))]
OTHER = {"Male": "Female", "Female": "Male"}
SETTINGS = AdversarialSettings(steps=15, batch_size=16, adversary_steps=1, learning_rate=1e-2)


def photos(n, seed):
    """Pictures whose captions say that a man or a woman is there; every fourth says neither."""
    rng = np.random.default_rng(seed)
    captions = [
        [f"{SAID[rng.integers(len(SAID))]} {('person', 'man', 'woman', 'man')[i % 4]}"]
        for i in range(n)
    ]
    plain = pictures.things(n, seed).remove_columns("captions")
    table = plain.add_column("captions", captions)
    return load_captioned(table.cast(Features(image=Image(), captions=List(Value("string")))))


PHOTOS = photos(40, 7)


@pytest.fixture(scope="module")
def encoder():
    return setup.tiny_encoder()


@pytest.fixture(scope="module")
def data(encoder):
    """Men and women, and photos."""
    parts = [load_images(pictures.faces(48, seed), categories=["gender"]) for seed in (0, 1)]
    return fitting_data(encoder, *parts, ("gender",), [PHOTOS])


def pairs(images):
    """Row, caption, and the caption with the identity swapped, of captions that say one."""
    for row, captions in enumerate(images.captions):
        for caption in captions:
            found = counterfactuals(caption, "gender")
            if found is not None and OTHER.get(found[0]) in found[1]:
                yield row, caption, found[1][OTHER[found[0]]]


@pytest.mark.parametrize("towers", [("image",), ("image", "text")])
def test_what_is_trained_falls_with_it(encoder, data, towers):
    """The term itself, on the photos that it is asked of, in the towers that result."""
    settings = replace(SETTINGS, towers=towers)
    fallen = []
    for weight in (0.0, 30.0):
        debiased = train_adversarial(encoder, data, replace(settings, swap_weight=weight))
        z = debiased.apply(encoder).embed_images(PHOTOS.images)
        told = prepared(encoder, data, replace(settings, swap_weight=1.0), seed=0)
        rows = torch.arange(len(data.fit.embeddings), len(data.fit.embeddings) + len(z))
        fallen.append(float(told.modalities["image"].swaps.gaps(torch.from_numpy(z), rows).mean()))
    assert fallen[1] < 0.7 * fallen[0]


def test_it_falls_for_photos_that_are_held_out(encoder, data):
    """Other photos of the kind, and their captions: by more than photos differ by chance."""
    others = photos(200, 8)
    rows, said, swapped = (list(x) for x in zip(*pairs(others), strict=True))
    apart = encoder.embed_texts(swapped) - encoder.embed_texts(said)
    changes = []
    for weight in (0.0, 30.0):
        debiased = train_adversarial(encoder, data, replace(SETTINGS, swap_weight=weight))
        z = debiased.apply(encoder).embed_images(others.images)
        changes.append(np.abs((apart * z[rows]).sum(axis=1)))
    assert clustered_mean(changes[1] - changes[0], rows).ci_high < 0


@pytest.mark.slow
def test_it_falls_for_real_photos_that_are_held_out(shared_data):
    """The built-in model; photos of Flickr8k's training and test parts, faces of UTKFace."""
    encoder = DualEncoder.from_pretrained("unskew/mini")
    faces = [load_images(shared_data / "utkface", part) for part in ("train", "validation")]
    photos_of = partial(load_captioned, shared_data / "flickr8k_subset")
    data = fitting_data(encoder, *faces, ("gender",), [photos_of("train")])
    held_out = photos_of("test")
    rows, said, swapped = (list(x) for x in zip(*pairs(held_out), strict=True))
    apart = encoder.embed_texts(swapped) - encoder.embed_texts(said)
    settings = AdversarialSettings(steps=100, batch_size=16)
    changes = []
    for weight in (0.0, 30.0):
        debiased = train_adversarial(encoder, data, replace(settings, swap_weight=weight))
        z = debiased.apply(encoder).embed_images(held_out.images)
        changes.append(np.abs((apart * z[rows]).sum(axis=1)))
    assert len(rows) > 400
    assert clustered_mean(changes[1] - changes[0], rows).ci_high < 0


def test_without_it_nothing_changes_and_nothing_is_asked(encoder, data, tmp_path, monkeypatch):
    monkeypatch.setattr("unskew.debias.plan.swapped_photos", None)
    train_adversarial(encoder, data, replace(SETTINGS, steps=3), out=tmp_path)
    assert all(step["image/swapped"] == 0 for step in setup.losses(tmp_path))


def test_the_term_is_the_squared_gap_of_the_definition(encoder, data):
    z = encoder.embed_images(PHOTOS.images)
    expected = []
    for row, *texts in pairs(PHOTOS):
        cosines = encoder.embed_texts(texts) @ z[row]
        expected.append(np.mean(((cosines - cosines.mean()) / TEMPERATURE) ** 2))
    settings = replace(SETTINGS, swap_weight=1.0)
    modality = prepared(encoder, data, settings, seed=0).modalities["image"]
    gaps = modality.swaps.gaps(modality.originals, torch.arange(len(modality.originals)))
    assert len(expected) == 30
    np.testing.assert_allclose(gaps.numpy(), expected, rtol=1e-3, atol=1e-6)


def test_photos_without_such_captions_are_refused(encoder):
    settings = replace(SETTINGS, swap_weight=1.0)
    with pytest.raises(InputError, match=r"mentions just one subgroup of gender.*swap_weight"):
        train_adversarial(encoder, setup.tiny_data(encoder), settings)
    with pytest.raises(InputError, match=r"swap_weight trains the image tower.*image,text"):
        replace(settings, towers=("text",))
    with pytest.raises(InputError, match=r"swap_weight is -1\.0; it must be 0 or more"):
        replace(SETTINGS, swap_weight=-1.0)
