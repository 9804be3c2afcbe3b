"""UTKFace: Zhang, Song and Qi, 2017 (arXiv 1702.08423)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from unskew.curate.imports.base import About, Labelled, file_content, images_below
from unskew.curate.imports.faces import face_tables, labelled

ABOUT = About(
    name="UTKFace",
    page="https://susanqq.github.io/UTKFace/",
    text="Faces from the web, with an age, a gender and a race that a network estimated and people "
    "checked. By Zhifei Zhang, Yang Song and Hairong Qi, CVPR 2017. For non-commercial research "
    "only; its images belong to whoever took them.",
    licence="LicenseRef-UTKFace",
    mode="private",
)
# age_gender_race_time.jpg
_NAME = re.compile(r"(\d{1,3})_([01])_([0-4])_\d+\D.*")
_CODES = {
    "gender": ("male", "female"),
    "race": ("White", "Black", "Asian", "Indian", "Others"),
}


def read(folder: Path) -> Iterator[Labelled]:
    """UTKFace as its authors publish it, with the labels in the names of files; or as tables.

    Of the files, those whose names lack a label have none.

    Raises:
        InputError, NotFoundError: `folder` holds neither.
    """
    files = images_below(folder)
    if not any(_NAME.fullmatch(path.name) for path in files):
        yield from face_tables(folder, ABOUT.name, _CODES)
        return
    for path in files:
        found = _NAME.fullmatch(path.name)
        said = {}
        if found:
            said = {c: names[int(found[i])] for i, (c, names) in enumerate(_CODES.items(), 2)}
            said["age"] = found[1]
        yield labelled(path.as_posix(), partial(file_content, folder / path), said, None)
