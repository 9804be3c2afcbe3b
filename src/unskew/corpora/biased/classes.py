"""Sets of ten classes with a train and a test split, that a bias is made on: MNIST and CIFAR-10."""

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from datasets import Dataset, Features
from datasets import Image as Column
from numpy.typing import NDArray
from PIL import Image

from unskew.corpora.biased.assignment import spread
from unskew.corpora.biased.layout import Ints
from unskew.corpora.image_set import ImageSet
from unskew.corpora.load import Source, load_images
from unskew.corpora.partition import split_names
from unskew.errors import InputError

CLASSES = 10
LABEL = "label"

Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Part:
    """The images of one split as uint8, (n, h, w) or (n, h, w, 3), and their class numbers (n,)."""

    images: Bytes
    targets: Ints

    def rows(self, rows: Ints) -> "Part":
        """The images in these rows."""
        return Part(self.images[rows], self.targets[rows])


def ten_classes(
    name: str, source: Source, mode: str, size: int, held_out: float, rng: np.random.Generator
) -> tuple[dict[str, Part], tuple[str, ...]]:
    """The train, validation and test parts, and the names of the classes.

    Args:
        name: of the set that is built, for messages.
        source: with the splits train and test, and a column "label" of ten classes.
        mode, size: how images are decoded, "L" or "RGB", and the height and width they must have.
        held_out: the share of the train split that becomes the validation split, drawn class by
            class.

    Raises:
        InputError: a split or the column is missing, there are not ten classes, or an image cannot
            be read or has another size.
    """
    missing = {"train", "test"} - set(split_names(source, None))
    if missing:
        raise InputError(f"{name}: the source has no {min(missing)} split")
    train, test = (load_images(source, split, categories=[LABEL]) for split in ("train", "test"))
    names = _class_names(name, train)
    parts = [
        Part(_decoded(images, mode, size), _class_numbers(images, names))
        for images in (train, test)
    ]
    for part, split in zip(parts, ("train", "test"), strict=True):
        if len(np.unique(part.targets)) < 2:
            raise InputError(f"{name}: the {split} split of the source has only one class")
    held = spread(parts[0].targets, held_out, rng)
    divided = {
        "train": parts[0].rows(np.flatnonzero(~held)),
        "validation": parts[0].rows(np.flatnonzero(held)),
        "test": parts[1],
    }
    return divided, names


def as_files(images: Iterable[Bytes]) -> Dataset:
    """A column "image" of PNG files."""
    return Dataset.from_dict({"image": [_png(image) for image in images]}, Features(image=Column()))


def _png(image: Bytes) -> dict[str, bytes | None]:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "png", compress_level=1)
    return {"bytes": file.getvalue(), "path": None}


def _class_names(name: str, images: ImageSet) -> tuple[str, ...]:
    """In the order of their class numbers."""
    feature = images.data.features[LABEL]
    found = tuple(getattr(feature, "names", None) or sorted(set(images.labels(LABEL)) - {None}))
    if len(found) != CLASSES:
        raise InputError(f"{name}: the source must have ten classes, and it has {len(found)}")
    return found


def _class_numbers(images: ImageSet, names: tuple[str, ...]) -> Ints:
    number = {name: index for index, name in enumerate(names)}
    labels = images.labels(LABEL)
    unknown = next((row for row, label in enumerate(labels) if label not in number), None)
    if unknown is not None:
        raise InputError(
            f"{images.name}, {images.item_name(unknown)}: {labels[unknown]!r} is none of the "
            f"classes {', '.join(names)}"
        )
    return np.array([number[label] for label in labels], dtype=np.int64)


def _decoded(images: ImageSet, mode: str, size: int) -> Bytes:
    return np.stack(list(_pixels(images, mode, size)))


def _pixels(images: ImageSet, mode: str, size: int) -> Iterator[Bytes]:
    for row, image in enumerate(images.images):
        try:
            file = io.BytesIO(image["bytes"]) if image["bytes"] else image["path"]
            decoded = Image.open(file).convert(mode)
        except (OSError, SyntaxError, TypeError, ValueError, AttributeError) as error:
            raise InputError(
                f"{images.name}, {images.item_name(row)}: the image cannot be read"
            ) from error
        if decoded.size != (size, size):
            raise InputError(
                f"{images.name}, {images.item_name(row)}: the image is {decoded.width} x "
                f"{decoded.height} pixels, and {size} x {size} are needed"
            )
        yield np.asarray(decoded)
