"""Image sets in a local folder.

A direct listing: resolving a few thousand loose files with datasets' imagefolder builder takes
seconds at every load, and forgets the class names.
"""

import os
from pathlib import Path

import datasets
from datasets import ClassLabel, Dataset, DatasetDict, Features, Image

from unskew.corpora.columns import find_image_column
from unskew.corpora.published import is_set
from unskew.corpora.splits import ALL, SPLITS, choose_split, pick_split, together
from unskew.corpora.tables import read_parquet_folder, read_table
from unskew.errors import InputError

# What people mean by an image file. Those that cannot be decoded are named in the report, where
# leaving them out here would hide them.
SUFFIXES = (
    *(".jpg", ".jpeg", ".jfif", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ppm"),
    *(".avif", ".heic"),
)
METADATA = ("metadata.jsonl", "metadata.csv")
SUBGROUP = "subgroup"
DEEPEST = 2  # <category>/<subgroup>/<image>


def read_folder(
    folder: Path, split: str | None, config: str | None, flat: str = SUBGROUP
) -> tuple[Dataset, Path]:
    """The images of a folder as a table, and the folder its relative paths start from.

    Looks, in this order, for what `unskew dataset` made, what `datasets` saved, a metadata file,
    parquet files, and folders named after subgroups, whose category is then called `flat`.
    """
    if is_set(folder):
        return _pick(read_parquet_folder(folder, config), split, folder), folder
    if any((folder / name).is_file() for name in ("dataset_dict.json", "state.json")):
        return _pick(datasets.load_from_disk(str(folder)), split, folder), folder
    parts = _split_folders(folder, split)
    tables = {part.name: path for part in parts if (path := _metadata(part)) is not None}
    if not tables and any(folder.rglob("*.parquet")):
        return _pick(read_parquet_folder(folder, config), split, folder), folder
    if config is not None:
        raise InputError(f"folder {str(folder)!r} has no configuration {config!r}")
    if split is not None and parts == [folder]:
        raise InputError(f"folder {str(folder)!r} has no split {split!r}")
    if not tables:
        return list_images(*parts, flat=flat), folder
    if len(parts) == 1:
        return read_table(tables[parts[0].name]), parts[0]
    bare = [part.name for part in parts if part.name not in tables]
    if bare:
        raise InputError(f"folder {str(folder)!r}: its split {bare[0]!r} has no metadata file")
    placed = {name: _placed(read_table(path), Path(name)) for name, path in tables.items()}
    return together(placed, str(folder)), folder


def splits_of_folder(folder: Path, config: str | None) -> list[str]:
    """The names of the splits that `read_folder` would find; [] where it would find no names."""
    if (folder / "dataset_dict.json").is_file():
        return list(datasets.load_from_disk(str(folder)))
    inside = [path.name for path in folder.iterdir() if path.is_dir() and path.name in SPLITS]
    if inside and _split_folders(folder, None) != [folder]:
        return inside
    tabled = is_set(folder) or not any(
        (folder / name).is_file() for name in (*METADATA, "state.json")
    )
    if tabled and any(folder.rglob("*.parquet")):
        return list(read_parquet_folder(folder, config))
    return []


def list_images(*folders: Path, flat: str = SUBGROUP) -> Dataset:
    """Every image file below `folders`, labelled by the folders it lies in there.

    ``folder/<subgroup>/x.jpg`` gives one category, called `flat`;
    ``folder/<category>/<subgroup>/x.jpg`` gives a category for each folder at the top, in which
    only its own images carry a label. Images in `folder` itself carry none.
    """
    found = [(folder, path) for folder in folders for path in _image_files(folder)]
    files = [path for _, path in found]
    told = " and ".join(repr(str(folder)) for folder in folders)
    if not files:
        raise InputError(f"folder {told} holds no images")
    depths = {len(path.parts) - 1 for path in files} - {0}
    if len(depths) > 1 or max(depths, default=0) > DEEPEST:
        deepest = max(files, key=lambda path: len(path.parts))
        raise InputError(
            f"folder {told} is neither <subgroup>/<image> nor "
            f"<category>/<subgroup>/<image> throughout: see {str(deepest)!r}"
        )
    columns: dict[str, list[str | None]] = {}
    if depths == {1}:
        columns[flat] = [p.parts[0] if len(p.parts) > 1 else None for p in files]
    elif depths == {DEEPEST}:
        for category in sorted({path.parts[0] for path in files if len(path.parts) > 1}):
            columns[category] = [p.parts[1] if p.parts[0] == category else None for p in files]
    return _labelled([str(folder / path) for folder, path in found], columns)


def _labelled(files: list[str], columns: dict[str, list[str | None]]) -> Dataset:
    image_column = "image" if "image" not in columns else "image file"
    features = Features({image_column: Image(decode=False)})
    for category, labels in columns.items():
        names = sorted({label for label in labels if label is not None})
        features[category] = ClassLabel(names=names)
    return Dataset.from_dict({image_column: files, **columns}, features=features)


def _image_files(folder: Path) -> list[Path]:
    """Relative paths in a fixed order; hidden files and folders are left out."""
    found: list[Path] = []
    for parent, folders, names in os.walk(folder, followlinks=True):
        here = Path(parent).relative_to(folder)
        # Bounded, because a link may lead back up.
        deeper = folders if len(here.parts) <= DEEPEST else []
        folders[:] = sorted(name for name in deeper if not name.startswith("."))
        images = (name for name in sorted(names) if name.lower().endswith(SUFFIXES))
        found += [here / name for name in images if not name.startswith(".")]
    return found


def _metadata(folder: Path) -> Path | None:
    return next((folder / name for name in METADATA if (folder / name).is_file()), None)


def _placed(table: Dataset, split: Path) -> Dataset:
    """The table of a split, whose images lie in the folder `split`, as of the folder above."""
    column = find_image_column(table, str(split), None)
    paths = table[column][:]
    if not all(path is None or isinstance(path, str) for path in paths):
        return table
    web = ("http://", "https://")  # refused later, by their name
    above = [path if not path or path.startswith(web) else str(split / path) for path in paths]
    feature = table.features[column]
    return table.remove_columns(column).add_column(column, above, feature=feature)


def _split_folders(folder: Path, split: str | None) -> list[Path]:
    """`folder/test` and the like, where the folders at the top are splits and not subgroups; of
    several, the one that is held out, or those of `ALL`; else `folder` itself."""
    if split is not None and (folder / split).is_dir():
        return [folder / split]
    entries = [entry for entry in folder.iterdir() if not entry.name.startswith(".")]
    inside = sorted(entry.name for entry in entries if entry.is_dir())
    if split in (None, ALL) and inside and set(inside) <= set(SPLITS):
        chosen = inside if split == ALL else [choose_split(inside, split, str(folder))]
        return [folder / name for name in chosen]
    return [folder]


def _pick(data: Dataset | DatasetDict, split: str | None, folder: Path) -> Dataset:
    if isinstance(data, DatasetDict):
        return pick_split(data, split, str(folder))
    if split is not None:
        raise InputError(f"folder {str(folder)!r} has no splits: leave split={split!r} out")
    return data
