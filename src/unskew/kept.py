"""Results of the single parts of a long job on disk: when it is stopped, one of them is lost."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from unskew.errors import InputError

_PACKAGE = Path(__file__).parent


class Kept:
    """A folder of results, one JSON file each, which are used again under equal settings only."""

    def __init__(self, folder: Path, settings: Mapping[str, Any], rooms: Sequence[str]) -> None:
        """`settings`: all that decides the results, as JSON can hold it. `rooms`: the parts of
        unskew whose code does; when it changes, results are made anew.

        Raises:
            InputError: the folder cannot be made.
        """
        self._folder = folder
        code = code_digest(tuple(sorted(rooms)))
        self._settings = json.loads(json.dumps({**settings, "code": code}))
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"cannot write to {folder}: {error.strerror or error}") from error

    def checkpoints(self, name: str) -> Path:
        """Where a part that takes minutes keeps its own state, under these settings."""
        settings = json.dumps(self._settings, sort_keys=True)
        return self._folder / f"{name}-{hashlib.sha256(settings.encode()).hexdigest()[:12]}"

    def load(self, name: str) -> dict[str, Any] | None:
        """The result of this name, if it is there, whole, and of the same settings.

        Raises:
            InputError: it is there and cannot be read.
        """
        try:
            saved = json.loads(self._path(name).read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):  # not there, or cut in half
            return None
        except OSError as error:
            raise InputError(
                f"cannot read {self._path(name)}: {error.strerror or error}"
            ) from error
        if not isinstance(saved, dict) or saved.pop("settings", None) != self._settings:
            return None
        return saved

    def save(self, name: str, result: Mapping[str, Any]) -> None:
        """Keep a result, as JSON can hold it. Raises InputError if it cannot be written."""
        content = json.dumps({"settings": self._settings, **result})
        write_whole(self._path(name), content)

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.json"


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file under a temporary name and move it into place. Raises InputError."""
    temporary = path.with_name(f".unskew-{os.getpid()}-{path.name}")
    try:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise InputError(f"cannot write {path}: {error.strerror or error}") from error


@cache
def code_digest(rooms: tuple[str, ...]) -> str:
    """Changes when the code or the words of these rooms do."""
    files = sorted(
        path
        for room in rooms
        for kind in ("*.py", "*.json")
        for path in (_PACKAGE / room).rglob(kind)
    )
    content = b"".join(path.name.encode() + path.read_bytes() for path in files)
    return hashlib.sha256(content).hexdigest()[:16]
