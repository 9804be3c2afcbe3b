"""A biased set in memory, as a study trains on it and judges it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
import xxhash
from datasets import ClassLabel, Dataset, DatasetDict
from numpy.typing import NDArray

from unskew.classify.network import Classifier
from unskew.classify.pixels import Pixels, load_pixels
from unskew.classify.predict import empty_groups, listed, predict
from unskew.errors import InputError
from unskew.measures import group_fairness

SPLITS = ("train", "validation", "test")
COLUMNS = ("image", "target", "attribute", "alignment")
RESAMPLES = 200
"""Of the bootstrap, whose intervals a study does not show: it has seeds."""


@dataclass(frozen=True)
class StudyData:
    """The three splits of a biased set.

    Attributes:
        name: of the set.
        train, validation, test: the images.
        aligned: (test,) bool, whether target and attribute go together as in most of training.
        conflicting: how many training images are not aligned.
        rows: (train,) int64, where each training image stands in the split it was taken from.
    """

    name: str
    train: Pixels
    validation: Pixels
    test: Pixels
    aligned: NDArray[np.bool_]
    conflicting: int
    rows: NDArray[np.int64]

    @property
    def notes(self) -> tuple[str, ...]:
        """Why figures of the test images are undefined, a sentence each."""
        empty = empty_groups(self.test)
        if not empty:
            return ()
        return (
            f"{self.name}: the test images have none of the group {listed(empty)}, so unbiased "
            "accuracy, worst-group accuracy and group STD are undefined.",
        )


def study_data(
    name: str,
    data: DatasetDict,
    size: int,
    most_train: int | None = None,
    most_judged: int | None = None,
    seed: int = 0,
) -> StudyData:
    """Decode a biased set (see `unskew.corpora.biased`), or a random part of it.

    Args:
        name: what to call it.
        data: with the splits train, validation and test.
        size: side of the images in pixels.
        most_train, most_judged: take at most so many images of train; of validation and of test.
        seed: of the part taken.

    Raises:
        InputError: a split or a column is missing, a split is empty, or as `load_pixels`.
    """
    for split in SPLITS:
        if split not in data:
            raise InputError(f"{name} has no split {split!r}, only {', '.join(data)}")
        for column in COLUMNS:
            if column not in data[split].column_names:
                raise InputError(
                    f"{name}: the split {split!r} has no column {column!r}, only "
                    f"{', '.join(data[split].column_names)}"
                )
        if not len(data[split]):
            raise InputError(f"{name}: the split {split!r} holds no images")
    rows = {
        split: _some(len(data[split]), most_train if split == "train" else most_judged, seed)
        for split in SPLITS
    }
    parts = {split: data[split].select(rows[split]) for split in SPLITS}
    train, validation, test = (load_pixels(parts[split], size) for split in SPLITS)
    conflicting = int((~_aligned(name, parts["train"])).sum())
    return StudyData(
        name, train, validation, test, _aligned(name, parts["test"]), conflicting, rows["train"]
    )


def _some(n: int, most: int | None, seed: int) -> NDArray[np.int64]:
    if most is None or most >= n:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).permutation(n)[:most])


def _aligned(name: str, data: Dataset) -> NDArray[np.bool_]:
    feature = data.features["alignment"]
    if not isinstance(feature, ClassLabel) or "aligned" not in feature.names:
        raise InputError(f"{name}: the column 'alignment' is no ClassLabel with the name 'aligned'")
    codes = np.asarray(data.with_format(None)["alignment"])
    return codes == feature.str2int("aligned")


def sizes(data: StudyData) -> dict[str, int]:
    """Images of every split, how many of `train` conflict, and of the smallest group of `test`."""
    groups = torch.bincount(data.test.groups, minlength=len(data.test.group_names))
    return {
        "train": len(data.train),
        "conflicting": data.conflicting,
        "validation": len(data.validation),
        "test": len(data.test),
        "smallest_group": int(groups.min()),
    }


def fingerprint(data: StudyData) -> str:
    """Changes when an image or a label does."""
    digest = xxhash.xxh3_128()
    for pixels in (data.train, data.validation, data.test):
        for tensor in (pixels.images, pixels.targets, pixels.attributes):
            digest.update(tensor.contiguous().numpy().data)
        digest.update(repr((pixels.target_names, pixels.attribute_names)).encode())
    digest.update(data.aligned.tobytes())
    return digest.hexdigest()


def judged(network: Classifier, data: StudyData, batch_size: int) -> dict[str, float]:
    """Shares of the test images that the network gets right: `accuracy`, `aligned_accuracy`,
    `conflicting_accuracy`, `unbiased_accuracy`, `worst_group_accuracy` and `group_std`.

    NaN where there are no such images, or for the last three where a group has none.
    """
    test = data.test
    found = predict(network, test, batch_size).classes
    right = found == test.targets.numpy()
    by_group = dict.fromkeys(("unbiased_accuracy", "worst_group_accuracy", "group_std"), math.nan)
    if not empty_groups(test):
        groups = group_fairness(
            found, test.targets.numpy(), test.attributes.numpy(), resamples=RESAMPLES
        )
        by_group = {name: getattr(groups, name) for name in by_group}
    return {
        "accuracy": float(right.mean()),
        "aligned_accuracy": _mean(right[data.aligned]),
        "conflicting_accuracy": _mean(right[~data.aligned]),
        **by_group,
    }


def _mean(values: NDArray[np.bool_]) -> float:
    return float(values.mean()) if len(values) else math.nan
