"""The one layout of a biased set: image, target, attribute, and whether the two go together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from datasets import ClassLabel, Dataset, DatasetDict, Features, Image
from numpy.typing import NDArray

from unskew.errors import InputError

ALIGNMENT = ("aligned", "conflicting")

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Labels:
    """Target and attribute of every image of one split, as class numbers (n,), and their names."""

    targets: Ints
    attributes: Ints
    target_names: tuple[str, ...]
    attribute_names: tuple[str, ...]

    @property
    def counts(self) -> Ints:
        """(targets, attributes): the number of images of every group."""
        shape = len(self.target_names), len(self.attribute_names)
        counts = np.zeros(shape, dtype=np.int64)
        np.add.at(counts, (self.targets, self.attributes), 1)
        return counts

    def rows(self, rows: Ints) -> "Labels":
        """The labels in these rows."""
        return Labels(
            self.targets[rows], self.attributes[rows], self.target_names, self.attribute_names
        )


def biased_split(images: Sequence[Any], labels: Labels, conflicting: NDArray[np.bool_]) -> Dataset:
    """One split.

    Args:
        images: what `datasets.Image` encodes: ``{"bytes": ..., "path": ...}``, or PIL images.
        labels: of those images.
        conflicting: (targets, attributes), which groups go against the bias.
    """
    features = Features(
        image=Image(),
        target=ClassLabel(names=list(labels.target_names)),
        attribute=ClassLabel(names=list(labels.attribute_names)),
        alignment=ClassLabel(names=list(ALIGNMENT)),
    )
    columns = {
        "image": images,
        "target": labels.targets,
        "attribute": labels.attributes,
        "alignment": conflicting[labels.targets, labels.attributes].astype(np.int64),
    }
    return Dataset.from_dict(columns, features=features)


def biased_set(name: str, splits: Mapping[str, Dataset]) -> DatasetDict:
    """The splits as one set.

    Raises:
        InputError: training images of one class only; or a group without a validation image, so
            that no accuracy could be chosen by.
    """
    train = split_labels(splits["train"]).counts
    for axis, column in enumerate(("target", "attribute")):
        if np.count_nonzero(train.sum(axis=1 - axis)) < 2:
            raise InputError(f"{name}: the training images have only one class of {column}")
    validation = split_labels(splits["validation"])
    empty = np.argwhere(validation.counts == 0)
    if len(empty):
        target, attribute = empty[0]
        raise InputError(
            f"{name}: the validation split has no image of "
            f"({validation.target_names[target]}, {validation.attribute_names[attribute]}), "
            f"and {len(empty)} of {validation.counts.size} groups are empty: give more images"
        )
    return DatasetDict(splits)


def split_labels(split: Dataset) -> Labels:
    """The labels of a split in this layout. Raises InputError where a column is missing."""
    for column in ("target", "attribute"):
        if not isinstance(split.features.get(column), ClassLabel):
            raise InputError(
                f"a biased set has a column of class labels {column!r}; this data set has "
                f"{', '.join(split.column_names)}"
            )
    features = split.features
    return Labels(
        np.asarray(split["target"][:], dtype=np.int64),
        np.asarray(split["attribute"][:], dtype=np.int64),
        tuple(features["target"].names),
        tuple(features["attribute"].names),
    )
