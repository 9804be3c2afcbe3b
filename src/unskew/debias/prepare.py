"""Image sets by name become what a comparison fits on and what it judges on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from unskew.corpora import CaptionedSet, ImageSet, load_images, partition
from unskew.corpora.captioned import captioned
from unskew.corpora.load import Source
from unskew.corpora.partition import sample, train_and_test
from unskew.debias.fitting import FittingData, fitting_data
from unskew.debias.seen import HeldOut, check_held_out

PRESERVED = 800
"""Images of each general set that methods should leave as they are."""
CLASSIFIED = 2_000
"""Images that zero-shot accuracy is judged on, drawn once for all methods."""


def comparison_data(
    encoder: Any,
    images: Source,
    attributes: Sequence[str],
    *,
    out_of_domain: Source | None = None,
    retrieval: Source | None = None,
    zero_shot: Source | None = None,
    class_column: str | None = None,
    preserved: int = PRESERVED,
    classified: int = CLASSIFIED,
    exclude: Sequence[tuple[str, str]] = (),
    batch_size: int = 32,
) -> tuple[FittingData, HeldOut]:
    """Load the sets, divide them, and embed what is fitted on.

    Args:
        encoder: the model to debias.
        images: labelled images; see `partition`.
        attributes: label columns to debias for.
        out_of_domain: other images labelled in the same attributes; its test split, if it has one.
        retrieval: photos with captions, zero_shot: images of classes. Their train parts are
            preserved, their test parts judged.
        class_column: of `zero_shot`, where it has several label columns.
        preserved: take at most so many images of each train part.
        classified: take at most so many images of the test part of `zero_shot`.
        exclude: (attribute, subgroup) to leave out.
        batch_size: images per forward.

    Raises:
        NotFoundError: there is no such set.
        InputError: a set lacks what it is needed for, or an image is in two parts.
    """
    train, validation, test = partition(images, attributes=attributes)
    keep: list[ImageSet | CaptionedSet] = []
    outside, photos, things = None, None, None
    if out_of_domain is not None:
        found = load_images(out_of_domain, require_labels=False)
        outside = load_images(found, categories=[*found.categories, *attributes])
    if retrieval is not None:
        for_fit, judged = map(captioned, train_and_test(retrieval, categories=[]))
        keep.append(sample(for_fit, preserved))
        photos = judged
    if zero_shot is not None:
        classes = None if class_column is None else [class_column]
        for_fit_images, judged_images = train_and_test(zero_shot, categories=classes)
        keep.append(sample(for_fit_images, preserved))
        things = sample(judged_images, classified)
    held_out = HeldOut(test, outside, photos, things)
    check_held_out(held_out, attributes, [train, *keep], validation, exclude)
    data = fitting_data(
        encoder, train, validation, attributes, keep, exclude=exclude, batch_size=batch_size
    )
    return data, held_out
