"""What a debiaser may say of itself in public: names, and never a place on somebody's disk."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from unskew.encoders.debiaser import Debiaser
from unskew.encoders.fetching import BUILT_IN

_HUB_ID = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?")
_SPLIT = re.compile(r":[\w.-]+$")
_SEPARATORS = re.compile(r"[/\\]+")
_ROOTED = re.compile(r"~?[/\\]|\.{1,2}[/\\]|[A-Za-z]:[/\\]")
_ROOTED_WORD = re.compile(rf"(?<!\S)['\"(]?(?:{_ROOTED.pattern})\S+")


def is_local(base: str) -> bool:
    """Whether a model of this name is one on this disk, and not on the Hub."""
    return base != BUILT_IN and not _like_a_hub_id(base)


def base_on_hub(base: str, local: bool) -> str | None:
    """The base model as the metadata of a card names it: none but one that the Hub has."""
    return None if local or base == BUILT_IN else base


def publishable(debiaser: Debiaser) -> Debiaser:
    """The debiaser with the last part alone of every path in its base and its settings."""
    base = last_part(debiaser.base) if is_local(debiaser.base) else debiaser.base
    paths = [*places(debiaser.settings), *({debiaser.base} - {base})]
    return replace(debiaser, base=base, settings=without_places(debiaser.settings, paths))


def last_part(path: str) -> str:
    """ "faces:train" of "/home/me/faces:train"."""
    parts = [p for p in _SEPARATORS.split(path) if p not in ("", ".", "..", "~")]
    return parts[-1] if parts else "local"


def _like_a_hub_id(name: str) -> bool:
    plain = _HUB_ID.fullmatch(name) is not None and ".." not in name
    return plain and not Path(name).exists()


def without_places(value: Any, paths: Sequence[str]) -> Any:
    """JSON with the last part alone of each of the paths, wherever it stands."""
    if isinstance(value, dict):
        return {k: without_places(v, paths) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [without_places(v, paths) for v in value]
    if isinstance(value, str):
        # Also within a sentence, where a path with a space has no clear end; longest first.
        for path in sorted(paths, key=len, reverse=True):
            value = value.replace(path, last_part(path))
    return value


def places(value: Any) -> set[str]:
    """Names in JSON that are places on this disk, and what begins like one within a sentence."""
    if isinstance(value, dict | list | tuple):
        inner = value.values() if isinstance(value, dict) else value
        return {path for v in inner for path in places(v)}
    if not isinstance(value, str) or not _SEPARATORS.search(value):
        return set()
    if " " in value and not _ROOTED.match(value):
        return {found.group().rstrip(".,;") for found in _ROOTED_WORD.finditer(value)}
    return set() if _like_a_hub_id(_SPLIT.sub("", value)) else {value}
