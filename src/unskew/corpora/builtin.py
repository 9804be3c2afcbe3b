"""The image sets that ship with the package; ``data/CREDITS.md`` says whose work they are."""

from dataclasses import dataclass
from importlib.resources import files

import pyarrow.parquet as pq
from datasets import Dataset, Image

from unskew.corpora.image_set import ImageSet


@dataclass(frozen=True)
class _Builtin:
    categories: tuple[str, ...]
    credit: str
    licence: str
    note: str


BUILTIN = {
    "faces": _Builtin(
        categories=("gender", "age", "age_group"),
        credit="FairFace, by Kimmo Kärkkäinen and Jungseock Joo (WACV 2021); "
        "540 of its images, reduced to 160 pixels",
        licence="CC BY 4.0",
        note="Gender and age are what crowd workers perceived in a photograph, not what the "
        "person would say; the source offers two genders only.",
    ),
    "emoji": _Builtin(
        categories=(
            "skin_tone",
            "gender",
            "age",
            "disability",
            "headwear",
            "couple",
            "setting",
        ),
        credit="Noto Color Emoji, by Google and the contributors to Noto Emoji; "
        "324 of its pictures, unchanged",
        licence="SIL OFL 1.1",
        note="Drawings, not people. Women wear purple, men green and people of unspecified "
        "gender orange, so gender cannot be told from colour; deaf people are drawn as a close "
        "view of the ear, the other people of their category whole and from the side.",
    ),
}


def read_builtin(name: str) -> ImageSet:
    """A shipped set by its name, a key of `BUILTIN`."""
    about = BUILTIN[name]
    with (files("unskew.corpora") / "data" / f"{name}.parquet").open("rb") as file:
        data = Dataset(pq.read_table(file)).cast_column("image", Image(decode=False))
    return ImageSet(
        name=name,
        data=data,
        image_column="image",
        categories=about.categories,
        credit=about.credit,
        licence=about.licence,
        demonstration=True,
        note=about.note,
    )
