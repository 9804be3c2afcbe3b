"""What people have asked to be taken down: never in a set again."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from unskew.curate.sets.entry import Entry
from unskew.errors import InputError, NotFoundError

REMOVALS = "removals.txt"
"""The list of a curated folder, which every build of it keeps to."""
Names: TypeAlias = tuple[str | None, ...]
"""Of an image: SHA-256 as it was retrieved, url, page, and SHA-256 of the file in the set."""
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")


@dataclass(frozen=True)
class Removed:
    """What a list of removals has done.

    Attributes:
        entries: what is left.
        removed: how many are gone.
        listed: how many hashes and addresses the list has.
        unknown: those of them that nothing had.
    """

    entries: list[Entry]
    removed: int
    listed: int
    unknown: tuple[str, ...]


def read_removals(path: str | Path) -> list[str]:
    """SHA-256 hashes and web addresses, one a line; what follows " #" is a comment.

    Raises:
        NotFoundError: there is no such file.
        InputError: it cannot be read, or a line is neither.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError as error:
        raise NotFoundError(f"removals {str(path)!r}: there is no such file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {path}: {error}") from error
    listed: dict[str, None] = {}
    for number, line in enumerate(lines, start=1):
        # An address may have a # of its own, without white space before it.
        said = re.split(r"(?:^|\s)#", line, maxsplit=1)[0].strip()
        if not said:
            continue
        if not (_SHA256.fullmatch(said) or said.startswith(("http://", "https://"))):
            raise InputError(
                f"{path} line {number}: {said!r:.60} is neither a SHA-256 nor a web address"
            )
        listed[_plain(said)] = None
    return list(listed)


def without_removed(
    entries: Iterable[Entry], listed: Sequence[str], others: Iterable[Names] = ()
) -> Removed:
    """The entries that nobody asked to be removed.

    An address removes what has it as its url or page, and with it every copy of the same file.

    Args:
        listed: see `read_removals`.
        others: of what is known and does not enter the set anyway; a copy of it may.
    """
    entries = list(entries)
    wanted = set(listed)
    names: list[Names] = [(e.retrieved_file, e.url, e.page, e.sha256) for e in entries]
    matched: list[Names] = [some for some in (*names, *others) if wanted & _plain_names(some)]
    copies = {digest for digest, *_ in matched if digest}
    gone = [some[0] in copies or bool(wanted & _plain_names(some)) for some in names]
    known = {name for some in matched for name in _plain_names(some)}
    return Removed(
        entries=[entry for entry, is_gone in zip(entries, gone, strict=True) if not is_gone],
        removed=sum(gone),
        listed=len(listed),
        unknown=tuple(said for said in listed if said not in known),
    )


def _plain_names(names: Names) -> set[str]:
    return {_plain(name) for name in names if name}


def _plain(said: str) -> str:
    """Hashes in lower case, addresses without a last slash."""
    return said.lower() if _SHA256.fullmatch(said) else said.rstrip("/")
