"""Face sets with a gender, an age and a race for every image, put into the taxonomy's words.

Labels are what others perceived. Ages are 0-2 Baby, 3-12 Child, 13-19 Teenager, 20-39 Young adult,
40-59 Adult and from 60 Older adult; a range that does not lie within one of these has no subgroup.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from unskew.corpora import ImageSet, load_images, split_names
from unskew.corpora.ages import age_bounds
from unskew.corpora.partition import VALIDATION
from unskew.curate.imports.base import Labelled, file_content
from unskew.errors import InputError
from unskew.stimuli import canonical_subgroup, taxonomy

Codes: TypeAlias = Mapping[str, Sequence[str]]
"""By category, what its codes 0, 1, ... mean."""
CATEGORIES = ("gender", "age", "race")
_FROM = {
    60: "Older adult",
    40: "Adult",
    20: "Young adult",
    13: "Teenager",
    3: "Child",
    0: "Baby",
}


def face_tables(folder: Path, name: str, codes: Codes | None = None) -> Iterator[Labelled]:
    """The images of a folder that `load_images` reads, with columns gender, age or race.

    Raises:
        InputError, NotFoundError: there are none, or no such columns.
    """
    splits: list[str | None] = [*split_names(folder, None)] or [None]
    for split in splits:
        found = load_images(folder, split, require_labels=False)
        columns = [c for c in CATEGORIES if c in found.data.column_names]
        if not columns:
            raise InputError(
                f"{folder} is no {name}: it has no column gender, age or race; its columns are "
                f"{', '.join(found.data.column_names)}"
            )
        images = load_images(found, categories=columns)
        yield from faces(images, folder, part(split), codes or {})


def faces(
    images: ImageSet, folder: Path, split: str | None, codes: Codes | None = None
) -> Iterator[Labelled]:
    """The images of a set whose categories are some of gender, age and race."""
    columns = {category: images.labels(category) for category in images.categories}
    words = {c: {str(i): name for i, name in enumerate(n)} for c, n in (codes or {}).items()}
    pictures = images.images
    for row in range(len(images)):
        image = pictures[row]
        said = {c: found[row] for c, found in columns.items() if found[row] is not None}
        said = {c: words.get(c, {}).get(label, label) for c, label in said.items()}
        yield labelled(_key(image, folder, split, row), partial(_content, image), said, split)


def labelled(
    key: str, read: Callable[[], bytes], said: Mapping[str, str], split: str | None
) -> Labelled:
    """An image with labels as they are worded in the set."""
    labels = {c: age_subgroup(s) if c == "age" else _subgroup(c, s) for c, s in said.items()}
    return Labelled(key, read, labels, said, split=split)


def age_subgroup(label: str) -> str | None:
    """The one subgroup that an age in years, or a range of them, lies in."""
    bounds = age_bounds(label)
    if bounds is None or bounds[0] > bounds[1]:
        return None
    low, high = (next(name for least, name in _FROM.items() if age >= least) for age in bounds)
    return low if low == high else None


def part(split: str | None) -> str | None:
    """What a split of the set is called here; None for one that is none of the three."""
    return "validation" if split in VALIDATION else split if split in ("train", "test") else None


def _subgroup(category: str, label: str) -> str | None:
    name = canonical_subgroup(category, label)
    return name if name in taxonomy()[category] else None


def _key(image: Mapping[str, Any], folder: Path, split: str | None, row: int) -> str:
    """The file's path in the folder, else its row; never a path of this machine."""
    path = Path(image["path"] or "")
    if image["bytes"] is None and path.is_relative_to(folder):
        return path.relative_to(folder).as_posix()
    return f"{split or 'all'}/{row}"


def _content(image: Mapping[str, Any]) -> bytes:
    return file_content(image["path"] or "") if image["bytes"] is None else bytes(image["bytes"])
