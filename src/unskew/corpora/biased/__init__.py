"""Biased image sets: a target, an attribute that goes with it, and images where it does not.

Every builder gives a `datasets.DatasetDict` with the splits train, validation and test and the
columns image, target, attribute and alignment ("aligned" or "conflicting").
"""

from unskew.corpora.biased.biased_faces import bffhq, biased_faces
from unskew.corpora.biased.celeba import celeba
from unskew.corpora.biased.colored_mnist import colored_mnist
from unskew.corpora.biased.corrupted_cifar10 import corrupted_cifar10
from unskew.corpora.biased.fairface import fairface
from unskew.corpora.biased.statistics import BiasStatistics, bias_statistics
from unskew.corpora.biased.utkface import utkface

__all__ = [
    "BiasStatistics",
    "bffhq",
    "bias_statistics",
    "biased_faces",
    "celeba",
    "colored_mnist",
    "corrupted_cifar10",
    "fairface",
    "utkface",
]
