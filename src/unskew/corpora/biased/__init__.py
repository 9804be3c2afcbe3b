"""Biased image sets: a target, an attribute that goes with it, and images where it does not.

Every builder gives a `datasets.DatasetDict` with the splits train, validation and test and the
columns image, target, attribute and alignment ("aligned" or "conflicting").
"""

from unskew.corpora.biased.colored_mnist import colored_mnist
from unskew.corpora.biased.utkface import utkface

__all__ = ["colored_mnist", "utkface"]
