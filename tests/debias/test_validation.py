"""Scores of candidates on held-out images, against the parts they are made of."""

import numpy as np
import planted
import pytest

from unskew.debias.fitting import fitting_data
from unskew.debias.utility import headed
from unskew.debias.validation import Validator
from unskew.encoders.heads import Affine, Heads
from unskew.errors import InputError
from unskew.measures import able, max_skew, retrieval, zero_shot_hits
from unskew.stimuli import load_stimuli


@pytest.fixture(scope="module")
def setting():
    album = planted.album()
    encoder = planted.encoder_for(album)
    preserve = (album[0], planted.things())
    fit, held = planted.people(120, "fit"), planted.people(80, "held", seed=5)
    data = fitting_data(encoder, fit, held, ["gender"], preserve)
    return encoder, data


def without(axis):
    keep = np.eye(planted.DIM)
    keep[axis, axis] = 0
    return Heads(image=Affine(keep))


def test_scores_are_those_of_the_measures(setting):
    encoder, data = setting
    found = Validator(encoder, data).scores(Heads())
    prompts = encoder.embed_texts(load_stimuli("ranking_benchmark").ranking.prompts)
    groups = [data.subgroups[label] for label in data.validation.labels]
    skews = max_skew(prompts @ data.validation.embeddings.T, groups, 20, "pool")
    assert found.max_skew == pytest.approx(skews.mean())
    album, things = data.preserve_images
    texts = encoder.embed_texts([both[0] for both in album.captions])
    ranked = retrieval(encoder.embed_images(album.images), texts, range(len(album)))
    recalls = ranked.image_recall(5), ranked.caption_recall(5)
    classes = encoder.embed_texts(planted.CLASSES, template="a photo of a {}")
    hits = zero_shot_hits(encoder.embed_images(things.images), classes, things.data["label"][:])
    assert found.recall == pytest.approx(np.mean(recalls))
    assert found.accuracy == pytest.approx(hits.mean())
    assert found.utility == pytest.approx(np.mean([*recalls, hits.mean()]))
    assert found.able == pytest.approx(able(hits.mean(), skews.mean()))
    assert found.accuracy > 0.5
    assert found.recall > 0.5


def test_removing_the_planted_axis_is_seen_and_costs_little(setting):
    validator = Validator(*setting)
    before, after = validator.scores(Heads()), validator.scores(without(planted.GENDER))
    assert before.max_skew > before.chance_max_skew + 0.2
    assert after.max_skew < before.chance_max_skew + 0.1
    assert after.utility > before.utility - 0.05
    assert validator.able(without(planted.GENDER)) == after.able > before.able


def test_chance_is_the_mean_over_random_rankings(setting):
    encoder, data = setting
    groups = [data.subgroups[label] for label in data.validation.labels]
    draws = max_skew(np.random.default_rng(0).random((2000, 80)), groups, 20, "pool")
    expected = Validator(encoder, data).scores(Heads()).chance_max_skew
    assert draws.mean() == pytest.approx(expected, abs=0.01)


def test_an_encoder_with_other_towers_scores_as_a_head_that_does_the_same(setting):
    encoder, data = setting
    validator = Validator(encoder, data)
    heads = without(planted.GENDER)
    trained = planted.PixelEncoder(encoder.texts, heads.image.weight.numpy())
    assert validator.scores_of(trained).able == pytest.approx(validator.able(heads), abs=1e-6)


def test_a_limit_takes_the_same_images_for_every_encoder(setting):
    encoder, data = setting
    validator = Validator(encoder, data)
    encoder.forwards = 0
    few = validator.scores_of(encoder, limit=20, seed=3)
    assert encoder.forwards == 60
    assert validator.scores_of(encoder, limit=20, seed=3) == few
    assert validator.scores_of(encoder, limit=20, seed=4) != few
    assert validator.scores_of(encoder, limit=10_000) == validator.scores(Heads())


def test_recall_takes_the_place_of_accuracy_where_there_are_no_classes(setting):
    encoder, data = setting
    only = fitting_data(
        encoder, data.fit.images, data.validation.images, ["gender"], data.preserve_images[:1]
    )
    found = Validator(encoder, only).scores(Heads())
    assert np.isnan(found.accuracy)
    assert found.able == pytest.approx(able(found.recall, found.max_skew))


def test_nothing_to_measure_utility_on_is_said(setting):
    encoder, data = setting
    bare = fitting_data(encoder, data.fit.images, data.validation.images, ["gender"])
    with pytest.raises(InputError, match="no image set to preserve has captions"):
        Validator(encoder, bare)


def test_a_head_that_ends_at_zero_is_said():
    with pytest.raises(InputError, match="zero or not finite"):
        headed(Affine(np.zeros((3, 3))), np.eye(3, dtype=np.float32))
