"""Image sets in a local folder.

A direct listing: resolving a few thousand loose files with datasets' imagefolder builder takes
seconds at every load, and forgets the class names.
"""

import os
from pathlib import Path

import datasets
from datasets import ClassLabel, Dataset, DatasetDict, Features, Image

from unskew.corpora.splits import SPLITS, choose_split
from unskew.corpora.tables import read_parquet_folder, read_table
from unskew.errors import InputError

SUFFIXES = {".jpg", ".jpeg", ".jfif", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ppm"}
METADATA = ("metadata.jsonl", "metadata.csv")


def read_folder(folder: Path, split: str | None, config: str | None) -> tuple[Dataset, Path]:
    """The images of a folder as a table, and the folder its relative paths start from.

    Looks, in this order, for what `datasets` saved, a metadata file, parquet files, and folders
    named after subgroups.
    """
    if any((folder / name).is_file() for name in ("dataset_dict.json", "state.json")):
        saved = datasets.load_from_disk(str(folder))
        return _pick(saved, split, folder), folder
    part = _split_folder(folder, split)
    for name in METADATA:
        if (part / name).is_file():
            return read_table(part / name), part
    if any(folder.rglob("*.parquet")):
        return _pick(read_parquet_folder(folder, config), split, folder), folder
    if split is not None and part == folder:
        raise InputError(f"folder {str(folder)!r} has no split {split!r}")
    return list_images(part), part


def list_images(folder: Path) -> Dataset:
    """Every image file below `folder`, labelled by the folders it lies in.

    ``folder/<subgroup>/x.jpg`` gives the one category "subgroup";
    ``folder/<category>/<subgroup>/x.jpg`` gives a category for each folder at the top, in which
    only its own images carry a label. Images in `folder` itself carry none.
    """
    files = _image_files(folder)
    if not files:
        raise InputError(f"folder {str(folder)!r} holds no images")
    depths = {len(path.parts) - 1 for path in files} - {0}
    if len(depths) > 1 or max(depths, default=0) > 2:
        deepest = max(files, key=lambda path: len(path.parts))
        raise InputError(
            f"folder {str(folder)!r} is neither <subgroup>/<image> nor "
            f"<category>/<subgroup>/<image> throughout: see {str(deepest)!r}"
        )
    columns: dict[str, list[str | None]] = {}
    nested = depths == {2}
    for category in sorted({path.parts[0] for path in files if nested and len(path.parts) > 1}):
        columns[category] = [p.parts[1] if p.parts[0] == category else None for p in files]
    if depths == {1}:
        columns["subgroup"] = [p.parts[0] if len(p.parts) > 1 else None for p in files]
    return _labelled([str(folder / path) for path in files], columns)


def _labelled(files: list[str], columns: dict[str, list[str | None]]) -> Dataset:
    image_column = "image" if "image" not in columns else "image file"
    features = Features({image_column: Image(decode=False)})
    for category, labels in columns.items():
        names = sorted({label for label in labels if label is not None})
        features[category] = ClassLabel(names=names)
    return Dataset.from_dict({image_column: files, **columns}, features=features)


def _image_files(folder: Path) -> list[Path]:
    """Relative paths in a fixed order; hidden files and folders are left out."""
    found = []
    for parent, folders, names in os.walk(folder, followlinks=True):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        here = Path(parent).relative_to(folder)
        found += [
            here / name
            for name in sorted(names)
            if not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES
        ]
    return found


def _split_folder(folder: Path, split: str | None) -> Path:
    """`folder/test` and the like, where the folders at the top are splits and not subgroups."""
    if split is not None and (folder / split).is_dir():
        return folder / split
    inside = sorted(entry.name for entry in folder.iterdir() if entry.is_dir())
    if split is None and inside and set(inside) <= set(SPLITS):
        return folder / choose_split(inside, split, str(folder))
    return folder


def _pick(data: Dataset | DatasetDict, split: str | None, folder: Path) -> Dataset:
    if isinstance(data, Dataset):
        return data
    return data[choose_split(list(data), split, str(folder))]
