"""The one layout of a biased set: image, target, attribute, and whether the two go together."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from datasets import ClassLabel, Dataset, DatasetDict, Features, Image, concatenate_datasets
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
    def groups(self) -> Ints:
        """(n,) target * number of attributes + attribute."""
        return self.targets * len(self.attribute_names) + self.attributes

    @property
    def counts(self) -> Ints:
        """(targets, attributes): the number of images of every group."""
        shape = len(self.target_names), len(self.attribute_names)
        return np.bincount(self.groups, minlength=shape[0] * shape[1]).reshape(shape)


def biased_split(images: Dataset, labels: Labels, conflicting: NDArray[np.bool_]) -> Dataset:
    """One split.

    Args:
        images: one column "image", which may lie on disk and stays there.
        labels: of those images.
        conflicting: (targets, attributes), which groups go against the bias.
    """
    features = Features(
        target=ClassLabel(names=list(labels.target_names)),
        attribute=ClassLabel(names=list(labels.attribute_names)),
        alignment=ClassLabel(names=list(ALIGNMENT)),
    )
    columns = {
        "target": labels.targets,
        "attribute": labels.attributes,
        "alignment": conflicting[labels.targets, labels.attributes].astype(np.int64),
    }
    marked = Dataset.from_dict(columns, features=features)
    return concatenate_datasets([images.cast_column("image", Image()), marked], axis=1)


def biased_set(name: str, splits: Mapping[str, Dataset]) -> DatasetDict:
    """The splits as one set.

    Raises:
        InputError: training images of one class only; or a group without a validation image, so
            that nothing could be chosen by its accuracy.
    """
    refuse_one_class(name, split_labels(splits["train"]))
    validation = split_labels(splits["validation"])
    empty = np.argwhere(validation.counts == 0)
    if len(empty):
        target, attribute = empty[0]
        raise InputError(
            f"{name}: {len(empty)} of {validation.counts.size} groups have no validation image, "
            f"first ({validation.target_names[target]}, {validation.attribute_names[attribute]}); "
            "give more images"
        )
    return DatasetDict(splits)


def refuse_one_class(name: str, train: Labels) -> None:
    """Raise InputError where all training images have the same target or the same attribute."""
    for axis, column in enumerate(("target", "attribute")):
        if np.count_nonzero(train.counts.sum(axis=1 - axis)) < 2:
            raise InputError(f"{name}: the training images have only one class of {column}")


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
