"""`load_images`: one door for every source of images."""

from collections.abc import Sequence
from pathlib import Path

from datasets import Dataset

from unskew.corpora.builtin import BUILTIN, read_builtin
from unskew.corpora.columns import find_categories, find_image_column, undecoded
from unskew.corpora.folder import read_folder
from unskew.corpora.image_set import ImageSet
from unskew.corpora.remote import read_hub
from unskew.corpora.tables import read_table
from unskew.errors import InputError


def load_images(
    source: str | Path | Dataset | ImageSet,
    split: str | None = None,
    image_column: str | None = None,
    categories: Sequence[str] | None = None,
    *,
    config: str | None = None,
    require_labels: bool = True,
) -> ImageSet:
    """Load an image set and find out where its images and its subgroup labels are.

    Args:
        source: a built-in set ("faces", "emoji"); a folder of images, of parquet files, with a
            metadata.jsonl or metadata.csv, or saved by `datasets`; a .parquet, .jsonl or .csv
            file; the id of a data set on the Hub; a `datasets.Dataset`; or an ImageSet.
        split: the split to take. Left out: test, else validation, else train.
        image_column: the column of images or of their paths. Left out: found by type and name.
        categories: the label columns. Left out: every column of class labels, and every string
            column with few distinct values. For a folder of subgroup folders, one name here
            names the category.
        config: the configuration of a data set that has several.
        require_labels: accept images without any label when False.

    Raises:
        NotFoundError: there is no such set.
        InputError: it holds no images, no labels, or not the columns asked for.
    """
    if isinstance(categories, str):
        categories = [categories]
    if isinstance(source, ImageSet):
        return source
    if isinstance(source, str) and source in BUILTIN and not Path(source).exists():
        return read_builtin(source)
    data, base = _read(source, split, config)
    name = _name(source)
    data = data.with_format(None)
    image_column = find_image_column(data, name, image_column)
    found = find_categories(data, image_column, name, categories)
    if require_labels and not found:
        raise InputError(
            f"image set {name!r} has no label column; its columns are "
            f"{', '.join(data.column_names)}: name the label columns as categories"
        )
    data = undecoded(data, image_column, name, base)
    return ImageSet(name=name, data=data, image_column=image_column, categories=found)


def _read(
    source: str | Path | Dataset, split: str | None, config: str | None
) -> tuple[Dataset, Path | None]:
    """The table, and the folder that relative paths in it start from."""
    if isinstance(source, Dataset):
        return source, None
    path = Path(source).expanduser()
    if path.is_dir():
        return read_folder(path, split, config)
    if path.is_file():
        return read_table(path), path.parent
    return read_hub(str(source), split, config), None


def _name(source: str | Path | Dataset) -> str:
    if isinstance(source, Dataset):
        return source.info.dataset_name or "data set"
    return str(source)
