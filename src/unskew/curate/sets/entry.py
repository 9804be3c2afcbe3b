"""One row of a set before it is written: an image, and its subgroup in one category."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeAlias

from pydantic import ConfigDict, TypeAdapter, ValidationError

from unskew.errors import InputError, NotFoundError
from unskew.stimuli import canonical_category, canonical_subgroup, taxonomy

Label: TypeAlias = tuple[str, str]


@dataclass(frozen=True)
class Failed:
    """A check that the image failed, as metadata.jsonl tells it."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    check: str
    score: float
    threshold: float


@dataclass(frozen=True)
class Entry:
    """What metadata.jsonl says of a row; see `unskew.corpora.published.features`.

    Attributes:
        together: names of what must not be in two splits: an author, a scene. Not published.
        split: where it is published with splits of its own; else it is drawn.
        original: SHA-256 of the file as it was retrieved, where bystanders in it were hidden;
            `sha256` is then that of the file in the set.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    id: str
    text: str
    category: str
    subgroup: str
    source: str
    url: str
    page: str | None
    licence: str
    author_hash: str | None
    retrieved: str | None
    query: str
    sha256: str | None
    width: int | None
    height: int | None
    flags: tuple[Failed, ...] = ()
    reviewed_by: int = 0
    together: tuple[str, ...] = ()
    split: str | None = None
    original: str | None = None

    @property
    def retrieved_file(self) -> str | None:
        """SHA-256 of the file as it was retrieved."""
        return self.original or self.sha256

    @property
    def address(self) -> str | None:
        """Where anybody can see the image: a web address; None for a file of somebody's disk."""
        found = (a for a in (self.page, self.url) if a and a.startswith(("http://", "https://")))
        return next(found, None)


_ROW = TypeAdapter(Entry)


def known_label(category: str, subgroup: str, what: str) -> Label:
    """The taxonomy's names for a label. Raises InputError, which begins with `what`."""
    category = canonical_category(category)
    if category not in taxonomy():
        raise InputError(
            f"{what}: the taxonomy has no category {category!r}; it has {', '.join(taxonomy())}"
        )
    subgroup = canonical_subgroup(category, subgroup)
    if subgroup not in taxonomy()[category]:
        raise InputError(
            f"{what}: {category} has no subgroup {subgroup!r}; "
            f"it has {', '.join(taxonomy()[category])}"
        )
    return category, subgroup


def metadata_lines(entries: Iterable[Entry]) -> Iterable[str]:
    """The lines of metadata.jsonl, without what is not published."""
    for entry in entries:
        row = asdict(entry)
        del row["together"]
        yield json.dumps(row, ensure_ascii=False) + "\n"


def read_metadata(path: str | Path) -> list[Entry]:
    """The entries of a metadata.jsonl, with the splits that they have.

    Raises:
        NotFoundError: no such file.
        InputError: a line is not what `metadata_lines` writes.
    """
    try:
        with Path(path).open(encoding="utf-8") as file:
            return [_entry(line, f"{path} line {n}") for n, line in enumerate(file, start=1)]
    except FileNotFoundError as error:
        raise NotFoundError(f"{str(path)!r}: there is no such file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {path}: {error}") from error


def _entry(line: str, where: str) -> Entry:
    try:
        return _ROW.validate_json(line, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        why = f"{place}: {first['msg']}" if place else first["msg"]
        raise InputError(f"{where} is not of a set: {why}") from error
