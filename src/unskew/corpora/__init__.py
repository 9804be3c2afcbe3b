"""Image sets: one notion of an image set, photos with captions, and the built-in sets."""

from unskew.corpora.builtin import BUILTIN
from unskew.corpora.captioned import CaptionedSet, load_captioned
from unskew.corpora.image_set import ImageSet, refuse_twins
from unskew.corpora.load import load_images
from unskew.corpora.partition import partition, refuse_shared_images, sample, split_names

__all__ = [
    "BUILTIN",
    "CaptionedSet",
    "ImageSet",
    "load_captioned",
    "load_images",
    "partition",
    "refuse_shared_images",
    "refuse_twins",
    "sample",
    "split_names",
]
