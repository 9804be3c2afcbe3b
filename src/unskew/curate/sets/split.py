"""Train, validation and test parts in which no author, scene or picture is twice.

Where an entry goes depends on what it goes together with and on the seed, on nothing else: a set
that is built again after images were removed, or more were collected, has the others where they
were, unless what is new joins groups that were apart.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from unskew.corpora.published import SPLITS
from unskew.curate.sets.entry import Entry
from unskew.errors import InputError

SHARES = (6, 1, 3)
"""Audits look at the test part: it is to have enough images of every subgroup."""


def parse_shares(text: str) -> tuple[int, int, int]:
    """``"6:1:3"``: the shares of train, validation and test. Raises InputError."""
    parts = text.split(":")
    numbers = all(part.isdecimal() for part in parts)
    if len(parts) != len(SPLITS) or not numbers or not any(map(int, parts)):
        raise InputError(f"shares {text!r}: write train:validation:test, as 6:1:3 or 0:0:1")
    train, validation, test = map(int, parts)
    return train, validation, test


def split_up(entries: Sequence[Entry], shares: tuple[int, int, int], seed: int) -> list[Entry]:
    """The entries with their splits: their own where they have one, else drawn by group."""
    edges = np.cumsum(shares) / sum(shares)
    return [
        entry
        if entry.split is not None
        else replace(entry, split=SPLITS[int(np.searchsorted(edges, _place(name, seed), "right"))])
        for entry, name in zip(entries, group_names(entries), strict=True)
    ]


def group_names(entries: Sequence[Entry]) -> list[str]:
    """The name of each entry's group: the first, in the order of text, of its members' names."""
    names = [_names(entry) for entry in entries]
    parent: dict[str, str] = {name: name for some in names for name in some}

    def root(name: str) -> str:
        while parent[name] != name:
            parent[name] = name = parent[parent[name]]
        return name

    for some in names:
        for name in some[1:]:
            low, high = sorted((root(some[0]), root(name)))
            parent[high] = low
    return [root(some[0]) for some in names]


def _names(entry: Entry) -> list[str]:
    """What an entry is found together by; by itself where there is nothing."""
    named: Iterable[str] = (
        *(f"together {name}" for name in entry.together),
        *((f"author {entry.author_hash}",) if entry.author_hash else ()),
        *((f"content {entry.retrieved_file}",) if entry.retrieved_file else ()),
    )
    return list(named) or [f"id {entry.id}"]


def _place(name: str, seed: int) -> float:
    """In [0, 1)."""
    digest = hashlib.sha256(f"{seed}\n{name}".encode()).digest()
    return int.from_bytes(digest[:6]) / 2**48
