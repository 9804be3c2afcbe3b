"""FairFace: Kärkkäinen and Joo, 2021 (arXiv 1908.04913)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from unskew.corpora import load_images
from unskew.curate.imports.base import About, Labelled
from unskew.curate.imports.faces import CATEGORIES, face_tables, faces

ABOUT = About(
    name="FairFace",
    page="https://github.com/joojs/fairface",
    text="Faces cut out of photographs of Flickr (YFCC100M), with the gender, age and race that "
    "crowd workers perceived; balanced over seven races. By Kimmo Kärkkäinen and Jungseock Joo, "
    "WACV 2021.",
    licence="CC-BY-4.0",
    mode="images",
)
_LABELS = {"train": "fairface_label_train.csv", "validation": "fairface_label_val.csv"}


def read(folder: Path) -> Iterator[Labelled]:
    """FairFace as its authors publish it, with a CSV file of labels for each part; or as tables.

    Raises:
        InputError, NotFoundError: `folder` holds neither.
    """
    there = {split: folder / name for split, name in _LABELS.items() if (folder / name).is_file()}
    if not there:
        yield from face_tables(folder, ABOUT.name)
    for split, path in there.items():
        found = load_images(path, image_column="file", categories=CATEGORIES)
        yield from faces(found, folder, split)
