"""`load_images`: one door for every source of images."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

from datasets import Dataset, DatasetDict

from unskew.corpora.builtin import BUILTIN, read_builtin
from unskew.corpora.columns import find_categories, find_image_column, undecoded
from unskew.corpora.folder import SUBGROUP, read_folder
from unskew.corpora.image_set import ImageSet
from unskew.corpora.published import by_category, is_published
from unskew.corpora.remote import read_hub
from unskew.corpora.splits import pick_split
from unskew.corpora.tables import read_table
from unskew.errors import InputError

Source: TypeAlias = str | Path | Dataset | DatasetDict | ImageSet


def load_images(
    source: Source,
    split: str | None = None,
    image_column: str | None = None,
    categories: Sequence[str] | None = None,
    *,
    config: str | None = None,
    require_labels: bool = True,
) -> ImageSet:
    """Load an image set and find out where its images and its subgroup labels are.

    Args:
        source: a built-in set ("faces", "emoji"; a folder of that name is "./faces"); a folder of
            images, of parquet files, with a metadata.jsonl or metadata.csv, or saved by
            `datasets`; a .parquet, .jsonl or .csv file; the id of a data set on the Hub; a
            `datasets.Dataset` or `DatasetDict`; or an ImageSet.
        split: the split to take; of a data set on the Hub also a slice, "train[:500]". Left out:
            test, else validation, else train. "all" takes all together.
        image_column: the column of images or of their paths. Left out: found by type and name.
        categories: the label columns. Left out: every column of class labels, and every string
            column with few distinct values. For a folder of subgroup folders, one name here
            names the category, which is otherwise "subgroup".
        config: the configuration of a data set that has several.
        require_labels: accept images without any label when False.

    Raises:
        NotFoundError: there is no such set.
        InputError: it holds no images, no labels, or not the columns asked for.
    """
    if isinstance(categories, str):
        categories = [categories]
    known = _known(source)
    if known is not None:
        _refuse_options(known.name, split=split, image_column=image_column, config=config)
        return known if categories is None else _restricted(known, categories)
    flat = categories[0] if categories and len(categories) == 1 else SUBGROUP
    data, base = _read(source, split, config, flat)
    data = data.with_format(None)
    name = _name(source, split, data)
    if not len(data):
        raise InputError(f"image set {name!r} holds no images")
    if is_published(data):
        data, _ = by_category(data, name)
    image_column = find_image_column(data, name, image_column)
    found = find_categories(data, image_column, name, categories)
    if require_labels and categories is None and not found:
        raise InputError(
            f"image set {name!r} has no label column; its columns are "
            f"{', '.join(data.column_names)}: name the label columns as categories, "
            "or put the images of each subgroup in a folder of its own"
        )
    data = undecoded(data, image_column, name, base)
    return ImageSet(name=name, data=data, image_column=image_column, categories=found)


def _known(source: Source) -> ImageSet | None:
    """The sources whose columns are known already."""
    if isinstance(source, ImageSet):
        return source
    return read_builtin(source) if isinstance(source, str) and source in BUILTIN else None


def _restricted(images: ImageSet, categories: Sequence[str]) -> ImageSet:
    found = find_categories(images.data, images.image_column, images.name, categories)
    return replace(images, categories=found)


def _read(
    source: Source, split: str | None, config: str | None, flat: str
) -> tuple[Dataset, Path | None]:
    """The table, and the folder that relative paths in it start from."""
    if isinstance(source, DatasetDict):
        _refuse_options("a DatasetDict", config=config)
        return pick_split(source, split, "the DatasetDict"), None
    if isinstance(source, Dataset):
        _refuse_options("a Dataset", split=split, config=config)
        return source, None
    if not isinstance(source, str | Path) or not str(source):
        raise InputError(
            f"images cannot be loaded from {source!r:.80}: "
            "give a name, a path, or a datasets.Dataset"
        )
    path = Path(source).expanduser()
    if path.is_dir():
        return read_folder(path, split, config, flat)
    if path.is_file():
        _refuse_options(str(source), split=split, config=config)
        return read_table(path), path.parent
    return read_hub(str(source), split, config), None


def _refuse_options(name: str, **options: Any) -> None:
    """An option that the source has no use for is a mistake, not something to pass over."""
    for option, value in options.items():
        if value is not None:
            raise InputError(f"{option}={value!r} makes no sense for {name}: leave it out")


def _name(source: Source, split: str | None, data: Dataset) -> str:
    if isinstance(source, str | Path):
        return f"{source}:{split}" if split else str(source)
    return data.info.dataset_name or "data set"
