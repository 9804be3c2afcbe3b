"""What people give to the page of a metric: JSON, CSV or an .npz file, within limits."""

from __future__ import annotations

import csv
import io
import json
import lzma
import math
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.lib import format as npy

from unskew.errors import InputError

MEGA = 2**20
FILE_BYTES = 32 * MEGA
"""Of an uploaded file, and of a text."""
ARRAY_BYTES = 128 * MEGA
"""Of the arrays in a file, unpacked."""
_MEMBERS = 200
_PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""How numpy packs arrays. Others unpack a piece as large as it may be, however little is asked."""
_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
_DAMAGED = (EOFError, OSError, RuntimeError, zipfile.BadZipFile, zlib.error, lzma.LZMAError)

Lines: TypeAlias = Iterator[tuple[int, list[str]]]
"""Numbers of lines from 1, and the cells of those that are not empty."""


def read_given(
    text: str, upload: str | None, from_csv: Callable[[Lines], dict[str, Any]]
) -> dict[str, Any]:
    """Inputs by name, from the uploaded .npz if there is one, else from the text.

    Raises:
        InputError: there is too much of it, or it cannot be read; a ValueError of another class,
            RecursionError or csv.Error: the text is no JSON, or no CSV.
    """
    if upload:
        return _arrays(Path(upload))
    if len(text) > FILE_BYTES:
        raise InputError(f"the text is longer than {FILE_BYTES // MEGA} million characters")
    if text.lstrip().startswith("{"):
        return json.loads(text)
    rows = enumerate(csv.reader(io.StringIO(text)), start=1)
    return from_csv((line, row) for line, row in rows if row)


def named_rows(lines: Lines) -> dict[str, Any]:
    """Lists of rows by the name in the first cell of each.

    Raises:
        InputError: a cell beside the first is no number.
    """
    sets: dict[str, list[list[float]]] = {}
    for line, row in lines:
        sets.setdefault(row[0].strip(), []).append(numbers(line, row[1:], "a set name"))
    return dict(sets)


def numbers(line: int, cells: list[str], first: str) -> list[float]:
    """The cells after the first as numbers. Raises InputError, which names the line."""
    try:
        return [float(cell) for cell in cells]
    except ValueError as error:
        raise InputError(f"line {line} must be {first} and numbers: {error}") from error


def expect(given: dict[str, Any], names: tuple[str, ...]) -> None:
    """Raise InputError for inputs of other names."""
    if unknown := sorted(set(given) - set(names)):
        raise InputError(f"expected {', '.join(names)}, and found {', '.join(unknown)}")


def _arrays(path: Path) -> dict[str, Any]:
    if path.suffix != ".npz":
        raise InputError(f"{path.name} is not an .npz file: save it with numpy.savez")
    try:
        with zipfile.ZipFile(path) as archive:
            _check(path.name, archive)
        with np.load(path, allow_pickle=False) as arrays:
            return dict(arrays)
    except _DAMAGED as error:
        raise InputError(f"{path.name} is damaged or no .npz file: {error}") from error


def _check(name: str, archive: zipfile.ZipFile) -> None:
    """Whether the arrays are as small as they may be: what is declared bounds what is read."""
    members = archive.infolist()
    if len(members) > _MEMBERS:
        raise InputError(f"{name} holds {len(members)} arrays: {_MEMBERS} at most")
    if sum(member.file_size for member in members) > ARRAY_BYTES:
        raise InputError(f"{name} unpacks to more than {ARRAY_BYTES // MEGA} MB of arrays")
    for member in members:
        if member.compress_type not in _PACKED:
            raise InputError(f"{name} is packed otherwise than by numpy: save it with numpy.savez")
        with archive.open(member) as file:
            shape, kind = _header(name, file)
        # numpy makes room for what the header says before it reads what there is.
        if not kind.hasobject and math.prod(shape) * max(kind.itemsize, 1) > member.file_size:
            raise InputError(f"{name} is damaged: an array is shorter than its header says")


def _header(name: str, file: Any) -> tuple[tuple[int, ...], np.dtype[Any]]:
    try:
        shape, _, kind = _HEADERS[npy.read_magic(file)](file)
    except (ValueError, KeyError) as error:
        raise InputError(f"{name} is damaged or no .npz file: {error}") from error
    return shape, kind
