"""UTKFace as fairness studies use it: gender, age at 35, and White or not.

Images: Zhang, Song, Qi 2017 (arXiv 1702.08423). The classes and the pairs follow VLM-debias,
section 3.2: target gender and attribute age, race and gender, age and race.
"""

from datasets import DatasetDict

from unskew.corpora.biased.faces import GENDER, set_of_traits, spelled, younger_and_older
from unskew.corpora.load import Source

NAME = "UTKFace"

_WHITE = ("white", "caucasian", "0")
_OTHERS = ("black", "asian", "indian", "others", "1", "2", "3", "4")

TRAITS = {
    "gender": GENDER,
    "age": younger_and_older(("35 or younger", "over 35"), last_young=35),
    "race": spelled(("White", "not White"), dict.fromkeys(_WHITE, 0) | dict.fromkeys(_OTHERS, 1)),
}


def utkface(
    source: Source, target: str = "gender", attribute: str = "age", seed: int = 0
) -> DatasetDict:
    """UTKFace with two of its three traits as target and attribute.

    The classes are male and female; 35 or younger and over 35; White and not White. A source with
    a single split is divided 8 : 1 : 1. What goes together more often in training than by chance
    is aligned.

    Args:
        source: UTKFace on the Hub or in a local folder, with columns "gender" ("male", "female",
            or UTKFace's codes 0 and 1), "age" in years and "race" (five names, or the codes 0 to
            4), as far as target and attribute need them.
        target, attribute: two of "gender", "age" and "race".
        seed: of the division of a source with a single split.

    Raises:
        NotFoundError: there is no such source.
        InputError: the source is not as above, or target and attribute are not two of the three.
    """
    return set_of_traits(NAME, source, TRAITS, target, attribute, seed)
