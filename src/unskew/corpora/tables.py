"""Reading .parquet, .jsonl and .csv files into one table, with messages that name the file."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import datasets
import pyarrow as pa
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet as pq
from datasets import Dataset, DatasetDict
from datasets.exceptions import DatasetsError

from unskew.errors import InputError


def _read_csv(path: Path) -> pa.Table:
    table = pa.csv.read_csv(path)
    for field in table.schema:
        if pa.types.is_binary(field.type):  # how Arrow takes text that is not UTF-8
            raise pa.ArrowInvalid(f"column {field.name!r} is not UTF-8 text")
    return table


_READERS: dict[str, Callable[[Path], pa.Table]] = {
    ".jsonl": pa.json.read_json,
    ".csv": _read_csv,
}
TABLE_SUFFIXES = (".parquet", *_READERS)


def read_table(path: Path) -> Dataset:
    """The rows of one file. Raises InputError when it cannot be read."""
    if path.suffix not in TABLE_SUFFIXES:
        raise InputError(
            f"{str(path)!r} is not an image set: give a folder of images or a file that ends in "
            + ", ".join(TABLE_SUFFIXES)
        )
    try:
        if path.suffix == ".parquet":
            check_parquet(path)
            return Dataset.from_parquet(str(path))
        table = _READERS[path.suffix](path)
    except (pa.ArrowInvalid, UnicodeDecodeError, DatasetsError) as error:
        raise InputError(f"{str(path)!r} cannot be read: {_first_line(error)}") from error
    _refuse_repeated_columns(table.column_names, path)
    return Dataset(table)


def read_parquet_folder(folder: Path, config: str | None) -> DatasetDict:
    """The splits of a folder that holds parquet files, as `datasets` resolves them."""
    for path in sorted(folder.rglob("*.parquet")):
        check_parquet(path)
    try:
        return DatasetDict(_resolved(str(folder), config, _state(folder)))
    except (ValueError, TypeError, DatasetsError) as error:
        raise InputError(f"folder {str(folder)!r} cannot be read: {_first_line(error)}") from error


@lru_cache(maxsize=16)
def _resolved(folder: str, config: str | None, state: tuple[object, ...]) -> DatasetDict:
    """Kept while the folder stays as it is: every part of a set is asked for by itself, and
    finding out which files are which takes longer than reading them."""
    return datasets.load_dataset(folder, name=config)


def _state(folder: Path) -> tuple[object, ...]:
    """Changes when a file below the folder does."""
    files = [path for path in sorted(folder.resolve().rglob("*")) if path.is_file()]
    now = [(str(path), path.stat()) for path in files]
    return tuple((path, at.st_size, at.st_mtime_ns, at.st_ino) for path, at in now)


def check_parquet(path: Path) -> None:
    """Raises InputError for a file that is no parquet file or repeats a column name."""
    try:
        names = pq.read_schema(path).names
    except pa.ArrowInvalid as error:
        raise InputError(f"{str(path)!r} cannot be read: {_first_line(error)}") from error
    _refuse_repeated_columns(names, path)


def _refuse_repeated_columns(names: list[str], path: Path) -> None:
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise InputError(f"{str(path)!r} has more than one column named {repeated[0]!r}")


def _first_line(error: Exception) -> str:
    """`datasets` wraps what happened in an error that says only that something did; and what can be
    chosen, where a configuration is missing, stands in its second line."""
    lines = str(error.__cause__ or error).splitlines()
    return " ".join(lines[:2] if lines[0].startswith("Config name") else lines[:1])
