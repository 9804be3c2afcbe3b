"""MMBias: Janghorbani and de Melo, EACL 2023 (arXiv 2303.12734), from its list of addresses."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from unskew.curate.collection import author_hash, record_id
from unskew.curate.imports.base import About, Imported
from unskew.curate.queries import proposed
from unskew.curate.record import UNKNOWN_LICENCE
from unskew.curate.sets.entry import Entry, Label
from unskew.errors import InputError, NotFoundError

ABOUT = About(
    name="MMBias",
    page="https://github.com/sepehrjng92/MMBias",
    text="Addresses of photographs on Flickr, by the religion, nationality, disability or sexual "
    "orientation that they were searched for. By Sepehr Janghorbani and Gerard de Melo, EACL 2023. "
    "The list is MIT-licensed; every photograph has a licence of its own, which its page gives.",
    licence=UNKNOWN_LICENCE,
    mode="urls-only",
)
# Where a folder of the set, or a copy of its repository, keeps the list.
_PLACES = ("URLs.txt", "data/URLs.txt")
_PHOTO = re.compile(r"https?://(?:www\.)?flickr\.com/photos/([^/]+)/\d+/?")
# The owner's name stands in every address: the hash tells who took what, and hides nothing.
_SALT = b"MMBias"


def read(path: Path) -> Imported:
    """The photographs of the list, all for testing: MMBias has no splits.

    Raises:
        NotFoundError: there is no list.
        InputError: it is none, or none of its names is a subgroup.
    """
    places = [path / place for place in _PLACES] if path.is_dir() else [path]
    there = next((place for place in places if place.is_file()), None)
    if there is None:
        raise NotFoundError(f"{path}: there is no URLs.txt, MMBias's list of addresses")
    done = Imported(ABOUT)
    for name, found in _groups(there).items():
        label = proposed(name.replace("_", " "))
        if label is None:
            done.left_out[f"{name!r} is no one subgroup of the taxonomy"] += len(found)
            continue
        entries = [_entry(s, name, label, f"{there}: {name} {n}") for n, s in found.items()]
        once = {entry.id: entry for entry in entries}
        done.entries += once.values()
        done.left_out["listed before, for the same subgroup"] += len(entries) - len(once)
    done.left_out = +done.left_out
    if not done.entries:
        raise InputError(f"{there}: none of its names is a subgroup of the taxonomy")
    return done


def _groups(path: Path) -> dict[str, dict[str, Any]]:
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is not MMBias's list of addresses: {error}") from error
    groups = said.values() if isinstance(said, dict) else [None]
    if not all(isinstance(group, dict) for group in groups):
        raise InputError(f"{path} is not MMBias's list of addresses: a subgroup is no object")
    return said


def _entry(said: Any, name: str, label: Label, where: str) -> Entry:
    # The list begins every address with a quotation mark.
    url = said.get("URL", "").strip().strip('"') if isinstance(said, dict) else ""
    found = _PHOTO.fullmatch(url)
    if found is None:
        raise InputError(f"{where}: {url!r:.80} is no address of a photograph on Flickr")
    category, subgroup = label
    return Entry(
        id=record_id(ABOUT.name, f"{name} {url}"),
        text="",
        category=category,
        subgroup=subgroup,
        source=ABOUT.name,
        url=url,
        page=url,
        licence=ABOUT.licence,
        author_hash=author_hash(_SALT, "Flickr", found[1]),
        retrieved=None,
        query=name,
        sha256=None,
        width=None,
        height=None,
        split="test",
    )
