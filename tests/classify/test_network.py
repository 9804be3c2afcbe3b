"""ResNet18: its shape, its stem, its weights, and what transformers makes of it."""

import pytest
import torch
from torch import nn
from transformers import AutoModelForImageClassification

from unskew.classify import resnet18
from unskew.errors import InputError


def test_it_has_the_parameters_of_resnet18():
    # torchvision's resnet18 has 11,689,512 with 1,000 classes, of which the last layer 513,000.
    network = resnet18(1000, 224)
    assert sum(p.numel() for p in network.parameters()) == 11_689_512
    assert len([m for m in network.modules() if isinstance(m, nn.Conv2d)]) == 20


@pytest.mark.parametrize(
    ("size", "downsample", "sides"),
    [
        (28, False, [28, 28, 14, 7, 4]),
        (64, True, [64, 32, 16, 8, 4]),
        (65, False, [17, 17, 9, 5, 3]),
    ],
)
def test_small_images_keep_their_resolution(size, downsample, sides):
    network = resnet18(3, size, width=4, downsample=downsample).eval()
    output = network(torch.zeros(1, 3, size, size), output_hidden_states=True)
    assert [h.shape[-1] for h in output.hidden_states] == sides
    assert [h.shape[1] for h in output.hidden_states] == [4, 4, 8, 16, 32]


def test_dropout_lies_between_the_stages():
    network = resnet18(3, 16, 0.4, width=4)
    found = [n for n, m in network.named_modules() if isinstance(m, nn.Dropout)]
    assert found == [f"resnet.encoder.stages.{i}.layers.2" for i in range(3)]
    images = torch.randn(4, 3, 16, 16)
    network.eval()
    assert torch.equal(network(images).logits, network(images).logits)
    network.train()
    assert not torch.equal(network(images).logits, network(images).logits)


def test_the_seed_gives_the_weights_and_leaves_the_global_generator_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    a, b, c = (resnet18(2, 16, width=4, seed=s) for s in (1, 1, 2))
    assert torch.equal(torch.rand(3), expected)
    stem = "resnet.embedder.embedder.convolution.weight"
    assert torch.equal(a.state_dict()[stem], b.state_dict()[stem])
    assert not torch.equal(a.state_dict()[stem], c.state_dict()[stem])


def test_the_new_stem_is_initialised_like_the_rest():
    weights = resnet18(2, 28).resnet.embedder.embedder.convolution.weight
    assert weights.std().item() == pytest.approx((2 / (64 * 9)) ** 0.5, rel=0.05)  # He, fan out


@pytest.mark.parametrize("size", [16, 72])
def test_transformers_saves_and_loads_it(tmp_path, size):
    network = resnet18(3, size, 0.4, width=4, seed=3).eval()
    network.config.image_mean = [0.1, 0.2, 0.3]
    network.save_pretrained(tmp_path)
    loaded = AutoModelForImageClassification.from_pretrained(tmp_path).eval()
    images = torch.randn(2, 3, size, size)
    assert torch.equal(network(images).logits, loaded(images).logits)
    assert torch.equal(network.features(images), loaded.features(images))
    assert loaded.config.dropout == 0.4
    assert list(loaded.config.image_mean) == [0.1, 0.2, 0.3]


def test_features_are_what_the_last_layer_sees():
    network = resnet18(3, 16, width=4).eval()
    images = torch.randn(2, 3, 16, 16)
    assert network.features(images).shape == (2, 32)
    assert torch.equal(network.classifier(network.features(images)), network(images).logits)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_classes": 1}, "n_classes is 1"),
        ({"image_size": 4}, "image_size is 4"),
        ({"dropout": 1.0}, r"dropout is 1\.0"),
        ({"width": 0}, "width is 0"),
    ],
)
def test_arguments_that_make_no_sense(arguments, message):
    with pytest.raises(InputError, match=message):
        resnet18(**{"n_classes": 2, "image_size": 28, **arguments})
