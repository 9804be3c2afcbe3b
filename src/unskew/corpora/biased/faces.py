"""Labels of people in face data sets, as they are spelled there, made classes of."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from unskew.corpora.ages import age_bounds
from unskew.corpora.biased.layout import Ints, Labels
from unskew.corpora.biased.natural import class_numbers, refuse_unknown
from unskew.corpora.image_set import ImageSet

GENDERS = ("male", "female")
_GENDERS = {"male": 0, "man": 0, "0": 0, "female": 1, "woman": 1, "1": 1}

RACES = ("White", "not White")
_WHITE = ("white", "caucasian", "white/caucasian", "0")
_NOT_WHITE = (
    *("black", "asian", "indian", "others", "other", "east asian", "southeast asian"),
    *("middle eastern", "latino_hispanic", "latino hispanic", "1", "2", "3", "4"),
)
_RACES = {**dict.fromkeys(_WHITE, 0), **dict.fromkeys(_NOT_WHITE, 1)}

AGES = ("35 or younger", "over 35")
LAST_YOUNG_AGE = 35


@dataclass(frozen=True)
class Trait:
    """Two classes of people, and how they are told from a column of labels."""

    names: tuple[str, ...]
    classify: Callable[[ImageSet, str], Ints]


def _genders(images: ImageSet, column: str) -> Ints:
    return class_numbers(images, column, _GENDERS)


def _races(images: ImageSet, column: str) -> Ints:
    return class_numbers(images, column, _RACES)


def _ages(images: ImageSet, column: str) -> Ints:
    found = [_age(str(label)) for label in images.labels(column)]
    refuse_unknown(images, column, found)
    return np.array(found, dtype=np.int64)


def _age(label: str) -> int | None:
    bounds = age_bounds(label)
    if bounds is None or bounds[0] <= LAST_YOUNG_AGE < bounds[1]:
        return None
    return int(bounds[0] > LAST_YOUNG_AGE)


TRAITS = {
    "gender": Trait(GENDERS, _genders),
    "age": Trait(AGES, _ages),
    "race": Trait(RACES, _races),
}


def trait_labels(images: ImageSet, target: str, attribute: str) -> Labels:
    """The classes of two traits, each from the column of the same name."""
    return Labels(
        TRAITS[target].classify(images, target),
        TRAITS[attribute].classify(images, attribute),
        TRAITS[target].names,
        TRAITS[attribute].names,
    )
