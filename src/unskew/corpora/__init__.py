"""Image sets: one notion of an image set, captioned photos, biased sets, and the built-in ones."""

from unskew.corpora.biased import colored_mnist, utkface
from unskew.corpora.builtin import BUILTIN
from unskew.corpora.captioned import CaptionedSet, load_captioned
from unskew.corpora.image_set import ImageSet, refuse_twins
from unskew.corpora.load import load_images
from unskew.corpora.partition import partition, refuse_shared_images, sample, split_names

__all__ = [
    "BUILTIN",
    "CaptionedSet",
    "ImageSet",
    "colored_mnist",
    "load_captioned",
    "load_images",
    "partition",
    "refuse_shared_images",
    "refuse_twins",
    "sample",
    "split_names",
    "utkface",
]
