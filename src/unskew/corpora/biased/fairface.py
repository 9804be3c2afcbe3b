"""FairFace: faces balanced over race, gender and age.

Kärkkäinen, Joo 2021 (arXiv 1908.04913). Target and attribute are two of its three labels.
"""

from datasets import DatasetDict

from unskew.corpora.biased.faces import GENDER, set_of_traits, spelled
from unskew.corpora.load import Source

NAME = "FairFace"

AGES = ("0-2", "3-9", "10-19", "20-29", "30-39", "40-49", "50-59", "60-69", "70+")
RACES = (
    *("East Asian", "Indian", "Black", "White", "Middle Eastern", "Latino_Hispanic"),
    "Southeast Asian",
)

TRAITS = {
    "gender": GENDER,
    "age": spelled(AGES, {name: i for i, name in enumerate(AGES)} | {"more than 70": 8}),
    "race": spelled(RACES, {name.casefold(): i for i, name in enumerate(RACES)}),
}


def fairface(
    source: Source, target: str = "gender", attribute: str = "age", seed: int = 0
) -> DatasetDict:
    """FairFace with two of its three labels as target and attribute, in the classes it has.

    A source with a single split is divided 8 : 1 : 1. One with a train and a validation split, as
    FairFace is published, is judged on the latter, and a ninth of its train split is held out.
    What goes together more often in training than by chance is aligned.

    Args:
        source: FairFace on the Hub or in a local folder, with the columns of target and attribute.
        target, attribute: two of "gender", "age" and "race".
        seed: of the division of a source with a single split.

    Raises:
        NotFoundError: there is no such source.
        InputError: the source is not as above, or target and attribute are not two of the three.
    """
    return set_of_traits(NAME, source, TRAITS, target, attribute, seed)
