"""The one notion of an image set that audit, debias and classify all take."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from datasets import ClassLabel, Dataset, Image, Value

from unskew.errors import InputError


@dataclass(frozen=True)
class ImageSet:
    """Images with subgroup labels in one or more categories.

    Raises InputError when the columns named are not there, when the set is empty, or when two
    labels of a category differ only in case or white space.
    """

    name: str
    """What reports call the set."""
    data: Dataset
    """One row per image."""
    image_column: str
    """A column of type ``Image(decode=False)``: a file that cannot be read is found on decoding,
    by the encoder, and does not keep the rest from loading."""
    categories: tuple[str, ...]
    """The label columns: ClassLabel, string, integer or boolean."""
    credit: str = ""
    licence: str = ""
    demonstration: bool = False
    """True for the built-in sets: every report says they are no evidence about people."""
    note: str = ""
    """What a reader of a report must know about the labels."""

    def __post_init__(self) -> None:
        if not len(self.data):
            raise InputError(f"image set {self.name!r} holds no images")
        for column in (self.image_column, *self.categories):
            _require_column(self, column)
        feature = self.data.features[self.image_column]
        if not isinstance(feature, Image) or feature.decode:
            raise InputError(
                f"column {self.image_column!r} of image set {self.name!r} is not of type "
                "Image(decode=False): cast it, or let load_images() do so"
            )
        for category in self.categories:
            labels = (raw for raw in _raw_labels(self, category) if raw is not None)
            refuse_twins(labels, category, self.name)

    def __len__(self) -> int:
        return len(self.data)

    @property
    def images(self) -> Sequence[dict[str, Any]]:
        """The images as encoders take them: ``{"bytes": ..., "path": ...}``, read when asked."""
        return self.data[self.image_column]

    def labels(self, category: str) -> np.ndarray:
        """The subgroup of every image in `category`: (n,) strings, None where it has none."""
        if category not in self.categories:
            known = ", ".join(map(repr, self.categories)) or "none"
            raise InputError(
                f"image set {self.name!r} has no category {category!r}; it has {known}"
            )
        labels = np.empty(len(self), dtype=object)
        labels[:] = [None if raw is None else raw.strip() for raw in _raw_labels(self, category)]
        return labels

    def subgroups(self, category: str) -> dict[str, int]:
        """The number of images of every subgroup: in the order of a ClassLabel, else sorted."""
        counts = Counter(label for label in self.labels(category) if label is not None)
        feature = self.data.features[category]
        names = feature.names if isinstance(feature, ClassLabel) else sorted(counts)
        return {name.strip(): counts[name.strip()] for name in names if counts[name.strip()]}

    def item_name(self, index: int) -> str:
        """What to call image `index` in a message: its file, or its row."""
        image = self.images[index]
        if image is None or not image["path"]:
            return f"row {index}"
        return image["path"] if image["bytes"] is None else f"row {index} ({image['path']})"


def _require_column(images: ImageSet, column: str) -> None:
    if column not in images.data.column_names:
        columns = ", ".join(images.data.column_names)
        raise InputError(f"image set {images.name!r} has no column {column!r}; it has {columns}")


def refuse_twins(labels: Iterable[str], category: str, name: str) -> None:
    """Raise InputError when two labels differ only in case, width or white space."""
    seen: dict[str, str] = {}
    for label in sorted(set(labels)):
        key = " ".join(unicodedata.normalize("NFKC", label).casefold().split())
        if key in seen:
            raise InputError(
                f"category {category!r} of image set {name!r} has duplicate labels "
                f"{seen[key]!r} and {label!r}: give both the same spelling"
            )
        seen[key] = label


def _raw_labels(images: ImageSet, category: str) -> Iterable[str | None]:
    """The labels as the source spells them; an empty cell, NaN or ClassLabel's -1 is None."""
    feature = images.data.features[category]
    values = images.data[category][:]
    if isinstance(feature, ClassLabel):
        return [None if v is None or v < 0 else feature.names[v] for v in values]
    if isinstance(feature, Value) and feature.dtype == "bool":
        spelling = {True: category, False: f"not {category}", None: None}
        return [spelling[value] for value in values]
    missing = [value is None or value != value or str(value).strip() == "" for value in values]
    return [None if gone else str(v) for gone, v in zip(missing, values, strict=True)]
