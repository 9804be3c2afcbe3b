"""Sets that `unskew dataset` makes: their columns, and how they are read as an image set.

A set is a folder of Parquet files, one row for an image and a category in which it has a subgroup;
an image with a race and a gender is in two rows. Class numbers are those of the whole taxonomy, so
that they mean the same in every set.
"""

from collections import Counter
from pathlib import Path

from datasets import ClassLabel, Dataset, Features, Image, List, Value

from unskew.errors import InputError
from unskew.stimuli import taxonomy

BUILD = "build.json"
METADATA = "metadata.jsonl"
IMAGE = "image"
SPLITS = ("train", "validation", "test")


def class_names() -> tuple[list[str], list[str]]:
    """The categories, and all their subgroups ("Indian", of two categories, once)."""
    known = taxonomy()
    return list(known), list(dict.fromkeys(name for names in known.values() for name in names))


def features(images: bool = True) -> Features:
    """The columns of a set; `images`: whether the images themselves are among them.

    sha256, width and height are those of the file whose bytes an image column holds: unchanged, as
    it was retrieved, unless bystanders in it were hidden; null where nobody has had the file.
    flags: the checks that it failed. reviewed_by: how many people decided on it.
    """
    categories, subgroups = class_names()
    text = Value("string")
    return Features(
        {
            "id": text,
            **({IMAGE: Image()} if images else {}),
            "text": text,
            "category": ClassLabel(names=categories),
            "subgroup": ClassLabel(names=subgroups),
            **dict.fromkeys(("source", "url", "page", "licence", "author_hash"), text),
            **dict.fromkeys(("retrieved", "query", "sha256"), text),
            "width": Value("int32"),
            "height": Value("int32"),
            "flags": List(text),
            "reviewed_by": Value("int32"),
        }
    )


def config_name(category: str) -> str:
    """What the configuration, and the folder, of a category is called."""
    return category.replace(" ", "_")


def is_set(folder: Path) -> bool:
    """Whether `unskew dataset` has made this folder."""
    return (folder / BUILD).is_file() and (folder / METADATA).is_file()


def is_published(data: Dataset) -> bool:
    """Whether a table has the columns of a set, with images or without."""
    return set(features(images=False)) <= set(data.column_names)


def by_category(data: Dataset, name: str) -> tuple[Dataset, tuple[str, ...]]:
    """A set as one row per image, with a column of subgroups for each category that there is.

    The rows of one image become one, so that its categories can be crossed; an image that has two
    subgroups of one category stays in two rows. The other columns are left out.

    Raises:
        InputError: the set has no images.
    """
    if IMAGE not in data.column_names:
        raise InputError(
            f"image set {name!r} holds addresses and no images: unskew dataset hydrate "
            "downloads them"
        )
    rows, labels = _one_row_per_image(data)
    images = data.select_columns([IMAGE]).select(rows)
    found = []
    for category, subgroups in taxonomy().items():
        names = [s for s in subgroups if any(label.get(category) == s for label in labels)]
        if names:
            number = {subgroup: i for i, subgroup in enumerate(names)}
            column = [number.get(label.get(category, "")) for label in labels]
            images = images.add_column(category, column, feature=ClassLabel(names=names))
            found.append(category)
    return images, tuple(found)


def _one_row_per_image(data: Dataset) -> tuple[list[int], list[dict[str, str]]]:
    """The first row of every image, and its subgroup by category."""
    categories, subgroups = (data.features[c].names for c in ("category", "subgroup"))
    columns = (data[column][:] for column in ("sha256", "id", "category", "subgroup"))
    seen: Counter[tuple[str, int]] = Counter()
    place: dict[tuple[str, int], int] = {}
    rows: list[int] = []
    labels: list[dict[str, str]] = []
    for row, (digest, record, category, subgroup) in enumerate(zip(*columns, strict=True)):
        content = digest or record
        time = seen[content, category]
        seen[content, category] += 1
        at = place.setdefault((content, time), len(rows))
        if at == len(rows):
            rows.append(row)
            labels.append({})
        labels[at][categories[category]] = subgroups[subgroup]
    return rows, labels
