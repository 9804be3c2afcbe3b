"""Finding the image column and the label columns of a data set nobody described."""

from collections.abc import Sequence
from pathlib import Path

from datasets import ClassLabel, Dataset, Features, Image, Value

from unskew.errors import InputError

IMAGE_NAMES = ("image", "img", "file_name", "path")
MOST_SUBGROUPS = 50


def find_image_column(data: Dataset, source: str, wanted: str | None) -> str:
    """The column asked for, else the one Image column, else the one whose name says so."""
    columns = ", ".join(data.column_names)
    if wanted is not None:
        if wanted not in data.column_names:
            raise InputError(f"{source!r} has no column {wanted!r}; it has {columns}")
        if not _can_hold_images(data.features, wanted):
            raise InputError(f"column {wanted!r} of {source!r} cannot hold images or their paths")
        return wanted
    images = [name for name, feature in data.features.items() if isinstance(feature, Image)]
    named = [name for name in IMAGE_NAMES if _can_hold_images(data.features, name)]
    if len(images) == 1:
        return images[0]
    if len(images) > 1 and not set(images) & set(named):
        raise InputError(f"{source!r} has several image columns ({', '.join(images)}): name one")
    if not named:
        raise InputError(f"{source!r} has no image column; it has {columns}: name one")
    return next(name for name in named if not images or name in images)


def find_categories(
    data: Dataset, image_column: str, source: str, wanted: Sequence[str] | None
) -> tuple[str, ...]:
    """The columns asked for, else every column that looks like labels; () where none does.

    ClassLabel columns of at most 50 classes do, and string columns with few distinct values: at
    least 2, at most 50, and fewer than half as many as there are rows. Numbers, such as an age, do
    not unless asked for.
    """
    if wanted is None:
        others = (name for name in data.column_names if name != image_column)
        return tuple(name for name in others if _looks_like_labels(data, name))
    for name in wanted:
        if name == image_column or not _can_hold_labels(data.features.get(name)):
            known = find_categories(data, image_column, source, None)
            raise InputError(
                f"{source!r} has no category {name!r}; it has "
                f"{', '.join(map(repr, known)) or 'none'} (columns: {', '.join(data.column_names)})"
            )
    return tuple(dict.fromkeys(wanted))


def undecoded(data: Dataset, image_column: str, source: str, base: Path | None) -> Dataset:
    """`data` with its images left encoded; relative paths are taken from the folder `base`."""
    feature = data.features[image_column]
    if not (isinstance(feature, Value) and feature.dtype in ("string", "large_string")):
        return data.cast_column(image_column, Image(decode=False))
    paths = data[image_column][:]
    web = next((path for path in paths if path and path.startswith(("http://", "https://"))), None)
    if web is not None:
        raise InputError(
            f"column {image_column!r} of {source!r} holds web addresses ({web}): "
            "download the images first"
        )
    files = [_file(path, base) for path in paths]
    if not any(file["path"] and Path(file["path"]).is_file() for file in files):
        raise InputError(
            f"none of the {len(files)} files that column {image_column!r} of {source!r} names is "
            f"there; the first is {files[0]['path'] if files else None}"
        )
    data = data.remove_columns(image_column)
    return data.add_column(image_column, files, feature=Image(decode=False))


def _file(path: str | None, base: Path | None) -> dict[str, str | None]:
    if not path:
        return {"bytes": None, "path": None}
    return {"bytes": None, "path": str(base / path if base else path)}


def _can_hold_images(features: Features, name: str) -> bool:
    feature = features.get(name)
    if isinstance(feature, Value):
        return feature.dtype in ("string", "large_string", "binary", "large_binary")
    if isinstance(feature, dict):  # an image column whose Hugging Face metadata was lost
        return set(feature) == {"bytes", "path"}
    return isinstance(feature, Image)


def _can_hold_labels(feature: object) -> bool:
    if isinstance(feature, Value):
        return feature.dtype in ("string", "large_string", "bool") or "int" in feature.dtype
    return isinstance(feature, ClassLabel)


def _looks_like_labels(data: Dataset, name: str) -> bool:
    feature = data.features[name]
    if isinstance(feature, ClassLabel):
        return feature.num_classes <= MOST_SUBGROUPS
    if not (isinstance(feature, Value) and feature.dtype in ("string", "large_string")):
        return False
    distinct = {value for value in data.unique(name) if value is not None and value.strip()}
    return 2 <= len(distinct) <= MOST_SUBGROUPS and 2 * len(distinct) < len(data)
