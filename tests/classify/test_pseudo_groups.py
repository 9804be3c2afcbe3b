"""Pseudo-groups of a dual encoder, and groups of a wanted agreement with the true ones."""

import numpy as np
import pytest
from datasets import load_dataset
from sklearn.metrics import adjusted_rand_score

from unskew.classify.pseudo_groups import pseudo_groups
from unskew.classify.simulated import corrected, corrupted
from unskew.encoders import DualEncoder
from unskew.errors import InputError
from unskew.stimuli import load_descriptions

TEXTS = {
    "A photo of a cat.": [1.0, 0, 0],
    "A photo of a dog.": [0, 1.0, 0],
    "A photo of an owl.": [0, 0, 1.0],
    "An owl": [0.6, 0, 0.8],
    "A cat": [0, 1.0, 0],
    "A dog": [0, 1.0, 0],
}


class Encoder:
    """Embeds the texts above; an image is its own embedding."""

    def __init__(self):
        self.asked = []

    def embed_texts(self, texts):
        self.asked += texts
        return np.array([TEXTS[text] for text in texts], dtype=np.float32)

    def embed_images(self, images, batch_size):
        return np.array(images, dtype=np.float32).reshape(-1, 3)


IMAGES = [[0.8, 0.6, 0], [0, 0.6, 0.8], [0, 1, 0]]


def test_an_image_belongs_to_its_most_similar_description():
    encoder = Encoder()
    found = pseudo_groups(encoder, IMAGES, {"cat": ["cat"], "others": ["dog", "owl"]})
    assert encoder.asked == ["A photo of a cat.", "A photo of a dog.", "A photo of an owl."]
    assert found.names == ("cat", "others")
    assert found.labels.dtype == np.int64
    assert found.labels.tolist() == [0, 1, 1]
    assert found.scores == pytest.approx(np.array([[0.8, 0.6], [0, 0.8], [0, 1]]))
    assert found.counts == {"cat": 1, "others": 2}
    assert found.notes == ()


def test_templates_are_averaged_as_unit_vectors():
    templates = ["A photo of a {}.", "A {}"]
    found = pseudo_groups(Encoder(), IMAGES, {"owl": ["owl"], "cat": ["cat"]}, templates)
    owl, cat = np.array([0.6, 0, 1.8]), np.array([1.0, 1.0, 0])
    expected = np.array(IMAGES) @ np.stack([v / np.linalg.norm(v) for v in (owl, cat)], axis=1)
    assert found.scores == pytest.approx(expected, abs=1e-6)


def test_a_group_without_images_is_noted():
    found = pseudo_groups(Encoder(), IMAGES[2:], {"cat": ["cat"], "dog": ["dog"]})
    assert found.notes == ("no image of 1 was seen as 'cat'",)


@pytest.mark.parametrize(
    ("descriptions", "templates", "images", "message"),
    [
        ({"cat": ["cat"]}, ["{}"], IMAGES, "at least two, got"),
        ({"cat": ["cat"], "dog": []}, ["{}"], IMAGES, "descriptions of 'dog' must be a list"),
        ({"cat": ["cat"], "dog": "dog"}, ["{}"], IMAGES, "descriptions of 'dog' must be a list"),
        ({"cat": ["cat"], "dog": ["cat"]}, ["{}"], IMAGES, "'cat' describes both 'cat' and 'dog'"),
        ({"cat": ["cat"], "dog": ["dog"]}, ["a photo"], IMAGES, "exactly once"),
        ({"cat": ["cat"], "dog": ["dog"]}, "{}", IMAGES, "templates must be a list"),
        ({"cat": ["cat"], "dog": ["dog"]}, ["A {}"], [], "no images"),
    ],
)
def test_bad_descriptions(descriptions, templates, images, message):
    with pytest.raises(InputError, match=message):
        pseudo_groups(Encoder(), images, descriptions, templates)


def test_the_built_in_model_groups_real_faces(shared_data):
    faces = load_dataset(
        "parquet",
        data_files=str(shared_data / "utkface" / "validation-00000-of-00001.parquet"),
        split="train[:150]",
    )
    descriptions = load_descriptions()
    encoder = DualEncoder.from_pretrained("unskew/mini")
    found = pseudo_groups(encoder, faces["image"], descriptions.attribute("gender").default)
    assert found.names == ("male", "female")
    assert adjusted_rand_score(faces["gender"], found.labels) > 0.2
    assert np.mean(found.labels == np.array(faces["gender"])) > 0.7


@pytest.fixture(scope="module")
def groups():
    return np.random.default_rng(0).choice(3, 2_000, p=[0.6, 0.3, 0.1])


@pytest.mark.parametrize("ari", [0.0, 0.2, 0.45, 0.9, 1.0])
def test_corrupted_groups_agree_as_wanted(groups, ari):
    found = corrupted(groups, ari, seed=3)
    assert adjusted_rand_score(groups, found) == pytest.approx(ari, abs=0.01)
    assert np.array_equal(found, corrupted(groups, ari, seed=3))
    assert np.bincount(found) / 2_000 == pytest.approx(np.bincount(groups) / 2_000, abs=0.03)
    if 0 < ari < 1:
        assert not np.array_equal(found, corrupted(groups, ari, seed=4))


def test_corrected_groups_keep_the_errors_that_are_left(groups):
    pseudo = np.where(np.random.default_rng(1).random(2_000) < 0.3, 0, groups)
    start = adjusted_rand_score(groups, pseudo)
    for ari in (start, 0.7, 1.0):
        found = corrected(pseudo, groups, ari)
        assert adjusted_rand_score(groups, found) == pytest.approx(ari, abs=0.01)
        assert ((found == groups) | (found == pseudo)).all()
    with pytest.raises(InputError, match=r"0\.1 cannot be met: the nearest is"):
        corrected(pseudo, groups, 0.1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: corrupted([0, 1], 1.5), "between 0 and 1"),
        (lambda: corrupted([0, 0, 0], 0.5), "cannot be met"),
        (lambda: corrupted([0.5, 1.0], 0.5), "one whole number per image"),
        (lambda: corrected([0, 1], [0, 1, 1], 1), "2 pseudo-groups but 3 groups"),
    ],
)
def test_what_cannot_be_simulated(call, message):
    with pytest.raises(InputError, match=message):
        call()
