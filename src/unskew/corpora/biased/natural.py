"""Sets whose bias is found, not made: labelled images, divided, with what goes together marked."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from datasets import Dataset, DatasetDict
from numpy.typing import NDArray

from unskew.corpora.biased.assignment import spread
from unskew.corpora.biased.layout import Ints, Labels, biased_set, biased_split
from unskew.corpora.image_set import ImageSet
from unskew.corpora.load import Source, load_images
from unskew.corpora.partition import chosen, image_digests, partition, split_names
from unskew.errors import InputError

SPLITS = ("train", "validation", "test")
HELD_OUT = 0.2
"""The share of a source with one split that becomes validation and test, half each."""

ReadLabels = Callable[[ImageSet], Labels]


def found_set(
    name: str, source: Source, columns: tuple[str, ...], read: ReadLabels, seed: int
) -> DatasetDict:
    """The biased set of a source that has labels for target and attribute.

    Args:
        name: for messages.
        source: what `load_images` reads.
        columns: the columns that `read` needs.
        read: the target and attribute of every image.
        seed: of the division of a source with a single split.

    Raises:
        NotFoundError: there is no such source.
        InputError: a column is missing, a label is unknown, or a group is too small.
    """
    parts = divided(source, columns, lambda images: read(images).groups, seed)
    return marked(name, parts, {split: read(images) for split, images in parts.items()})


def marked(name: str, parts: Mapping[str, ImageSet], labels: Mapping[str, Labels]) -> DatasetDict:
    """The biased set of these parts. Raises InputError as `biased_set`."""
    against = conflicting_groups(labels["train"].counts)
    splits = {
        split: biased_split(image_column(images), labels[split], against)
        for split, images in parts.items()
    }
    return biased_set(name, splits)


def image_column(images: ImageSet) -> Dataset:
    """The images alone, as a column "image"."""
    column = images.data.select_columns([images.image_column])
    if images.image_column == "image":
        return column
    return column.rename_column(images.image_column, "image")


def conflicting_groups(counts: Ints) -> NDArray[np.bool_]:
    """(targets, attributes): the groups that are rarer than if both were independent.

    For two classes each these are the two groups off the diagonal that correlates. Where target
    and attribute are independent there is no bias, and no group conflicts with it.
    """
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0))
    return counts * counts.sum() < expected


def divided(
    source: Source, columns: tuple[str, ...], strata: Callable[[ImageSet], Ints], seed: int
) -> dict[str, ImageSet]:
    """Train, validation and test parts, without a common image.

    A source with a single split is divided 8 : 1 : 1 at random, in every stratum (n,) alike, and
    copies of an image stay together; one with several splits keeps them, as `partition` has it.
    """
    splits = split_names(source, None)
    if len(splits) > 1:
        return dict(zip(SPLITS, partition(source, categories=columns), strict=True))
    images = load_images(source, splits[0] if splits else None, categories=columns)
    _, first, image_of = np.unique(image_digests(images), return_index=True, return_inverse=True)
    stratum = strata(images)[first]
    rng = np.random.default_rng(seed)
    part_of = np.zeros(len(first), dtype=np.int64)
    held = np.flatnonzero(spread(stratum, HELD_OUT, rng))
    part_of[held] = 1 + spread(stratum[held], 0.5, rng)
    rows = [np.flatnonzero(part_of[image_of] == part) for part in range(len(SPLITS))]
    return {split: chosen(images, rows[part]) for part, split in enumerate(SPLITS)}


def class_numbers(images: ImageSet, column: str, numbers: Mapping[str, int]) -> Ints:
    """The class number (n,) of every label of a column, whose spelling is a key of `numbers`.

    Raises:
        InputError: a label is missing or is not among them.
    """
    found = [numbers.get(str(label).casefold()) for label in images.labels(column)]
    refuse_unknown(images, column, found)
    return np.array(found, dtype=np.int64)


def refuse_unknown(images: ImageSet, column: str, found: Sequence[object]) -> None:
    """Raise InputError for the first image whose class was not found (None)."""
    row = next((row for row, number in enumerate(found) if number is None), None)
    if row is not None:
        label = images.labels(column)[row]
        raise InputError(
            f"{images.name}, {images.item_name(row)}: {column} {label!r} is not understood; "
            "leave the image out or give it a label"
        )
