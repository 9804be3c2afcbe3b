"""The picture of a representation, and the table of losses by attribute."""

import numpy as np
import pytest
from PIL import Image
from scipy import stats
from sklearn.cluster import KMeans

from unskew.classify.loss_table import loss_table
from unskew.classify.representation import draw_representation, tsne
from unskew.errors import InputError


def blobs(n, rng):
    labels = rng.integers(0, 2, n)
    return rng.normal(size=(n, 10)) + 12 * labels[:, None], labels


def test_tsne_keeps_clusters_apart():
    features, labels = blobs(80, np.random.default_rng(0))
    points = tsne(features)
    assert points.shape == (80, 2)
    found = KMeans(2, n_init=4, random_state=0).fit_predict(points)
    assert np.mean(found == labels) in (0, 1)
    assert np.array_equal(points, tsne(features))
    assert tsne(np.random.default_rng(0).normal(size=(6, 1))).shape == (6, 2)


def test_two_panels_are_saved(tmp_path):
    features, true = blobs(60, np.random.default_rng(0))
    predicted = np.where(np.arange(60) < 20, 2, true)
    path = tmp_path / "tsne.png"
    rows = draw_representation(
        features,
        predicted,
        true,
        ["male", "female", "unsure"],
        ["male", "female"],
        path,
        title="blond hair, $5",
    )
    assert rows.tolist() == list(range(60))
    with Image.open(path) as picture:
        pixels = np.asarray(picture.convert("RGB")).reshape(-1, 3)
        assert picture.width > 2 * picture.height
    half = np.asarray(Image.open(path).convert("RGB"))
    left, right = half[:, : half.shape[1] // 2], half[:, half.shape[1] // 2 :]
    unsure = [76, 187, 157]  # the third colour on white, as far as it is opaque
    found = [(np.abs(side.astype(int) - unsure).sum(2) < 20).any() for side in (left, right)]
    assert found == [True, False], "the colour of 'unsure' belongs to the left panel alone"
    assert len(np.unique(pixels, axis=0)) > 10


def test_many_images_are_thinned_out(tmp_path, monkeypatch):
    monkeypatch.setattr("unskew.classify.representation._MOST", 30)
    features, true = blobs(90, np.random.default_rng(0))
    names = ["a", "b"]
    rows = draw_representation(features, true, true, names, names, tmp_path / "p.png", seed=1)
    assert len(set(rows.tolist())) == 30
    assert rows.max() > 40


@pytest.mark.parametrize(
    ("features", "labels", "names", "message"),
    [
        (np.ones((3, 2)), [0, 0, 0], ["a"], "at least 5 rows"),
        (np.full((9, 2), np.nan), [0] * 9, ["a"], "features are not finite"),
        (np.ones((9, 2)), [0] * 8, ["a"], "9 features but 8 attributes"),
        (np.ones((9, 2)), [1] * 9, ["a"], "an attribute has no name"),
        (np.ones((9, 2)), [0] * 9, list("abcdefghi"), "more than the 8 colours"),
    ],
)
def test_what_cannot_be_drawn(features, labels, names, message, tmp_path):
    with pytest.raises(InputError, match=message):
        draw_representation(features, labels, labels, names, names, tmp_path / "p.png")


def test_losses_by_true_and_predicted_attribute():
    losses = np.array([1.0, 2.0, 4.0, 7.0, 0.5])
    true, predicted = [0, 0, 0, 1, 1], [0, 0, 0, 0, 2]
    table = loss_table(losses, true, predicted, ["a", "b"], ["a", "b", "unsure"])
    assert [(c.true, c.predicted, c.n) for c in table.cells] == [
        ("a", "a", 3),
        ("a", "b", 0),
        ("a", "unsure", 0),
        ("b", "a", 1),
        ("b", "b", 0),
        ("b", "unsure", 1),
    ]
    first, empty, single = table.cells[0], table.cells[1], table.cells[3]
    expected = stats.ttest_1samp(losses[:3], 0).confidence_interval(0.95)
    assert first.mean == pytest.approx(7 / 3)
    assert (first.low, first.high) == pytest.approx((expected.low, expected.high))
    assert np.isnan([empty.mean, empty.low, empty.high]).all()
    assert empty.reason == "no such image"
    assert single.mean == 7
    assert np.isnan([single.low, single.high]).all()
    assert single.reason == "one image has no spread"
    wide = loss_table(losses, true, predicted, "ab", "abc", confidence=0.99).cells[0]
    assert wide.high - wide.low > first.high - first.low


@pytest.mark.parametrize(
    ("losses", "true", "options", "message"),
    [
        ([1.0, 2.0], [0], {}, "one number per image each"),
        ([1.0, np.nan], [0, 0], {}, "the loss of image 1 is not finite"),
        ([1.0, 2.0], [0, 3], {}, "attribute 3 has no name; there are 2"),
        ([1.0, 2.0], [0, 0], {"confidence": 1.0}, "confidence must be between"),
    ],
)
def test_bad_losses(losses, true, options, message):
    with pytest.raises(InputError, match=message):
        loss_table(losses, true, true, "ab", "ab", **options)
