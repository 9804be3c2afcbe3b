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
        credit="Noto Emoji, by Google LLC and the Noto Emoji contributors; "
        "324 of its images, unchanged",
        licence="Apache-2.0 (images), OFL-1.1 (font)",
        note="Drawings, not people. Noto dresses women in purple, men in green and people of "
        "unspecified gender in orange, so gender and colour cannot be told apart. Wheelchair "
        "and cane users are drawn whole and from the side, deaf people as a close view of the "
        "ear.",
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
