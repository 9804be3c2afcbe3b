"""Image sets: one notion of an image set, and the built-in ones."""

from unskew.corpora.builtin import BUILTIN
from unskew.corpora.image_set import ImageSet, refuse_twins
from unskew.corpora.load import load_images

__all__ = ["BUILTIN", "ImageSet", "load_images", "refuse_twins"]
