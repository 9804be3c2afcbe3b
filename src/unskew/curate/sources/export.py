"""A JSONL export: one image a line, as somebody's own scraper or an earlier collection has it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from unskew.curate.queries import Query, proposed
from unskew.curate.record import UNKNOWN_LICENCE
from unskew.curate.sources.base import Found, Page, SourceError
from unskew.errors import InputError, NotFoundError

_PER_PAGE = 100
_KEYS = frozenset(
    {
        *("id", "image", "url", "text", "author", "licence", "source", "page", "query"),
        *("category", "subgroup", "retrieved"),
    }
)


class Export:
    """The lines of a JSONL file.

    Each is an object with `image` (a path, from the file's folder) or `url` or both; and, where
    known, `id` (left out, the url or path), `text`, `author` (a handle, which is hashed),
    `licence` (SPDX), `source`, `page`, `query`, `category` and `subgroup`, and `retrieved`
    (ISO 8601; left out, when the file was written).
    """

    by_keyword = False

    def __init__(self, path: str | Path, name: str | None = None) -> None:
        """`name`: the source of lines that give none; left out, the file's name.

        Raises:
            NotFoundError: there is no such file.
            InputError: it cannot be read, or has no lines.
        """
        self._path = Path(path)
        if not self._path.is_file():
            raise NotFoundError(f"export {str(path)!r}: there is no such file")
        try:
            with self._path.open("rb") as file:
                if not any(line.strip() for line in file):
                    raise InputError(f"export {str(path)!r} has no lines: name one of images")
        except OSError as error:
            raise InputError(f"cannot read {path}: {error.strerror or error}") from error
        self.name = name or self._path.stem
        self.place = str(self._path.resolve())
        self._base = self._path.resolve().parent
        written = datetime.fromtimestamp(self._path.stat().st_mtime, UTC)
        self._written = f"{written:%Y-%m-%dT%H:%M:%SZ}"

    def pages(self, query: Query, after: str | None) -> Iterator[Page]:
        """`after` is the number of the last line.

        Raises:
            SourceError: a line is not of this form, or has the id of another; the lines before it
                have been handed over.
        """
        done = int(after or 0)
        page: list[Found] = []
        number = done
        try:
            for number, found in self._lines():
                if number > done:
                    page.append(found)
                if len(page) == _PER_PAGE:
                    yield Page(tuple(page), str(number))
                    page = []
        except SourceError:
            yield Page(tuple(page), str(number))
            raise
        yield Page(tuple(page), None)

    def _lines(self) -> Iterator[tuple[int, Found]]:
        numbers: dict[str, int] = {}
        with self._path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if not line.strip():
                    continue
                where = f"{self._path} line {number}"
                row = _row(line, where)
                key = _key(row)
                if key in numbers:
                    raise SourceError(f"{where}: line {numbers[key]} has the id {key!r}, too")
                numbers[key] = number
                yield number, self._found(row, where)

    def _found(self, row: dict[str, str], where: str) -> Found:
        file = None
        if "image" in row:
            try:
                file = (self._base / row["image"]).resolve()
            except ValueError as error:
                raise SourceError(f"{where}: {row['image']!r} is no path ({error})") from error
            if not file.is_relative_to(self._base):
                raise SourceError(f"{where}: {row['image']!r} lies outside of the export's folder")
        label = row.get("subgroup", "")
        found = proposed(label, row.get("category")) if label else None
        said = ": ".join(filter(None, (row.get("category"), label)))
        return Found(
            key=_key(row),
            url=row.get("url") or row["image"],
            licence=row.get("licence", UNKNOWN_LICENCE),
            text=row.get("text", ""),
            author=row.get("author"),
            page=row.get("page"),
            file=file,
            label=Query(row.get("query") or label, *(found or (None, None))),
            unknown=said if label and found is None else None,
            source=row.get("source"),
            retrieved=row.get("retrieved", self._written),
        )


def _key(row: dict[str, str]) -> str:
    return row.get("id") or row.get("url") or row["image"]


def _row(line: bytes, where: str) -> dict[str, str]:
    try:
        row: Any = json.loads(line)
    except ValueError as error:
        raise SourceError(f"{where}: not valid JSON ({error})") from error
    if not isinstance(row, dict):
        raise SourceError(f"{where}: not a JSON object")
    row = {key: value for key, value in row.items() if key in _KEYS and value not in (None, "")}
    for key, value in row.items():
        if not isinstance(value, str):
            raise SourceError(f"{where}: {key!r} is {value!r:.40} and must be text")
    if "image" not in row and "url" not in row:
        raise SourceError(f"{where}: lacks both 'image' and 'url'")
    if "retrieved" in row:
        try:
            datetime.fromisoformat(row["retrieved"])
        except ValueError as error:
            raise SourceError(f"{where}: 'retrieved' is no ISO 8601 time ({error})") from error
    return row
