"""Results of single fits on disk, so that a comparison that was stopped loses one of them only."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import unskew
from unskew.debias.protocol import Scores
from unskew.errors import InputError

_NO_MATTER = ("cli", "hub")
"""Rooms that decide no result."""


@dataclass(frozen=True)
class Cell:
    """One method fitted with one seed, and judged. ``fit_seconds``: None where nothing was."""

    scores: Scores
    fit_seconds: float | None


class Cells:
    """A folder of cells, one JSON file each, which are used again under equal settings only."""

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        """`settings`: all that decides the results, as JSON can hold it.

        Raises:
            InputError: the folder cannot be made.
        """
        self._folder = folder
        self._settings = json.loads(json.dumps({**settings, "code": code_digest()}))
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"cannot write to {folder}: {error.strerror or error}") from error

    def checkpoints(self, name: str) -> Path:
        """Where a method that trains for minutes keeps its own state, under these settings."""
        settings = json.dumps(self._settings, sort_keys=True)
        return self._folder / f"{name}-{hashlib.sha256(settings.encode()).hexdigest()[:12]}"

    def load(self, name: str) -> Cell | None:
        """The cell of this name, if it is there, whole, and of the same settings."""
        try:
            saved = json.loads(self._path(name).read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):  # not there, or cut in half
            return None
        if not isinstance(saved, dict) or saved.get("settings") != self._settings:
            return None
        return Cell(Scores.from_dict(saved["scores"]), saved["fit_seconds"])

    def save(self, name: str, cell: Cell) -> None:
        """Keep a cell. Raises InputError if it cannot be written."""
        content = {
            "settings": self._settings,
            "scores": cell.scores.to_dict(),
            "fit_seconds": cell.fit_seconds,
        }
        write_whole(self._path(name), json.dumps(content))

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
def code_digest() -> str:
    """Changes when code or words do: older results are then made anew."""
    root = Path(unskew.__file__).parent
    files = sorted(
        path
        for kind in ("*.py", "*.json")
        for path in root.rglob(kind)
        if path.relative_to(root).parts[0] not in _NO_MATTER
    )
    content = b"".join(path.name.encode() + path.read_bytes() for path in files)
    return hashlib.sha256(content).hexdigest()[:16]
