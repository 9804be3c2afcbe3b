"""Augmentation: what it may change, how often, and that it follows from its generator."""

import pytest
import torch

from unskew.classify import augment
from unskew.classify.augment import augmented, grey


def images(n=1, seed=0):
    return torch.rand(n, 3, 5, 5, generator=torch.Generator().manual_seed(seed))


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_same_generator_same_views():
    given = images(20)
    before = given.clone()
    first, second, third = (augmented(given, generator(s)) for s in (1, 1, 2))
    assert torch.equal(first, second)
    assert not torch.equal(first, third)
    assert torch.equal(given, before)
    assert first.shape == given.shape
    assert first.min() >= 0
    assert first.max() <= 1


def test_flips_alone(monkeypatch):
    monkeypatch.setattr(augment, "JITTER", 0.0)
    monkeypatch.setattr(augment, "GREYSCALE", 0.0)
    image = images()
    views = augmented(image.expand(4000, -1, -1, -1), generator())
    flipped = (views - image.flip(3)).abs().amax((1, 2, 3)) < 1e-5
    kept = (views - image).abs().amax((1, 2, 3)) < 1e-5
    assert (flipped ^ kept).all()
    assert flipped.double().mean().item() == pytest.approx(0.5, abs=0.03)


def test_greyscale_happens_one_time_in_five():
    views = augmented(images().expand(4000, -1, -1, -1), generator())
    is_grey = (views.amax(1) - views.amin(1)).amax((1, 2)) == 0
    assert is_grey.double().mean().item() == pytest.approx(0.2, abs=0.03)


def test_brightness_is_scaled_by_up_to_the_jitter(monkeypatch):
    monkeypatch.setattr(augment, "GREYSCALE", 0.0)
    # A constant grey image has no contrast and no saturation to change.
    views = augmented(torch.full((4000, 3, 2, 2), 0.5), generator())
    factors = views[:, 0, 0, 0] / 0.5
    assert factors.min().item() == pytest.approx(0.6, abs=0.01)
    assert factors.max().item() == pytest.approx(1.4, abs=0.01)
    assert factors.mean().item() == pytest.approx(1.0, abs=0.02)


def test_luma_is_that_of_pillow():
    from PIL import Image

    rgb = (images()[0] * 255).to(torch.uint8)
    expected = torch.tensor(
        list(Image.fromarray(rgb.movedim(0, 2).numpy()).convert("L").getdata()), dtype=torch.float
    )
    assert (grey(rgb.float()[None]).flatten() - expected).abs().max() <= 0.51
