"""However many subgroups are compared, a difference that is there can come out clear."""

from math import ceil, comb

import numpy as np
import pytest
from planted_images import COLD, DIM, WARM

from unskew import audit_model
from unskew.audit.texts import prompts_of
from unskew.encoders import LabelledEmbeddings, PrecomputedEncoder
from unskew.measures import association, weat_from_associations
from unskew.stimuli import Stimuli

# 780 pairs: Holm cannot bring a p of 1 / 10,001, the least of 10,000 draws, below 0.05.
SUBGROUPS = [f"s{k:02}" for k in range(40)]
PAIRS = comb(len(SUBGROUPS), 2)
ITEMS = 12  # 12 + 12 items have 2.7 million partitions: sampled, and not too few to be clear
PERMUTATIONS = 200


@pytest.fixture(scope="module")
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
                "categories": {"team": {s: [f"{s}-{i}" for i in range(ITEMS)] for s in SUBGROUPS}},
            },
            "contrasts": {"template": "{}!", "pairs": [["kind", "rude"], ["gentle", "cruel"]]},
            "image_attributes": {
                "category": "place",
                "a": {"name": "indoors", "subgroups": ["indoors"]},
                "b": {"name": "outdoors", "subgroups": ["outdoors"]},
            },
        }
    )


def leaning(towards: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Rows at an angle to the first axis, -1 to 1 of it, all but on one line."""
    rows = rng.normal(0, 1e-4, (len(towards), DIM))
    rows[:, 0] += towards
    rows[:, 1] += np.sqrt(1 - towards**2)
    return rows.astype(np.float32)


@pytest.fixture(scope="module")
def report(stimuli):
    """Forty subgroups along one line, none of them overlapping another."""
    rng = np.random.default_rng(0)
    place = dict(zip(SUBGROUPS, np.linspace(-0.9, 0.9, len(SUBGROUPS)), strict=True))
    team = np.repeat(SUBGROUPS, ITEMS)
    lean = np.array([place[s] for s in team]) + rng.uniform(-0.01, 0.01, len(team))
    images = LabelledEmbeddings(
        np.concatenate([leaning(lean, rng), leaning(np.repeat([0.95, -0.95], 10), rng)]),
        {
            "team": [*team.tolist(), *[None] * 20],
            "place": [None] * len(team) + ["indoors"] * 10 + ["outdoors"] * 10,
        },
        None,
        "line",
    )
    texts = prompts_of([stimuli])
    phrase = {f"{s}-{i}": place[s] + i / 1000 for s in SUBGROUPS for i in range(ITEMS)}
    warm = [0.99 if any(w in t for w in WARM) else -0.99 for t in texts]
    towards = np.array([phrase.get(t, w) for t, w in zip(texts, warm, strict=True)])
    encoder = PrecomputedEncoder(LabelledEmbeddings(leaning(towards, rng), {}, texts, "planted"))
    return audit_model(encoder, images, stimuli, permutations=PERMUTATIONS)


@pytest.mark.parametrize(
    ("section", "rows"),
    [
        ("attributes", PAIRS),
        ("contrasts", 2 * PAIRS),
        ("targets", PAIRS),
        ("image_attributes", PAIRS),
    ],
)
def test_every_pair_of_forty_subgroups_is_clear(report, section, rows):
    family = [r for r in report.pairs if r.section == section and r.category == "team"]
    assert len(family) == rows
    assert {r.exact for r in family} == {False}
    assert {r.n_permutations for r in family} == {ceil(2 * rows / (1 - 0.95))}
    assert all(r.clear for r in family)
    assert {r.favoured for r in family if r.favoured} <= {r.subgroup_b for r in family}


def test_a_small_family_gets_the_draws_asked_for(report):
    (place,) = [r for r in report.pairs if r.category == "place" and r.section == "attributes"]
    assert not place.exact
    assert place.n_permutations == PERMUTATIONS


def test_subgroups_of_unequal_size_are_compared_by_the_studentised_statistic(stimuli):
    rng = np.random.default_rng(1)
    lean = np.concatenate([rng.normal(0, 0.1, 60), rng.normal(0.05, 0.2, 15)])
    images = LabelledEmbeddings(leaning(lean, rng), {"team": ["a"] * 60 + ["b"] * 15}, None, "two")
    texts = prompts_of([stimuli])
    vectors = rng.normal(size=(len(texts), DIM)).astype(np.float32)
    encoder = PrecomputedEncoder(LabelledEmbeddings(vectors, {}, texts, "at random"))
    report = audit_model(encoder, images, stimuli, permutations=1000)
    team = [r for r in report.pairs if r.dataset == "two" and r.category == "team"]
    assert [r.section for r in team] == ["attributes", "contrasts", "contrasts"]
    for row, template in zip(team, ("a {} person", "{}!", "{}!"), strict=True):
        single = [row.attribute_a], [row.attribute_b]
        words = (WARM, COLD) if row.section == "attributes" else single
        a, b = (vectors[[texts.index(template.format(w)) for w in side]] for side in words)
        x, y = association(images.embeddings, a, b)[:60], association(images.embeddings, a, b)[60:]
        options = {"alternative": "two-sided", "permutations": 1000}
        found = weat_from_associations(x, y, statistic="studentised", **options)
        assert row.p_value == found.p_value
        assert row.p_value != weat_from_associations(x, y, **options).p_value
        assert row.effect_size == pytest.approx(found.effect_size, abs=1e-9)
