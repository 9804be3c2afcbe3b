"""A visitor's own pictures, as an image set; and the built-in pictures to choose from."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import PIL.Image
from datasets import Dataset, Features, Image, Value

# Whole before any thread starts: `datasets` looks into it, and finds half of it while another
# thread is importing it for the first time.
from transformers import PreTrainedTokenizerBase  # noqa: F401

from unskew.corpora import BUILTIN, ImageSet, load_images
from unskew.demo.check import Picture, Refused, looked_at, readable
from unskew.demo.limits import Limits
from unskew.demo.shelf import Upload
from unskew.demo.show import Drawn, address
from unskew.errors import InputError

OWN = "own"
OWN_NAME = "your pictures"
CATEGORY = "group"
SOURCES = (*BUILTIN, OWN)
_THUMB = 96


@dataclass(frozen=True)
class Pictures:
    """JPEG bytes per group, in memory alone."""

    groups: tuple[tuple[bytes, ...], ...]

    @classmethod
    def none(cls, limits: Limits) -> Pictures:
        """Before anything is handed in."""
        return cls(((),) * limits.groups)

    def with_uploads(
        self, group: int, uploads: Sequence[Upload], limits: Limits
    ) -> tuple[Pictures, list[Refused]]:
        """With the pictures among some uploads added to a group, and the rest refused."""
        kept = list(self.groups[group])
        refused: list[Refused] = []
        for upload in uploads:
            found = looked_at(upload, limits)
            if isinstance(found, Picture) and len(kept) == limits.files:
                found = Refused(upload.name, f"the group has {limits.files} pictures already")
            if isinstance(found, Refused):
                refused.append(found)
            elif found.jpeg not in kept:
                kept.append(found.jpeg)
        groups = list(self.groups)
        groups[group] = tuple(kept)
        return replace(self, groups=tuple(groups)), refused


def image_set(source: str, pictures: Pictures, names: Sequence[str], limits: Limits) -> ImageSet:
    """What a visitor chose to ask about.

    Raises:
        InputError: own pictures, and there are too few, or groups without a name.
    """
    if source in BUILTIN:
        return load_images(source)
    if source != OWN:
        raise InputError(f"no images {source!r:.40}: choose {', '.join(SOURCES)}")
    labels = [readable(" ".join(name.split())) for name in names]
    used = [x for x, group in zip(labels, pictures.groups, strict=True) if group]
    if len(set(used)) < len(used):
        raise InputError("two groups have the same name: rename one")
    rows = [
        (label, jpeg)
        for number, (label, group) in enumerate(zip(labels, pictures.groups, strict=True), 1)
        for jpeg in group
        if _named(label, number, limits)
    ]
    if not rows:
        raise InputError("you have handed in no pictures yet, or they were forgotten: add some")
    data = Dataset.from_dict(
        {
            "image": [{"bytes": jpeg, "path": None} for _, jpeg in rows],
            CATEGORY: [label for label, _ in rows],
        },
        features=Features({"image": Image(decode=False), CATEGORY: Value("string")}),
    )
    return ImageSet(
        OWN_NAME,
        data,
        "image",
        (CATEGORY,),
        note="Pictures that a visitor of the demonstration handed in, grouped as they said.",
    )


def _named(label: str, number: int, limits: Limits) -> bool:
    if not label:
        raise InputError(f"group {number} has pictures and no name: name it")
    if len(label) > limits.name:
        raise InputError(f"the name of group {number} is longer than {limits.name} characters")
    return True


def spread(images: ImageSet, count: int) -> list[int]:
    """Rows evenly spaced over a set, all where there are few."""
    n = len(images)
    return np.unique(np.linspace(0, n - 1, min(count, n)).round().astype(int)).tolist()


def thumbnails(images: ImageSet, rows: Sequence[int]) -> list[Drawn]:
    """Pictures of a set, small, with their labels in words."""
    labels = [images.labels(category) for category in images.categories]
    drawn = []
    for row in rows:
        small = PIL.Image.open(io.BytesIO(images.images[row]["bytes"])).convert("RGBA")
        small.thumbnail((_THUMB, _THUMB))
        out = io.BytesIO()
        PIL.Image.alpha_composite(PIL.Image.new("RGBA", small.size, "white"), small).convert(
            "RGB"
        ).save(out, "JPEG", quality=85)
        known = [str(values[row]) for values in labels if values[row] is not None]
        alt = f"picture {row + 1}: {', '.join(known)}"
        drawn.append(Drawn(address(out.getvalue(), "image/jpeg"), alt))
    return drawn
