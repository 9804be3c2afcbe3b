"""General images, whose embeddings a debiaser should leave as they are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from unskew.corpora import CaptionedSet, ImageSet, load_images, sample, split_names
from unskew.corpora.captioned import captioned, find_captions
from unskew.corpora.load import Source
from unskew.corpora.partition import train_and_test
from unskew.errors import InputError

MOST_PRESERVED = 800
"""Images of each set that are taken: more cost a forward each and change a covariance little."""
MOST_CLASSIFIED = 2_000
"""Images that zero-shot accuracy is judged on, the same ones at every call."""


@dataclass(frozen=True)
class General:
    """``kept``: should stay as it is. ``held_out``: shows whether the utility did, where there are
    captions or one category of classes."""

    kept: ImageSet | CaptionedSet
    held_out: ImageSet | CaptionedSet | None = None


def general_images(source: Source | CaptionedSet, most: int | None = MOST_PRESERVED) -> General:
    """The train part of a set, with captions if it has any, and the test part to judge on.

    The parts are those of `train_and_test`. All of a set without captions and classes is kept,
    or its train split, and so is a set that is loaded.

    Args:
        source: as in `load_images`; labels are not needed.
        most: keep so many of the images, always the same ones.

    Raises:
        NotFoundError: there is no such set.
        InputError: it holds no images, too few to be divided, or has several splits and none of
            them is for training.
    """
    if isinstance(source, CaptionedSet):
        return General(sample(source, most))
    splits = split_names(source, None)
    if len(splits) > 1 and "train" not in splits:
        name = repr(str(source)) if isinstance(source, str | Path) else "the set to preserve"
        raise InputError(
            f"{name} has the splits {', '.join(splits)} and no train split: what a debiaser "
            "is fitted on must not be what it is judged on"
        )
    found = load_images(source, "train" if "train" in splits else None, require_labels=False)
    if isinstance(source, ImageSet) or not _measurable(found):
        return General(_with_captions(sample(found, most)))
    train, test = train_and_test(source)
    if find_captions(test.data) is None:
        test = sample(test, MOST_CLASSIFIED)
    return General(_with_captions(sample(train, most)), _with_captions(test))


def _measurable(images: ImageSet) -> bool:
    """Whether it has captions, or classes as its one category."""
    if find_captions(images.data) is not None:
        return True
    return len(images.categories) == 1 and len(images.subgroups(images.categories[0])) > 1


def _with_captions(images: ImageSet) -> ImageSet | CaptionedSet:
    return images if find_captions(images.data) is None else captioned(images)
