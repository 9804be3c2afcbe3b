"""Photos with captions, for retrieval between images and texts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from datasets import Dataset, LargeList, List, Value

from unskew.corpora.image_set import ImageSet
from unskew.corpora.load import Source, load_images
from unskew.errors import InputError

CAPTION_NAMES = ("captions", "caption", "sentences", "sentence", "text", "raw", "description")


@dataclass(frozen=True)
class CaptionedSet:
    """Images, each with one caption or several.

    Raises InputError when a column is not there, or an image has no caption.
    """

    name: str
    data: Dataset
    """One row per image."""
    image_column: str
    """A column of type ``Image(decode=False)``, as in an ImageSet."""
    caption_column: str
    """A column of strings, or of lists of strings."""
    demonstration: bool = False

    def __post_init__(self) -> None:
        if self.caption_column not in self.data.column_names:
            raise InputError(
                f"{self.name!r} has no column {self.caption_column!r}; it has "
                f"{', '.join(self.data.column_names)}"
            )
        if not _can_hold_captions(self.data, self.caption_column):
            raise InputError(f"column {self.caption_column!r} of {self.name!r} holds no captions")
        for index, captions in enumerate(self.captions):
            if not captions:
                raise InputError(f"image {index} of {self.name!r} has no caption; leave it out")

    def __len__(self) -> int:
        return len(self.data)

    @property
    def images(self) -> Sequence[dict[str, Any]]:
        """The images as encoders take them: ``{"bytes": ..., "path": ...}``, read when asked."""
        return self.data[self.image_column]

    @property
    def captions(self) -> list[list[str]]:
        """The captions of every image, without empty ones."""
        cells = self.data[self.caption_column][:]
        listed = ([cell] if isinstance(cell, str) else cell or [] for cell in cells)
        return [[text for text in texts if text and text.strip()] for texts in listed]


def load_captioned(
    source: Source,
    split: str | None = None,
    image_column: str | None = None,
    caption_column: str | None = None,
    *,
    config: str | None = None,
) -> CaptionedSet:
    """Load photos with captions and find out where both are.

    Args:
        source, split, image_column, config: as in `load_images`.
        caption_column: strings or lists of strings. Left out: the one column of lists of strings,
            else the one that is called as captions are.

    Raises:
        NotFoundError: there is no such set.
        InputError: it has no images or no captions, or not the columns asked for.
    """
    found = load_images(source, split, image_column, [], config=config, require_labels=False)
    return captioned(found, caption_column)


def captioned(found: ImageSet, caption_column: str | None = None) -> CaptionedSet:
    """Images whose table has captions, too. Raises InputError as `load_captioned`."""
    caption_column = caption_column or find_captions(found.data)
    if caption_column is None:
        raise InputError(
            f"{found.name!r} has no column of captions; it has "
            f"{', '.join(found.data.column_names)}: name one"
        )
    return CaptionedSet(
        name=found.name,
        data=found.data,
        image_column=found.image_column,
        caption_column=caption_column,
        demonstration=found.demonstration,
    )


def find_captions(data: Dataset) -> str | None:
    """The one column of lists of strings, else the one that is called as captions are."""
    able = [column for column in data.column_names if _can_hold_captions(data, column)]
    lists = [column for column in able if not isinstance(data.features[column], Value)]
    if len(lists) == 1:
        return lists[0]
    return next((column for column in CAPTION_NAMES if column in (lists or able)), None)


def _can_hold_captions(data: Dataset, column: str) -> bool:
    feature = data.features[column]
    if isinstance(feature, List | LargeList):
        feature = feature.feature
    return isinstance(feature, Value) and feature.dtype in ("string", "large_string")
