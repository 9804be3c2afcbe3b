"""A biased set in memory, as a study trains on it and judges it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import xxhash
from datasets import ClassLabel, Dataset, DatasetDict
from numpy.typing import NDArray

from unskew.classify.network import Classifier
from unskew.classify.pixels import Pixels, load_pixels
from unskew.classify.predict import predict
from unskew.errors import InputError
from unskew.measures import group_fairness

SPLITS = ("train", "validation", "test")
RESAMPLES = 200
"""Of the bootstrap, whose intervals a study does not show: it has seeds."""


@dataclass(frozen=True)
class StudyData:
    """The three splits of a biased set.

    Attributes:
        name: of the set.
        train, validation, test: the images.
        aligned: (test,) bool, whether target and attribute go together as in most of training.
        rows: (train,) int64, where each training image stands in the split it was taken from.
    """

    name: str
    train: Pixels
    validation: Pixels
    test: Pixels
    aligned: NDArray[np.bool_]
    rows: NDArray[np.int64]


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
        InputError: a split is missing, or as `load_pixels`.
    """
    for split in SPLITS:
        if split not in data:
            raise InputError(f"{name} has no split {split!r}, only {', '.join(data)}")
    rows = {
        split: _some(len(data[split]), most_train if split == "train" else most_judged, seed)
        for split in SPLITS
    }
    train, validation, test = (load_pixels(data[s].select(rows[s]), size) for s in SPLITS)
    return StudyData(
        name, train, validation, test, _aligned(data["test"].select(rows["test"])), rows["train"]
    )


def _some(n: int, most: int | None, seed: int) -> NDArray[np.int64]:
    if most is None or most >= n:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).permutation(n)[:most])


def _aligned(data: Dataset) -> NDArray[np.bool_]:
    feature = data.features["alignment"]
    assert isinstance(feature, ClassLabel)
    codes = np.asarray(data.with_format(None)["alignment"])
    return codes == feature.str2int("aligned")


def sizes(data: StudyData) -> dict[str, int]:
    """Images of every split."""
    return {"train": len(data.train), "validation": len(data.validation), "test": len(data.test)}


def fingerprint(data: StudyData) -> str:
    """Changes when an image or a label does."""
    digest = xxhash.xxh3_128()
    for pixels in (data.train, data.validation, data.test):
        for tensor in (pixels.images, pixels.targets, pixels.attributes):
            digest.update(tensor.contiguous().numpy().tobytes())
        digest.update(repr((pixels.target_names, pixels.attribute_names)).encode())
    digest.update(data.aligned.tobytes())
    return digest.hexdigest()


def judged(network: Classifier, data: StudyData, batch_size: int) -> dict[str, float]:
    """Shares of the test images that the network gets right: `accuracy`, `aligned_accuracy`,
    `conflicting_accuracy`, `unbiased_accuracy`, `worst_group_accuracy` and `group_std`.

    NaN where there are no such images.
    """
    test = data.test
    found = predict(network, test, batch_size).classes
    right = found == test.targets.numpy()
    groups = group_fairness(
        found, test.targets.numpy(), test.attributes.numpy(), resamples=RESAMPLES
    )
    return {
        "accuracy": float(right.mean()),
        "aligned_accuracy": _mean(right[data.aligned]),
        "conflicting_accuracy": _mean(right[~data.aligned]),
        "unbiased_accuracy": groups.unbiased_accuracy,
        "worst_group_accuracy": groups.worst_group_accuracy,
        "group_std": groups.group_std,
    }


def _mean(values: NDArray[np.bool_]) -> float:
    return float(values.mean()) if len(values) else math.nan
