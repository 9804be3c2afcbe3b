"""Labels of people in face data sets, as they are spelled there, made classes of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from datasets import DatasetDict

from unskew.corpora.ages import age_bounds
from unskew.corpora.biased.layout import Ints, Labels
from unskew.corpora.biased.natural import class_numbers, found_set, refuse_unknown
from unskew.corpora.image_set import ImageSet
from unskew.corpora.load import Source
from unskew.errors import InputError


@dataclass(frozen=True)
class Trait:
    """Classes of people, and the class number (n,) of every image from a column of labels."""

    names: tuple[str, ...]
    classify: Callable[[ImageSet, str], Ints]


def spelled(names: tuple[str, ...], spellings: Mapping[str, int]) -> Trait:
    """Classes told by how they are spelled, in lower case."""
    return Trait(names, partial(class_numbers, numbers=spellings))


def ages(images: ImageSet, column: str = "age") -> list[tuple[float, float]]:
    """The least and the greatest age of every image. Raises InputError for an unknown wording."""
    found = [age_bounds(str(label)) for label in images.labels(column)]
    refuse_unknown(images, column, found)
    return [bounds for bounds in found if bounds is not None]


def younger_and_older(names: tuple[str, str], last_young: int) -> Trait:
    """Two classes of age, the first up to and with `last_young`."""

    def classify(images: ImageSet, column: str) -> Ints:
        sides = [(low > last_young, high > last_young) for low, high in ages(images, column)]
        refuse_unknown(images, column, [None if a != b else int(a) for a, b in sides])
        return np.array([low for low, _ in sides], dtype=np.int64)

    return Trait(names, classify)


# UTKFace's codes are 0 for male and 1 for female.
GENDER = spelled(("male", "female"), {"male": 0, "man": 0, "0": 0, "female": 1, "woman": 1, "1": 1})


def set_of_traits(
    name: str, source: Source, traits: Mapping[str, Trait], target: str, attribute: str, seed: int
) -> DatasetDict:
    """The biased set of two traits, each from the column of its name; errors as `found_set`."""
    if target not in traits or attribute not in traits or target == attribute:
        raise InputError(
            f"{name}: target and attribute are two of {', '.join(traits)}; "
            f"got {target!r} and {attribute!r}"
        )
    wanted = traits[target], traits[attribute]

    def read(images: ImageSet) -> Labels:
        return Labels(
            wanted[0].classify(images, target),
            wanted[1].classify(images, attribute),
            wanted[0].names,
            wanted[1].names,
        )

    return found_set(name, source, (target, attribute), read, seed)
