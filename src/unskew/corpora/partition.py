"""Train, validation and test parts of an image set, without a common image.

A model must be judged on images that nothing was fitted on or chosen by. Images are compared by
the SHA-256 of their files, so a copy under another name is found, an altered copy is not.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias, TypeVar

import numpy as np
from datasets import DatasetDict

from unskew.corpora.builtin import BUILTIN
from unskew.corpora.captioned import CaptionedSet
from unskew.corpora.folder import splits_of_folder
from unskew.corpora.image_set import ImageSet
from unskew.corpora.load import Source, load_images
from unskew.corpora.remote import splits_on_hub
from unskew.corpora.splits import SPLITS
from unskew.errors import InputError

Images: TypeAlias = ImageSet | CaptionedSet
AnySet = TypeVar("AnySet", ImageSet, CaptionedSet)

VALIDATION = ("validation", "valid", "val", "dev")
NO_PICTURE = b""


def partition(
    source: Source,
    image_column: str | None = None,
    categories: Sequence[str] | None = None,
    *,
    attributes: Sequence[str] = (),
    config: str | None = None,
) -> tuple[ImageSet, ImageSet, ImageSet]:
    """The train, validation and test parts of an image set.

    The splits are those the source has. One that has no validation split gives a ninth of its
    train split away for it; one without a test split is judged on its validation split; one with
    a single split is divided 8 : 1 : 1. Which image goes where is decided by its content alone, so
    it is the same at every call and on every machine. An image that is in two of the splits stays
    in the one that is judged on, and `note` says how many that were.

    Args:
        source, image_column, categories, config: as in `load_images`.
        attributes: columns that are to be among the categories, even if they do not look like
            labels, as ages in years do not.

    Raises:
        NotFoundError: there is no such set.
        InputError: as `load_images`; or a part is left without images.
    """
    splits = split_names(source, config)

    def load(split: str | None) -> ImageSet:
        found = load_images(
            source,
            split,
            image_column,
            categories,
            config=config,
            require_labels=not attributes,
        )
        return load_images(found, categories=[*found.categories, *attributes])

    return _disjoint(*_parts(splits, load, _called(source)))


def train_and_test(
    source: Source, categories: Sequence[str] | None = None
) -> tuple[ImageSet, ImageSet]:
    """The train and test parts of a set of general images, labelled or not.

    As `partition`, without a validation part: one split is divided 8 : 2.
    """
    splits = split_names(source, None)
    judged = next((name for name in ("test", *VALIDATION) if name in splits), None)

    def load(split: str | None) -> ImageSet:
        return load_images(source, split, categories=categories, require_labels=False)

    if "train" in splits and judged is not None:
        train, test = load("train"), load(judged)
    else:
        train, test = _divided(_whole(splits, load, _called(source)), {"train": 8, "test": 2})
    return _without(train, _pictures(test), "test"), test


def refuse_shared_images(*parts: Images | Sequence[Images]) -> None:
    """Raise InputError when two parts have an image in common, naming it in both.

    A part is a set, or several; sets of one part may share images.
    """
    seen: dict[bytes, tuple[int, str]] = {}
    for number, part in enumerate(parts):
        for images in part if isinstance(part, Sequence) else (part,):
            for row, digest in enumerate(image_digests(images)):
                if digest == NO_PICTURE:
                    continue
                other, where = seen.setdefault(digest, (number, f"{images.name}, row {row}"))
                if other != number:
                    raise InputError(
                        f"an image is both in {where} and in {images.name}, row {row}: what is "
                        "fitted on, chosen by, judged on in domain and out of domain must be "
                        "apart; leave it out of one"
                    )


def sample(images: AnySet, most: int | None, seed: int = 0) -> AnySet:
    """At most so many of the images, drawn with a seed, in their order; all where None."""
    if most is not None and most < 1:
        raise InputError(f"{images.name}: cannot take {most} images; give at least 1")
    if most is None or most >= len(images):
        return images
    rows = np.sort(np.random.default_rng(seed).permutation(len(images))[:most])
    return chosen(images, rows)


def chosen(images: AnySet, rows: Sequence[int] | np.ndarray) -> AnySet:
    """The images in these rows."""
    return replace(images, data=images.data.select(rows))


def image_digests(images: Images) -> list[bytes]:
    """SHA-256 of every image file; of its path where it cannot be read, as encoders will report.

    NO_PICTURE where there is neither content nor path: that is no image, and the same as no other.
    """
    return [_digest(image) for image in images.images]


def _digest(image: dict | None) -> bytes:
    content, path = (image or {}).get("bytes"), (image or {}).get("path")
    if content is None and path and Path(path).is_file():
        content = Path(path).read_bytes()
    if not content and not path:
        return NO_PICTURE
    return hashlib.sha256(str(path).encode() if content is None else content).digest()


def _pictures(images: Images) -> set[bytes]:
    return set(image_digests(images)) - {NO_PICTURE}


def split_names(source: Source, config: str | None) -> list[str]:
    """The names of the splits; [] where the source does not name any."""
    if isinstance(source, DatasetDict):
        return list(source)
    if not isinstance(source, str | Path) or source in BUILTIN or Path(source).is_file():
        return []
    folder = Path(source).expanduser()
    if folder.is_dir():
        return splits_of_folder(folder, config)
    return splits_on_hub(str(source), config)


def _parts(
    splits: list[str], load: Callable[[str | None], ImageSet], source: str
) -> tuple[ImageSet, ImageSet, ImageSet]:
    """Train, validation and test, which may still have images in common."""
    held = next((name for name in VALIDATION if name in splits), None)
    judged = "test" if "test" in splits else held
    if "train" in splits and judged is not None:
        train, test = load("train"), load(judged)
        if held is not None and held != judged:
            return train, load(held), test
        train, validation = _divided(train, {"train": 8, "validation": 1})
        return train, validation, test
    whole = _whole(splits, load, source)
    train, validation, test = _divided(whole, {"train": 8, "validation": 1, "test": 1})
    return train, validation, test


def _whole(splits: list[str], load: Callable[[str | None], ImageSet], source: str) -> ImageSet:
    """What is to be divided: the train split, or the only one."""
    if len(splits) > 1 and "train" not in splits:
        raise InputError(f"{source} has the splits {', '.join(splits)} and no train split")
    return load("train" if "train" in splits else splits[0] if splits else None)


def _called(source: Source) -> str:
    return repr(str(source)) if isinstance(source, str | Path) else "the DatasetDict"


def _divided(images: ImageSet, shares: Mapping[str, int]) -> list[ImageSet]:
    """Parts in these proportions; an image's content decides into which it falls.

    Raises:
        InputError: a part is left without images.
    """
    edges = np.cumsum(list(shares.values())) / sum(shares.values())
    places = [int.from_bytes(digest[:8]) / 2**64 for digest in image_digests(images)]
    part_of = np.searchsorted(edges, places, side="right").clip(max=len(shares) - 1)
    parts = []
    for number, part in enumerate(shares):
        rows = np.flatnonzero(part_of == number)
        if not len(rows):
            raise InputError(
                f"{images.name}: {len(images)} images are too few to be divided; "
                f"none fell into the {part} part"
            )
        parts.append(replace(chosen(images, rows), name=_part_name(images.name, part)))
    return parts


def _part_name(name: str, part: str) -> str:
    base, _, split = name.rpartition(":")
    return f"{base if base and split in SPLITS else name}:{part}"


def _disjoint(
    train: ImageSet, validation: ImageSet, test: ImageSet
) -> tuple[ImageSet, ImageSet, ImageSet]:
    judged = _pictures(test)
    validation = _without(validation, judged, "test")
    seen = judged | _pictures(validation)
    return _without(train, seen, "validation or test"), validation, test


def _without(images: ImageSet, others: set[bytes], part: str) -> ImageSet:
    rows = [row for row, digest in enumerate(image_digests(images)) if digest not in others]
    gone = len(images) - len(rows)
    if not gone:
        return images
    if not rows:
        raise InputError(f"{images.name}: every image is in the {part} part, too")
    what = f"{gone} images of {images.name} are in the {part} part, too, and left out."
    return replace(chosen(images, rows), note=f"{images.note} {what}".strip())
