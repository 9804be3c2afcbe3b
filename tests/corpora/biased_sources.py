"""Small sources of biased sets, with labels that are known."""

import io
from collections.abc import Mapping, Sequence

import numpy as np
from datasets import ClassLabel, Dataset, DatasetDict, Features, Image, Value
from PIL import Image as Pillow


def files(n: int, shape: tuple[int, ...], seed: int) -> list[dict]:
    """So many different images, as PNG files."""
    pixels = np.random.default_rng(seed).integers(0, 256, (n, *shape), dtype=np.uint8)
    found = []
    for image in pixels:
        file = io.BytesIO()
        Pillow.fromarray(image).save(file, "png")
        found.append({"bytes": file.getvalue(), "path": None})
    return found


def ten_classes(shape: tuple[int, ...], train: int = 1_320, test: int = 200) -> DatasetDict:
    """The layout of MNIST and CIFAR-10, with noise for images."""
    features = Features(image=Image(), label=ClassLabel(names=[f"class {i}" for i in range(10)]))
    splits = {"train": train, "test": test}
    return DatasetDict(
        {
            split: Dataset.from_dict(
                {"image": files(n, shape, seed), "label": [i % 10 for i in range(n)]}, features
            )
            for seed, (split, n) in enumerate(splits.items())
        }
    )


def labelled(columns: Mapping[str, Sequence], seed: int = 0) -> Dataset:
    """Images with these columns."""
    n = len(next(iter(columns.values())))
    kinds = {name: Value(_kind(values[0])) for name, values in columns.items()}
    features = Features(image=Image(), **kinds)
    return Dataset.from_dict({"image": files(n, (8, 8, 3), seed), **columns}, features)


def _kind(value: object) -> str:
    return {bool: "bool", int: "int64", str: "string"}[type(value)]


def contents(split: Dataset) -> list[bytes]:
    """The image files of a split, in order."""
    return [image["bytes"] for image in split.cast_column("image", Image(decode=False))["image"]]


def table(split: Dataset) -> np.ndarray:
    """(targets, attributes): the number of images of every group."""
    shape = split.features["target"].num_classes, split.features["attribute"].num_classes
    counts = np.zeros(shape, dtype=int)
    np.add.at(counts, (split["target"][:], split["attribute"][:]), 1)
    return counts
