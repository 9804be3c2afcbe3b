"""A set that `unskew dataset build` has made, as a data set of the Hub."""

from __future__ import annotations

import json
from collections.abc import Iterable
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from unskew.errors import InputError, NotFoundError
from unskew.hub.cards import CARD, checked
from unskew.hub.publish.bundle import Bundle

BUILD = "build.json"
OWNED = (CARD, "DATASHEET.md", "metadata.jsonl", BUILD, "*/*.parquet")
REQUIRED = ("pretty_name", "license", "configs")


def dataset_bundle(folder: Path, repo_id: str) -> Bundle:
    """The files of a set; its card says PATH_OR_ID where the repository's name will stand.

    Raises:
        NotFoundError: the folder holds no such set.
        InputError: the set is for private use, or its card and its files do not agree.
    """
    numbers = _numbers(folder)
    if numbers.get("mode") == "private":
        raise InputError(
            f"{folder} holds images whose licences do not allow to pass them on: build it again "
            "without --private, or with --urls-only"
        )
    every = [p.relative_to(folder).as_posix() for p in sorted(folder.rglob("*")) if p.is_file()]
    names = [n for n in every if any(fnmatch(n, pattern) for pattern in OWNED)]
    others = [n for n in every if n not in names]
    files: dict[str, bytes | Path] = {name: folder / name for name in names}
    if CARD not in files:
        raise NotFoundError(f"{folder} has no {CARD}: build the set again")
    card = (folder / CARD).read_text(encoding="utf-8")
    _check_files(checked(card, REQUIRED, f"{folder / CARD}"), names, folder)
    files[CARD] = card.replace("PATH_OR_ID", repo_id).encode()
    warnings = (f"not part of a set, and not published: {', '.join(others)}",) if others else ()
    return Bundle("dataset", files, "A set built with unskew", BUILD, OWNED, warnings)


def _numbers(folder: Path) -> dict[str, Any]:
    path = folder / BUILD
    if not path.is_file():
        raise NotFoundError(
            f"{folder} has no {BUILD}, so it is no set: `unskew dataset build` makes one"
        )
    try:
        numbers = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path} is damaged: {error}") from error
    if not isinstance(numbers, dict):
        raise InputError(f"{path} is damaged: it holds no JSON object")
    return numbers


def _check_files(metadata: dict[str, Any], names: Iterable[str], folder: Path) -> None:
    """Every pattern of the card has files, every Parquet file is in one, and can be read."""
    import pyarrow.parquet as pq
    from pyarrow import ArrowException

    parquet = [n for n in names if n.endswith(".parquet")]
    try:
        patterns = [p for c in metadata["configs"] for p in _patterns(c["data_files"])]
    except (KeyError, TypeError) as error:
        raise InputError(f"the configs of {CARD} are not those of a data set: {error!r}") from error
    for pattern in patterns:
        if not any(fnmatch(n, pattern) for n in parquet):
            raise InputError(f"{CARD} names {pattern}, and {folder} has no such file")
    for name in parquet:
        if not any(fnmatch(name, pattern) for pattern in patterns):
            raise InputError(f"{name} is in no configuration of {CARD}: build the set again")
        try:
            pq.read_schema(folder / name)
        except (ArrowException, OSError) as error:
            raise InputError(f"{folder / name} is damaged: {error}") from error


def _patterns(data_files: Any) -> Iterable[str]:
    for entry in data_files:
        yield from [entry["path"]] if isinstance(entry["path"], str) else entry["path"]
