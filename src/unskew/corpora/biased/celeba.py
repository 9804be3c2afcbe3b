"""CelebA: is the hair blond? Few of the men have blond hair.

Liu, Luo, Wang, Tang 2015 (arXiv 1411.7766); as a biased set Sagawa et al. 2020 (arXiv
1911.08731).
"""

from datasets import DatasetDict

from unskew.corpora.biased.layout import Labels
from unskew.corpora.biased.natural import SPLITS, class_numbers, marked
from unskew.corpora.image_set import ImageSet
from unskew.corpora.load import Source, load_images
from unskew.corpora.partition import VALIDATION, split_names
from unskew.errors import InputError

NAME = "CelebA"
TARGET, ATTRIBUTE = "Blond_Hair", "Male"


def celeba(source: Source) -> DatasetDict:
    """CelebA with target blond hair and attribute gender, in the splits it is published with.

    Args:
        source: CelebA on the Hub ("flwrlabs/celeba") or in a local folder: the splits train,
            validation (or valid) and test, and the columns "Blond_Hair" and "Male": truth values,
            0 and 1, or -1 and 1.

    Raises:
        NotFoundError: there is no such source.
        InputError: a split or a column is missing, or a label is none of the above.
    """
    available = split_names(source, None)
    held = next((name for name in VALIDATION if name in available), "validation")
    missing = {"train", held, "test"} - set(available)
    if missing:
        raise InputError(f"{NAME}: the source has no {min(missing)} split")
    parts = {
        split: load_images(source, name, categories=(TARGET, ATTRIBUTE))
        for split, name in zip(SPLITS, ("train", held, "test"), strict=True)
    }
    return marked(NAME, parts, {split: _labels(images) for split, images in parts.items()})


def _labels(images: ImageSet) -> Labels:
    return Labels(
        class_numbers(images, TARGET, _truth(TARGET)),
        class_numbers(images, ATTRIBUTE, _truth(ATTRIBUTE)),
        ("not blond", "blond"),
        ("female", "male"),
    )


def _truth(column: str) -> dict[str, int]:
    name = column.casefold()
    no = dict.fromkeys(("0", "-1", "false", "no", f"not {name}"), 0)
    return no | dict.fromkeys(("1", "true", "yes", name), 1)
