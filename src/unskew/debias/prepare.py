"""Image sets by name become what a comparison fits on and what it judges on, and then a table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from unskew.audit.save import check_writable
from unskew.corpora import CaptionedSet, ImageSet, load_images, partition
from unskew.corpora.captioned import captioned
from unskew.corpora.load import Source
from unskew.corpora.partition import sample, train_and_test
from unskew.debias.compare import compare_methods
from unskew.debias.fitting import FittingData, attribute_labels, fitting_data
from unskew.debias.methods import COMPARED, find_method
from unskew.debias.preserve import MOST_CLASSIFIED, MOST_PRESERVED
from unskew.debias.protocol import Target
from unskew.debias.rows import ComparisonTable
from unskew.debias.seen import HeldOut, check_held_out
from unskew.debias.table import save
from unskew.encoders import DualEncoder
from unskew.errors import InputError

CELLS = "cells"


def compare_named(
    model: str,
    images: Source,
    attributes: Sequence[str],
    out: Path,
    *,
    methods: Sequence[str] | None = None,
    seeds: int = 3,
    others: Sequence[str] = (),
    k: int | None = None,
    target: Target = "pool",
    exclude: Sequence[tuple[str, str]] = (),
    batch_size: int = 32,
    device: str | None = None,
    dtype: str | None = None,
    **sets: Any,
) -> ComparisonTable:
    """Compare methods on sets that are named, and save the table in ``out``.

    Args:
        model: Hub id, local path or unskew/mini.
        images, attributes, exclude, batch_size: as in `comparison_data`.
        out: folder for the table, and the results of single fits to go on from.
        methods: names in `METHODS`; `COMPARED` by default.
        seeds: fits of each method.
        others: more encoders by name, to judge as they are.
        k, target: see `unskew.debias.evaluate`.
        device, dtype: see `DualEncoder.from_pretrained`.
        **sets: the other sets of `comparison_data` and its limits.

    Raises:
        NotFoundError: there is no such model or set.
        InputError: see the message; nothing is written before the first result.
    """
    check_writable(out)
    names = [find_method(name).name for name in methods or COMPARED]
    if seeds < 1:
        raise InputError(f"--seeds is {seeds}; give at least 1")
    encoder = DualEncoder.from_pretrained(model, device, dtype)
    more = [DualEncoder.from_pretrained(name, device, dtype) for name in others]
    fitted, held_out = comparison_data(
        encoder, images, attributes, k=k, exclude=exclude, batch_size=batch_size, **sets
    )
    table = compare_methods(
        encoder,
        fitted,
        held_out,
        attributes,
        names,
        range(seeds),
        others=more,
        k=k,
        target=target,
        exclude=exclude,
        folder=out / CELLS,
        batch_size=batch_size,
    )
    save(table, out)
    return table


def comparison_data(
    encoder: Any,
    images: Source,
    attributes: Sequence[str],
    *,
    config: str | None = None,
    out_of_domain: Source | None = None,
    out_of_domain_config: str | None = None,
    retrieval: Source | None = None,
    zero_shot: Source | None = None,
    class_column: str | None = None,
    preserved: int = MOST_PRESERVED,
    classified: int = MOST_CLASSIFIED,
    k: int | None = None,
    exclude: Sequence[tuple[str, str]] = (),
    batch_size: int = 32,
) -> tuple[FittingData, HeldOut]:
    """Load the sets, divide them, and embed what is fitted on.

    Args:
        encoder: the model to debias.
        images: labelled images; see `partition`.
        attributes: label columns to debias for.
        config: the configuration of ``images``, where a data set has several.
        out_of_domain: other images labelled in the same attributes; its test split, if it has one.
        out_of_domain_config: its configuration.
        retrieval: photos with captions, zero_shot: images of classes. Their train parts are
            preserved, their test parts judged.
        class_column: of `zero_shot`, where it has several label columns.
        preserved: take at most so many images of each train part.
        classified: take at most so many images of the test part of `zero_shot`.
        k: of the ranking that will be judged, only to be checked before the long work.
        exclude: (attribute, subgroup) to leave out.
        batch_size: images per forward.

    Raises:
        NotFoundError: there is no such set.
        InputError: a set lacks what it is needed for, an image is in two parts, or k is out of
            range.
    """
    train, validation, test = partition(images, attributes=attributes, config=config)
    keep: list[ImageSet | CaptionedSet] = []
    outside, photos, things = None, None, None
    if out_of_domain is not None:
        found = load_images(out_of_domain, config=out_of_domain_config, require_labels=False)
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
    labels = [attribute_labels(test, a, exclude)[1] for a in attributes]
    check_length(k, test, sum(None not in row for row in zip(*labels, strict=True)))
    data = fitting_data(
        encoder, train, validation, attributes, keep, exclude=exclude, batch_size=batch_size
    )
    return data, held_out


def check_length(k: int | None, images: ImageSet, n: int) -> None:
    """Raise InputError unless k is above 0 and below the n images that are ranked."""
    if k is not None and not 1 <= k < n:
        raise InputError(f"k is {k}; {images.name} has {n} images, so use 1..{n - 1}")
