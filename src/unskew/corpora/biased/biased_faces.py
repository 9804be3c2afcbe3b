"""Biased faces: young women and old men, with few old women and young men.

BFFHQ's recipe (Kim et al. 2021, BiaSwap, arXiv 2108.10008; Lee et al. 2021, arXiv 2107.01372), on
any faces with labels of age and gender; and BFFHQ itself, from the folder it is released as.
"""

import re
from pathlib import Path

import numpy as np
from datasets import Dataset, DatasetDict, Features, Image

from unskew.corpora.biased.assignment import check_conflicts, check_ratio
from unskew.corpora.biased.faces import GENDER, ages
from unskew.corpora.biased.layout import (
    Ints,
    Labels,
    biased_set,
    biased_split,
    refuse_one_class,
    split_labels,
)
from unskew.corpora.biased.natural import divided, image_column
from unskew.corpora.folder import SUFFIXES
from unskew.corpora.image_set import ImageSet
from unskew.corpora.load import Source
from unskew.corpora.partition import chosen
from unskew.errors import InputError, NotFoundError

NAME = "biased faces"
TARGETS, ATTRIBUTES = ("young", "old"), ("female", "male")
YOUNG, OLD = (10, 29), (40, 59)
CONFLICTING = ~np.eye(2, dtype=bool)
LEFT_OUT = -1

_CODES = re.compile(r".*_([01])_([01])")


def biased_faces(source: Source, conflict_ratio: float = 0.005, seed: int = 0) -> DatasetDict:
    """Faces whose age goes with their gender. Target: young or old; attribute: gender.

    People of 10 to 29 are young, of 40 to 59 old, all others are left out; young women and old men
    are aligned. The training split has as many young as old people, and a share `conflict_ratio`
    of each conflicts; of the images there are, as many are taken as that allows. In validation and
    test the four groups are equally large.

    Args:
        source: faces with the columns "age" (years, or ranges such as "20-29") and "gender"; a
            single split is divided 8 : 1 : 1.
        conflict_ratio: at least 0 and below 1.
        seed: of the division and of the images taken.

    Raises:
        NotFoundError: there is no such source.
        InputError: the source is not as above, a group is empty, or the ratio is outside its range.
    """
    check_ratio(NAME, conflict_ratio)
    parts = divided(source, ("age", "gender"), _groups, seed)
    rng = np.random.default_rng(seed)
    splits = {}
    for split, images in parts.items():
        groups = _groups(images)
        counts = np.bincount(groups[groups != LEFT_OUT], minlength=4)
        sizes = _biased(counts, conflict_ratio) if split == "train" else np.full(4, counts.min())
        if split == "train":
            check_conflicts(NAME, conflict_ratio, int(sizes[1] + sizes[2]), int(sizes.sum()))
        rows = _taken(groups, sizes, rng)
        labels = Labels(groups[rows] // 2, groups[rows] % 2, TARGETS, ATTRIBUTES)
        splits[split] = biased_split(image_column(chosen(images, rows)), labels, CONFLICTING)
    return biased_set(NAME, splits)


def bffhq(folder: str | Path) -> DatasetDict:
    """BFFHQ as released; target and attribute as in `biased_faces`, splits as they are.

    Args:
        folder: holds ``train`` (or ``0.5pct``) with ``align`` and ``conflict``, ``valid`` and
            ``test``; the names of the image files end in ``_<target>_<attribute>``, 0 for young
            and female, 1 for old and male.

    Raises:
        NotFoundError: there is no such folder.
        InputError: a folder has no images, or a file is not named so.
    """
    root = Path(folder).expanduser()
    if not root.is_dir():
        raise NotFoundError(f"BFFHQ: there is no folder {str(folder)!r}")
    train = next((root / name for name in ("train", "0.5pct") if (root / name).is_dir()), root)
    files = {
        "train": _images_in(train / "align") + _images_in(train / "conflict"),
        "validation": _images_in(root / "valid"),
        "test": _images_in(root / "test"),
    }
    splits = DatasetDict({split: _read(paths) for split, paths in files.items()})
    refuse_one_class("BFFHQ", split_labels(splits["train"]))
    return splits


def _groups(images: ImageSet) -> Ints:
    """Twice the target plus the attribute; LEFT_OUT for people who are neither young nor old."""
    old = np.array([_age(bounds) for bounds in ages(images)], dtype=np.int64)
    male = 1 - GENDER.classify(images, "gender")
    return np.where(old == LEFT_OUT, LEFT_OUT, 2 * old + male)


def _age(bounds: tuple[float, float]) -> int:
    low, high = bounds
    fits = (age for age, (a, b) in enumerate((YOUNG, OLD)) if a <= low and high <= b)
    return next(fits, LEFT_OUT)


def _biased(counts: Ints, ratio: float) -> Ints:
    """The most images of each of the four groups at this ratio, with as many young as old."""
    aligned, conflicting = counts[[0, 3]].min(), counts[[1, 2]].min()
    each = aligned / (1 - ratio)
    if ratio:
        each = min(each, conflicting / ratio)
    against = min(round(each * ratio), conflicting)
    along = min(round(each * (1 - ratio)), aligned)
    return np.array([along, against, against, along])


def _taken(groups: Ints, sizes: Ints, rng: np.random.Generator) -> Ints:
    """Rows with so many images of each group, in their order."""
    drawn = [
        rng.permutation(np.flatnonzero(groups == group))[:size] for group, size in enumerate(sizes)
    ]
    return np.sort(np.concatenate(drawn))


def _images_in(folder: Path) -> list[Path]:
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not found:
        raise InputError(f"BFFHQ: there are no images in {str(folder)!r}")
    return found


def _read(paths: list[Path]) -> Dataset:
    codes = [_CODES.fullmatch(path.stem) for path in paths]
    odd = next((path for path, code in zip(paths, codes, strict=True) if code is None), None)
    if odd is not None:
        raise InputError(f"BFFHQ: the name of {str(odd)!r} does not end in _<target>_<attribute>")
    classes = np.array([[int(c) for c in code.groups()] for code in codes if code is not None])
    labels = Labels(classes[:, 0], classes[:, 1], TARGETS, ATTRIBUTES)
    column = Dataset.from_dict({"image": list(map(str, paths))}, Features(image=Image()))
    return biased_split(column, labels, CONFLICTING)
