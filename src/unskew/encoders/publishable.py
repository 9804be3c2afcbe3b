"""What a debiaser may say of itself in public: names, and never a place on somebody's disk."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from unskew.encoders.debiaser import Debiaser
from unskew.encoders.fetching import BUILT_IN

_HUB_ID = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?")
_SPLIT = re.compile(r":[\w.-]+$")
_SEPARATORS = re.compile(r"[/\\]+")


def is_local(base: str) -> bool:
    """Whether a model of this name is one on this disk, and not on the Hub."""
    return base != BUILT_IN and not _like_a_hub_id(base)


def publishable(debiaser: Debiaser) -> Debiaser:
    """The debiaser with the last part alone of every path in its base and its settings."""
    base = last_part(debiaser.base) if is_local(debiaser.base) else debiaser.base
    return replace(debiaser, base=base, settings=_without_paths(debiaser.settings))


def last_part(path: str) -> str:
    """ "faces:train" of "/home/me/faces:train"."""
    parts = [p for p in _SEPARATORS.split(path) if p not in ("", ".", "..", "~")]
    return parts[-1] if parts else "local"


def _like_a_hub_id(name: str) -> bool:
    plain = _HUB_ID.fullmatch(name) is not None and ".." not in name
    return plain and not Path(name).exists()


def _without_paths(value: Any) -> Any:
    if isinstance(value, dict):
        return {_without_paths(k): _without_paths(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_without_paths(v) for v in value]
    if not isinstance(value, str) or not _SEPARATORS.search(value):
        return value
    return value if _like_a_hub_id(_SPLIT.sub("", value)) else last_part(value)
