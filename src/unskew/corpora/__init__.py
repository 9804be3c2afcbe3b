"""Image sets: one notion of an image set, captioned photos, biased sets, and the built-in ones."""

from unskew.corpora.biased import (
    BiasStatistics,
    bffhq,
    bias_statistics,
    biased_faces,
    celeba,
    colored_mnist,
    corrupted_cifar10,
    fairface,
    utkface,
)
from unskew.corpora.builtin import BUILTIN
from unskew.corpora.captioned import CaptionedSet, load_captioned
from unskew.corpora.image_set import ImageSet, refuse_twins
from unskew.corpora.load import load_images
from unskew.corpora.partition import partition, refuse_shared_images, sample, split_names

__all__ = [
    "BUILTIN",
    "BiasStatistics",
    "CaptionedSet",
    "ImageSet",
    "bffhq",
    "bias_statistics",
    "biased_faces",
    "celeba",
    "colored_mnist",
    "corrupted_cifar10",
    "fairface",
    "load_captioned",
    "load_images",
    "partition",
    "refuse_shared_images",
    "refuse_twins",
    "sample",
    "split_names",
    "utkface",
]
