"""General images, whose embeddings a debiaser should leave as they are."""

from __future__ import annotations

from pathlib import Path

from unskew.corpora import CaptionedSet, ImageSet, load_images, sample, split_names
from unskew.corpora.captioned import find_captions
from unskew.corpora.load import Source
from unskew.errors import InputError

MOST_PRESERVED = 800
"""Images of each set that are taken: more cost a forward each and change a covariance little."""


def general_images(
    source: Source | CaptionedSet, most: int | None = MOST_PRESERVED
) -> ImageSet | CaptionedSet:
    """The train split of a set, or all of one without splits: with captions, if it has any.

    Args:
        source: as in `load_images`; labels are not needed. A set that is loaded is taken as it is.
        most: take so many of the images, always the same ones.

    Raises:
        NotFoundError: there is no such set.
        InputError: it holds no images, or has several splits and none of them is for training.
    """
    if isinstance(source, CaptionedSet):
        return sample(source, most)
    splits = split_names(source, None)
    if len(splits) > 1 and "train" not in splits:
        name = repr(str(source)) if isinstance(source, str | Path) else "the set to preserve"
        raise InputError(
            f"{name} has the splits {', '.join(splits)} and no train split: what a debiaser "
            "is fitted on must not be what it is judged on"
        )
    images = load_images(source, "train" if "train" in splits else None, require_labels=False)
    captions = find_captions(images.data)
    if captions is None:
        return sample(images, most)
    captioned = CaptionedSet(
        images.name, images.data, images.image_column, captions, images.demonstration
    )
    return sample(captioned, most)
