"""The protocol's figures against the measures, the audit, and what is planted."""

import json
from dataclasses import replace

import numpy as np
import planted
import pytest
from sklearn.linear_model import LogisticRegression

from unskew.audit import audit_model
from unskew.debias.fitting import labelled
from unskew.debias.protocol import Scores, evaluate
from unskew.debias.seen import HeldOut, check_held_out, see
from unskew.encoders.heads import Affine, Heads
from unskew.errors import InputError
from unskew.measures import able, max_skew, representation_skew
from unskew.stimuli import load_stimuli


@pytest.fixture(scope="module")
def setting():
    album = planted.album()
    encoder = planted.encoder_for(album)
    held = HeldOut(
        planted.people(80, "near", seed=5),
        planted.people(60, "far", seed=6, shift=0.2),
        album[0],
        planted.things(),
    )
    probe = labelled(encoder, planted.people(200, "fit"), ["gender"])
    return encoder, held, probe


@pytest.fixture(scope="module")
def seen(setting):
    encoder, held, probe = setting
    return see(encoder, held, ["gender"], probe)


def without_gender():
    keep = np.eye(planted.DIM)
    keep[planted.GENDER, planted.GENDER] = 0
    return Heads(image=Affine(keep))


def test_rankings_are_those_of_the_measures(setting, seen):
    encoder, held, _ = setting
    found = evaluate(seen)
    prompts = encoder.embed_texts(load_stimuli("ranking_benchmark").ranking.prompts)
    for images, scores in (
        (held.in_domain, found.in_domain),
        (held.out_of_domain, found.out_of_domain),
    ):
        vectors, groups = encoder.embed_images(images.images), images.labels("gender").tolist()
        k = len(images) // 4
        r = representation_skew(prompts @ vectors.T, groups, k, "pool", permutations=1)
        assert scores.k == k
        assert scores.max_skew == pytest.approx(r.max_skew)
        assert scores.ndkl == pytest.approx(r.ndkl)
        assert (scores.chance_max_skew, scores.chance_ndkl) == (r.chance_max_skew, r.chance_ndkl)
        assert np.mean(scores.by_concept) == pytest.approx(r.max_skew)
        assert len(scores.by_concept) == 29
        assert scores.max_skew_ci[0] < scores.max_skew < scores.max_skew_ci[1]
    concepts = load_stimuli("ranking_benchmark").ranking.concepts
    kind = [i for i, text in enumerate(seen.prompts[:319]) if i % 29 == concepts.index("kind")]
    vectors = encoder.embed_images(held.in_domain.images)
    groups = held.in_domain.labels("gender").tolist()
    by_hand = max_skew(prompts[kind] @ vectors.T, groups, 20, "pool").mean()
    assert found.in_domain.by_concept[concepts.index("kind")] == pytest.approx(by_hand)


def test_effect_sizes_are_those_of_the_audit(setting, seen):
    encoder, held, _ = setting
    report = audit_model(encoder, held.in_domain, ["mmbias", "contrast_prompts"], permutations=10)
    d = [abs(r.effect_size) for r in report.pairs if r.section in ("attributes", "contrasts")]
    found = evaluate(seen).in_domain
    assert found.weat_tests == len(d) == 13
    assert (found.weat_mean, found.weat_max) == pytest.approx((np.mean(d), np.max(d)))


def test_chance_effect_is_what_permuted_labels_give(seen):
    rng = np.random.default_rng(0)
    faces, found = seen.in_domain, []
    for _ in range(25):
        mixed = replace(seen, in_domain=replace(faces, labels=rng.permutation(faces.labels)))
        found.append(evaluate(replace(mixed, out_of_domain=None)).in_domain)
    assert np.mean([f.weat_mean for f in found]) == pytest.approx(
        found[0].chance_weat_mean, rel=0.25
    )
    assert np.mean([f.max_skew for f in found]) == pytest.approx(found[0].chance_max_skew, abs=0.03)


def test_the_probe_is_fitted_on_fitting_images_and_judged_on_others(seen):
    found = evaluate(seen)
    plain = LogisticRegression().fit(seen.probe.embeddings, seen.probe.labels)
    near = plain.score(seen.in_domain.embeddings, seen.in_domain.labels)
    assert found.in_domain.probe == pytest.approx(near, abs=0.05)
    assert found.in_domain.probe > 0.95
    assert found.in_domain.chance_probe == 0.5


def test_a_small_direction_is_no_hiding_place(seen):
    shrink = np.eye(planted.DIM)
    shrink[planted.GENDER, planted.GENDER] = 1e-3
    assert evaluate(seen.through(Heads(image=Affine(shrink)), "x")).in_domain.probe > 0.9


def test_removing_the_planted_axis_is_seen_and_costs_little(seen):
    before, after = evaluate(seen), evaluate(seen.through(without_gender(), "without"))
    for name in ("in_domain", "out_of_domain"):
        old, new = getattr(before, name), getattr(after, name)
        assert new.max_skew < old.chance_max_skew + 0.1 < old.max_skew
        assert new.ndkl < old.ndkl
        assert new.probe < 0.7
    assert after.in_domain.weat_mean < before.in_domain.weat_mean / 2
    assert after.figures()["utility"] > before.figures()["utility"] - 0.05
    assert after.figures()["able"] > before.figures()["able"]


def test_heads_give_what_an_encoder_that_does_the_same_gives(setting, seen):
    encoder, held, probe = setting
    turn = np.linalg.qr(np.random.default_rng(3).normal(size=(planted.DIM, planted.DIM)))[0]
    texts = {}
    for text in {*seen.prompts, *encoder.texts}:
        texts[text] = turn @ encoder.embed_texts([text])[0].astype(float)
    trained = planted.PixelEncoder(texts, without_gender().image.weight.numpy())
    heads = Heads(image=without_gender().image, text=Affine(turn))
    one = evaluate(seen.through(heads, "heads")).figures()
    two = evaluate(see(trained, held, ["gender"], probe)).figures()
    assert one == pytest.approx(two, abs=1e-6)


def test_utility_and_able_are_made_of_their_parts(seen):
    scores = evaluate(seen)
    found, chance = scores.figures(), scores.chance()
    parts = found["i2t_5"], found["t2i_5"], found["zero_shot"]
    assert found["utility"] == pytest.approx(np.mean(parts))
    assert found["able"] == pytest.approx(able(found["zero_shot"], found["max_skew_in"]))
    assert found["i2t_1"] <= found["i2t_5"] <= found["i2t_10"]
    image, captions, owned = np.array(scores.retrieval.hits).sum(axis=0)
    assert image / scores.retrieval.n == pytest.approx(found["i2t_5"])
    assert captions / owned == pytest.approx(found["t2i_5"])
    assert np.mean(scores.zero_shot.hits) == found["zero_shot"]
    assert chance["zero_shot"] == 1 / len(planted.CLASSES)
    assert chance["t2i_10"] == 10 / 40
    assert set(chance) == set(found) - {"weat_max_in", "weat_max_out"}


def test_what_no_set_was_given_for_is_left_out(seen):
    bare = replace(seen, out_of_domain=None, photos=None, classified=None)
    found = evaluate(bare).figures()
    assert set(found) == {f"{n}_in" for n in ("max_skew", "ndkl", "weat_mean", "weat_max", "probe")}
    only = evaluate(replace(bare, photos=seen.photos)).figures()
    assert only["utility"] == pytest.approx((only["i2t_5"] + only["t2i_5"]) / 2)
    assert "able" not in only


def test_k_is_a_share_that_holds_out_of_domain_too(seen):
    found = evaluate(seen, k=40)
    assert (found.in_domain.k, found.out_of_domain.k) == (40, 30)
    for k in (0, 80):
        with pytest.raises(InputError, match=r"k is \d+; near has 80 images, so use 1..79"):
            evaluate(seen, k=k)


def test_scores_survive_json(seen):
    scores = evaluate(seen)
    assert Scores.from_dict(json.loads(json.dumps(scores.to_dict()))) == scores
    bare = evaluate(replace(seen, out_of_domain=None, photos=None, classified=None))
    assert Scores.from_dict(json.loads(json.dumps(bare.to_dict()))) == bare


def test_sets_that_cannot_be_judged_are_named(setting):
    encoder, held, probe = setting
    fitted = [probe.images], planted.people(20, "chosen by", seed=9)
    for role in ("in_domain", "out_of_domain"):
        with pytest.raises(InputError, match=r"things.*has no category 'gender'"):
            check_held_out(replace(held, **{role: planted.things()}), ["gender"], *fitted)
    several = planted.things()
    several = replace(
        several, data=several.data.add_column("kind", ["a", "b"] * 30), categories=("label", "kind")
    )
    with pytest.raises(InputError, match="needs one category, the class; it has label, kind"):
        check_held_out(replace(held, zero_shot=several), ["gender"], *fitted)
    with pytest.raises(InputError, match="both in near, row 0 and in near, row 0"):
        check_held_out(replace(held, out_of_domain=held.in_domain), ["gender"], *fitted)
    check_held_out(held, ["gender"], *fitted)
    people = planted.people(80, "few")
    few = replace(people, data=people.data.select([0, 1, 2, 3, 4, 6, 8, 10]))
    with pytest.raises(InputError, match=r"few: 'Female' has 2 images"):
        see(encoder, replace(held, in_domain=few), ["gender"], probe)
    one = replace(people, data=people.data.select(range(0, 80, 2)))
    with pytest.raises(InputError, match="one subgroup only"):
        see(encoder, replace(held, out_of_domain=one), ["gender"], probe)
