"""Labelled images in memory, as one tensor of bytes: what classifiers are trained on."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from datasets import ClassLabel, Dataset
from datasets import Image as ImageFeature
from PIL import Image
from torch import Tensor
from tqdm.auto import tqdm

from unskew.encoders.images import to_rgb
from unskew.encoders.pipeline import ordered_map
from unskew.errors import InputError

UNKNOWN = -1
"""The attribute of every image where it is unknown."""
_WORKERS = max(2, min(8, os.cpu_count() or 2))
_READ = 256
"""Rows read at once: one by one takes longer than decoding small images."""


@dataclass(frozen=True)
class Pixels:
    """Images with their target class and sensitive attribute.

    Attributes:
        images: uint8 (n, 3, h, w).
        targets: int64 (n,).
        attributes: int64 (n,); all `UNKNOWN` where nobody knows.
        target_names: of the classes.
        attribute_names: of the attribute's values; none where it is unknown.

    Raises:
        InputError: nothing in it, arrays of different lengths, or a label out of range.
    """

    images: Tensor
    targets: Tensor
    attributes: Tensor
    target_names: tuple[str, ...]
    attribute_names: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.images.dtype != torch.uint8 or self.images.ndim != 4:
            raise InputError(
                f"images are {self.images.dtype} of shape {tuple(self.images.shape)}; "
                "they must be uint8 (n, channels, height, width)"
            )
        if not len(self.images):
            raise InputError("there are no images")
        for what, labels, names in (
            ("target", self.targets, self.target_names),
            ("attribute", self.attributes, self.attribute_names),
        ):
            if labels.shape != (len(self.images),):
                raise InputError(
                    f"{len(self.images)} images have {what} labels of shape {tuple(labels.shape)}; "
                    "each image needs one"
                )
            if names or what == "target":
                _check_range(what, labels, names)

    def __len__(self) -> int:
        return len(self.images)

    @property
    def has_attributes(self) -> bool:
        """Whether the sensitive attribute is known."""
        return bool(self.attribute_names)

    @property
    def groups(self) -> Tensor:
        """Target times the number of attribute values, plus attribute: int64 (n,).

        Raises:
            InputError: the attribute is unknown.
        """
        if not self.has_attributes:
            raise InputError("the images have no groups, since their attribute is unknown")
        return self.targets * len(self.attribute_names) + self.attributes

    @property
    def group_names(self) -> tuple[str, ...]:
        """ "woman, young" and so on, by group number; none where the attribute is unknown."""
        return tuple(f"{t}, {a}" for t in self.target_names for a in self.attribute_names)

    @property
    def mean_and_std(self) -> tuple[list[float], list[float]]:
        """Per channel, of pixels in [0, 1]; the deviation of a constant channel is given as 1."""
        channels = self.images.movedim(1, 0).flatten(1)
        values = torch.arange(256, dtype=torch.float64) / 255
        shares = torch.stack([torch.bincount(c.long(), minlength=256) for c in channels])
        shares = shares.double() / channels.shape[1]
        mean = shares @ values
        std = ((values - mean[:, None]).square() * shares).sum(1).sqrt()
        return mean.tolist(), torch.where(std > 0, std, 1.0).tolist()

    def select(self, rows: Tensor) -> Pixels:
        """The images in these rows, int64 (m,)."""
        return Pixels(
            self.images[rows],
            self.targets[rows],
            self.attributes[rows],
            self.target_names,
            self.attribute_names,
        )


def load_pixels(dataset: Dataset, size: int | None = None) -> Pixels:
    """Decode the images of a biased set (see `unskew.corpora.biased`) into memory.

    Args:
        dataset: with columns `image`, `target` and, if it is known, `attribute`; the labels are
            ClassLabels.
        size: side of the images: those of another size are resized, without keeping the aspect.
            Left out: as they are, and all must be of one size.

    Raises:
        InputError: a column is missing or no ClassLabel, a label out of range, an image that
            cannot be read, images of different sizes.
    """
    for column in ("image", "target"):
        if column not in dataset.column_names:
            raise InputError(
                f"the data have no column {column!r}, only {', '.join(dataset.column_names)}"
            )
    if size is not None and size < 1:
        raise InputError(f"size is {size}; it must be at least 1 pixel")
    if not len(dataset):
        raise InputError("the data hold no images")
    targets, target_names = _labels(dataset, "target")
    attributes = torch.full((len(dataset),), UNKNOWN)
    attribute_names: tuple[str, ...] = ()
    if "attribute" in dataset.column_names:
        attributes, attribute_names = _labels(dataset, "attribute")
    images = _images(dataset, size)
    return Pixels(images, targets, attributes, target_names, attribute_names)


def _labels(dataset: Dataset, column: str) -> tuple[Tensor, tuple[str, ...]]:
    feature = dataset.features[column]
    if not isinstance(feature, ClassLabel):
        raise InputError(
            f"column {column!r} is no ClassLabel: call dataset.class_encode_column({column!r})"
        )
    values = dataset.with_format(None)[column]
    labels = torch.tensor([UNKNOWN if v is None else int(v) for v in values], dtype=torch.int64)
    names = tuple(feature.names)
    _check_range(column, labels, names)
    return labels, names


def _check_range(what: str, labels: Tensor, names: tuple[str, ...]) -> None:
    wrong = torch.nonzero((labels < 0) | (labels >= len(names))).flatten()
    if len(wrong):
        row = int(wrong[0])
        raise InputError(
            f"the {what} of image {row} is {int(labels[row])}, and there are {len(names)} classes: "
            f"labels go from 0 to {len(names) - 1}"
        )


def _images(dataset: Dataset, size: int | None) -> Tensor:
    """uint8 (n, 3, h, w), decoded by several workers."""
    items = dataset.with_format(None)
    if isinstance(dataset.features["image"], ImageFeature):
        items = items.cast_column("image", ImageFeature(decode=False))
    parts: Iterable[Any] = items.select_columns(["image"]).iter(_READ)
    files = (file for part in parts for file in part["image"])
    read = ordered_map(lambda index, item: _array(index, item, size), files, _WORKERS, ahead=_READ)
    images: Tensor | None = None
    bar = tqdm(read, total=len(dataset), unit="image", disable=None, delay=2, leave=False)
    for index, array in enumerate(bar):
        if images is None:
            images = torch.empty((len(dataset), 3, *array.shape[:2]), dtype=torch.uint8)
        if array.shape[:2] != images.shape[2:]:
            first, this = (f"{s[1]} x {s[0]}" for s in (images.shape[2:], array.shape[:2]))
            raise InputError(
                f"image {index} is {this} pixels, and the first is {first}: give a size, to which "
                "all are resized"
            )
        images[index] = torch.from_numpy(array).movedim(2, 0)
    assert images is not None
    return images


def _array(index: int, item: Any, size: int | None) -> np.ndarray:
    """One image, uint8 (h, w, 3)."""
    try:
        image = to_rgb(item)
    except ValueError as error:
        raise InputError(f"image {index} cannot be read: {error}") from error
    if size is not None and image.size != (size, size):
        image = image.resize((size, size), Image.Resampling.BILINEAR)
    return np.array(image)
