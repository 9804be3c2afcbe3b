"""Predictions in order and in evaluation mode, and the scores made of them."""

import math

import numpy as np
import pytest
import torch
from classify_sets import settings, squares

from unskew.classify import OBJECTIVES, Pixels, Predictions
from unskew.classify.predict import empty_groups, predict, scores
from unskew.errors import InputError


def test_batches_change_nothing_and_the_mode_is_kept():
    network, pixels = settings().network(3, 12), squares(20)
    network.train()
    whole, parts = predict(network, pixels, 20), predict(network, pixels, 7)
    assert network.training
    assert whole.logits.shape == (20, 3)
    assert whole.features.shape == (20, 32)
    np.testing.assert_allclose(whole.logits, parts.logits, atol=1e-5)
    np.testing.assert_array_equal(whole.classes, whole.logits.argmax(1))


def test_images_are_normalised_as_the_config_says():
    network, pixels = settings().network(3, 12).eval(), squares(4)
    network.config.image_mean, network.config.image_std = pixels.mean_and_std
    mean, std = (torch.tensor(x)[:, None, None] for x in pixels.mean_and_std)
    by_hand = network((pixels.images / 255 - mean) / std).logits.detach().numpy()
    np.testing.assert_allclose(predict(network, pixels).logits, by_hand, atol=1e-5)


def test_scores_by_hand():
    # Groups: (0, 0) 2 of 2 right, (0, 1) 0 of 1, (1, 0) 1 of 2, (1, 1) 1 of 1.
    targets, attributes = torch.tensor([0, 0, 0, 1, 1, 1]), torch.tensor([0, 0, 1, 0, 0, 1])
    images = torch.zeros(6, 3, 2, 2, dtype=torch.uint8)
    pixels = Pixels(images, targets, attributes, ("a", "b"), ("c", "d"))
    logits = np.eye(2, dtype=np.float32)[[0, 0, 1, 1, 0, 1]]
    found = scores(Predictions(logits, logits), pixels, OBJECTIVES["sos"])
    assert found["accuracy"] == pytest.approx(4 / 6)
    assert found["unbiased_accuracy"] == pytest.approx((1 + 0 + 0.5 + 1) / 4)
    assert found["worst_group_accuracy"] == 0
    assert found["validation_loss"] == pytest.approx(2 / 6)


def test_an_empty_group_is_named_and_its_scores_are_undefined():
    pixels = squares(12).select(torch.tensor([0, 1, 2, 3]))  # blue, light and green, light lack
    assert empty_groups(pixels) == ["green, light", "blue, light"]
    logits = np.zeros((4, 3), dtype=np.float32)
    found = scores(Predictions(logits, logits), pixels, OBJECTIVES["sos"])
    assert math.isnan(found["unbiased_accuracy"])
    assert math.isnan(found["worst_group_accuracy"])
    assert found["accuracy"] == 0.5


def test_refusals():
    network = settings().network(3, 12)
    with pytest.raises(InputError, match=r"images are 16 x 16 pixels .* is for 12 x 12"):
        predict(network, squares(3, size=16))
    with pytest.raises(InputError, match="batch_size is 0"):
        predict(network, squares(3), 0)
