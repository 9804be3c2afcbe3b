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
    note: str = ""
    """What a reader of a report must know about the photos."""

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
        return _captions(self.data, self.caption_column)


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
        caption_column: strings or lists of strings. Left out: the one that is called as captions
            are.

    Photos without a caption, or with blank ones alone, are left out; `note` says how many.

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
    data, note = _with_captions(found, caption_column)
    return CaptionedSet(
        name=found.name,
        data=data,
        image_column=found.image_column,
        caption_column=caption_column,
        demonstration=found.demonstration,
        note=f"{found.note} {note}".strip(),
    )


def _with_captions(found: ImageSet, column: str) -> tuple[Dataset, str]:
    """The rows that have a caption, and a note of how many have none."""
    data = found.data
    if column not in data.column_names or not _can_hold_captions(data, column):
        return data, ""  # which CaptionedSet refuses
    rows = [row for row, captions in enumerate(_captions(data, column)) if captions]
    if not rows:
        raise InputError(f"no image of {found.name!r} has a caption in column {column!r}")
    if len(rows) == len(data):
        return data, ""
    gone = len(data) - len(rows)
    return data.select(rows), f"{gone} images of {found.name} have no caption and are left out."


def find_captions(data: Dataset) -> str | None:
    """The column that is called as captions are, one of lists of strings before one of strings.

    Other lists of strings, such as tags, are not taken for captions.
    """
    able = [column for column in data.column_names if _can_hold_captions(data, column)]
    lists = [column for column in able if not isinstance(data.features[column], Value)]
    named = (column for some in (lists, able) for column in CAPTION_NAMES if column in some)
    return next(named, None)


def _captions(data: Dataset, column: str) -> list[list[str]]:
    cells = data[column][:]
    listed = ([cell] if isinstance(cell, str) else cell or [] for cell in cells)
    return [[text for text in texts if text and text.strip()] for texts in listed]


def _can_hold_captions(data: Dataset, column: str) -> bool:
    feature = data.features[column]
    if isinstance(feature, List | LargeList):
        feature = feature.feature
    return isinstance(feature, Value) and feature.dtype in ("string", "large_string")
