"""ResNet18 for images from 28 pixels up: transformers' ResNet, with the stem of small images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from huggingface_hub.dataclasses import strict
from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoModelForImageClassification,
    ResNetConfig,
    ResNetForImageClassification,
)
from transformers.models.resnet.modeling_resnet import ResNetConvLayer

from unskew.errors import InputError

SMALL = 64
"""Up to this many pixels an image is small: 7x7 kernels, stride 2 and pooling would blur it."""
MIN_SIZE = 8


@strict
class ClassifierConfig(ResNetConfig):
    """A ResNet, and what the data it is trained on ask for.

    Attributes:
        image_size: side of the images, in pixels.
        small_stem: a 3x3 convolution with stride 1 and no pooling comes first.
        dropout: rate between the stages.
        image_mean, image_std: per channel, of pixels in [0, 1]; what images are normalised by.
    """

    model_type = "unskew-resnet"

    image_size: int = 224
    small_stem: bool = False
    dropout: float = 0.0
    image_mean: list[float] | tuple[float, ...] = (0.5, 0.5, 0.5)
    image_std: list[float] | tuple[float, ...] = (0.5, 0.5, 0.5)


class Classifier(ResNetForImageClassification):
    """transformers' ResNet classifier, with another stem and dropout where its config says so.

    Parameters keep transformers' names. Dropout closes every stage but the last.
    """

    config_class = ClassifierConfig
    config: ClassifierConfig

    def __init__(self, config: ClassifierConfig) -> None:
        super().__init__(config)
        if config.small_stem:
            stem: Any = self.resnet.embedder
            stem.embedder = ResNetConvLayer(
                config.num_channels, config.embedding_size, kernel_size=3, stride=1
            )
            stem.pooler = nn.Identity()
        if config.dropout:
            stages: Any = self.resnet.encoder.stages[:-1]
            for stage in stages:
                stage.layers.append(nn.Dropout(config.dropout))
        self.post_init()

    def features(self, pixel_values: Tensor) -> Tensor:
        """What the last layer sees, (b, d): the last stage averaged over the image."""
        return self.resnet(pixel_values).pooler_output.flatten(1)

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the classes, in order."""
        names: dict[Any, str] = self.config.id2label or {}
        return tuple(names[i] for i in sorted(names))

    def normalised(self, images: Tensor) -> Tensor:
        """`pixel_values` of images (b, c, h, w) in [0, 1], normalised as in training."""
        mean = torch.tensor(self.config.image_mean, device=images.device)[:, None, None]
        std = torch.tensor(self.config.image_std, device=images.device)[:, None, None]
        return (images - mean) / std


AutoConfig.register(ClassifierConfig.model_type, ClassifierConfig)
AutoModelForImageClassification.register(ClassifierConfig, Classifier)


def resnet18(
    n_classes: int,
    image_size: int,
    dropout: float = 0.0,
    *,
    width: int = 64,
    downsample: bool = False,
    seed: int = 0,
) -> Classifier:
    """ResNet18 with new weights (He et al., arXiv 1512.03385).

    `transformers.AutoModelForImageClassification` loads it again once this module is imported.

    Args:
        n_classes: at least 2.
        image_size: side of the images in pixels. Up to 64, the stem is a 3x3 convolution with
            stride 1 and without pooling, so that the first stage sees the image at full size.
        dropout: rate between the stages.
        width: channels of the first stage; 64 is ResNet18, less is quicker.
        downsample: halve the first stage's resolution; four times quicker.
        seed: of the weights.

    Raises:
        InputError: an argument makes no sense.
    """
    if n_classes < 2:
        raise InputError(f"n_classes is {n_classes}; a classifier needs at least 2")
    if image_size < MIN_SIZE:
        raise InputError(f"image_size is {image_size}; ResNet18 needs at least {MIN_SIZE} pixels")
    if not 0 <= dropout < 1:
        raise InputError(f"dropout is {dropout}; it must be at least 0 and below 1")
    if width < 1:
        raise InputError(f"width is {width}; it must be at least 1")
    config = ClassifierConfig(
        layer_type="basic",
        embedding_size=width,
        hidden_sizes=[width, 2 * width, 4 * width, 8 * width],
        depths=[2, 2, 2, 2],
        downsample_in_first_stage=downsample,
        image_size=image_size,
        small_stem=image_size <= SMALL,
        dropout=dropout,
    )
    config.num_labels = n_classes
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return Classifier(config)


def name_labels(network: Classifier, names: Sequence[str]) -> None:
    """Write the names of the classes into the network's config.

    Raises:
        InputError: the network tells another number of classes apart.
    """
    if network.config.num_labels != len(names):
        raise InputError(
            f"the network tells {network.config.num_labels} classes apart, and the data have "
            f"{len(names)}: {', '.join(names):.60}"
        )
    network.config.id2label = dict(enumerate(names))
    network.config.label2id = {name: i for i, name in enumerate(names)}
