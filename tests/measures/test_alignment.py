"""Retrieval, zero-shot accuracy, ABLE and the paired bootstrap, against counting by hand."""

import math

import numpy as np
import pytest
from scipy import stats

from unskew.errors import InputError
from unskew.measures import (
    able,
    percentile_interval,
    resampled_sums,
    retrieval,
    zero_shot_hits,
)

# Joint Vision-Language Social Bias Removal for CLIP, ViT-B/16, fitted on FairFace: MaxSkew@1000,
# ImageNet accuracy in percent, ABLE times 100.
PUBLISHED = {
    "gender, original": (0.218, 68.31, 73.87),
    "gender, CLIP-clip": (0.103, 68.00, 77.55),
    "gender, biased prompts": (0.161, 65.07, 73.78),
    "gender, joint": (0.080, 68.05, 78.35),
    "gender, without counterfactuals": (0.167, 68.28, 75.58),
    "gender, without alignment": (0.095, 67.84, 77.71),
    "age, original": (0.657, 68.31, 58.94),
    "age, joint": (0.608, 68.34, 60.61),
}


@pytest.mark.parametrize("row", PUBLISHED)
def test_able_reproduces_the_published_rows_to_rounding(row):
    """MaxSkew is published to three decimals, accuracy and ABLE to two."""
    skew, accuracy, published = PUBLISHED[row]
    lowest = 100 * able((accuracy - 0.005) / 100, skew + 0.0005)
    highest = 100 * able((accuracy + 0.005) / 100, skew - 0.0005)
    assert lowest - 0.005 <= published <= highest + 0.005
    assert highest - lowest < 0.05  # so the bounds above say something


def test_able_at_its_ends():
    assert able(1.0, 0.0) == 1.0
    assert able(0.0, 0.3) == 0.0
    assert able(0.5, math.log(2)) == pytest.approx(0.5)
    for accuracy, skew in ((1.1, 0.1), (-0.1, 0.1), (0.5, -0.01), (0.5, float("nan"))):
        with pytest.raises(InputError, match="ABLE"):
            able(accuracy, skew)


def by_hand(images, captions, owner, k):
    """Recall both ways by sorting, as the definition reads."""
    unit = [x / np.linalg.norm(x, axis=1, keepdims=True) for x in (images, captions)]
    scores = unit[0] @ unit[1].T
    first = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    found = [any(owner[c] == i for c in row) for i, row in enumerate(first)]
    back = np.argsort(-scores.T, axis=1, kind="stable")[:, :k]
    return np.mean(found), np.mean([owner[c] in row for c, row in enumerate(back)])


@pytest.mark.parametrize("k", [1, 5, 10])
def test_recall_is_what_sorting_gives(k):
    rng = np.random.default_rng(0)
    owner = np.repeat(np.arange(40), rng.integers(1, 6, 40))
    rng.shuffle(owner)  # captions of one image need not be neighbours
    images = rng.normal(size=(40, 8))
    captions = images[owner] + 1.5 * rng.normal(size=(len(owner), 8))
    found = retrieval(images, captions, owner)
    expected = by_hand(images, captions, owner, k)
    assert (found.image_recall(k), found.caption_recall(k)) == pytest.approx(expected)
    assert 0.1 < found.image_recall(k) <= 1


def test_perfect_retrieval_and_equal_scores():
    images = np.eye(4)
    found = retrieval(images, images, range(4))
    assert found.image_recall(1) == found.caption_recall(1) == 1
    flat = retrieval(np.ones((4, 3)), np.ones((8, 3)), [0, 0, 1, 1, 2, 2, 3, 3])
    assert flat.image_ranks.tolist() == [0, 2, 4, 6]  # no better than their places in the input
    assert flat.caption_ranks.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]


def test_chance_recall_is_that_of_random_embeddings():
    rng = np.random.default_rng(1)
    owner = np.repeat(np.arange(20), 5)
    draws = [
        retrieval(rng.normal(size=(20, 30)), rng.normal(size=(100, 30)), owner) for _ in range(300)
    ]
    both = np.mean([(d.image_recall(5), d.caption_recall(5)) for d in draws], axis=0)
    assert draws[0].chance(5) == pytest.approx(both, abs=0.02)
    assert draws[0].chance(5)[0] == pytest.approx(1 - stats.hypergeom(100, 5, 5).pmf(0))


def test_zero_shot_takes_the_nearest_class_by_angle():
    classes = np.array([[10.0, 0], [0, 1]])
    images = np.array([[1.0, 0.5], [0.5, 1], [2, 3]])
    assert zero_shot_hits(images, classes, [0, 1, 0]).tolist() == [True, True, False]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: retrieval(np.eye(3), np.eye(3), [0, 1, 1]), "image 2 has no caption"),
        (lambda: retrieval(np.eye(3), np.eye(3), [0, 1, 3]), "owners run from 0 to 3"),
        (lambda: retrieval(np.eye(3), np.eye(3), [0, 1]), "3 captions but owners"),
        (lambda: retrieval(np.eye(3), np.ones((3, 2)), [0, 1, 2]), "dimensions"),
        (lambda: zero_shot_hits(np.eye(3), np.eye(3), [0, 1, 3]), "labels run from 0 to 3"),
        (lambda: zero_shot_hits(np.eye(3), np.eye(3), [0, 1]), "3 images but labels"),
        (lambda: zero_shot_hits(np.eye(3), np.eye(3)[:1], [0, 0, 0]), "at least two classes"),
        (lambda: resampled_sums([[1.0]]), "1 items"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line(call, message):
    with pytest.raises(InputError, match=message) as error:
        call()
    assert "\n" not in str(error.value)


def test_the_bootstrap_agrees_with_the_normal_interval_of_a_paired_mean():
    rng = np.random.default_rng(2)
    before = rng.random(400) < 0.6
    after = np.where(rng.random(400) < 0.9, before, ~before)
    change = after.astype(float) - before
    low, high = percentile_interval(resampled_sums(change[:, None], seed=3)[:, 0] / 400)
    half = 1.96 * stats.sem(change)
    assert (low, high) == pytest.approx(
        (change.mean() - half, change.mean() + half), abs=0.15 * half
    )


def test_the_same_seed_draws_the_same_items():
    values = np.random.default_rng(4).random((50, 2))
    both = resampled_sums(values, 700, seed=5)
    assert both.shape == (700, 2)
    assert np.allclose(both[:, 0], resampled_sums(values[:, :1], 700, seed=5)[:, 0])
    ones = resampled_sums(np.ones((50, 1)), 700, seed=5)
    assert (ones == 50).all()
