"""Results of single fits on disk, so that a comparison that was stopped loses one of them only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unskew.debias.protocol import Scores
from unskew.kept import Kept

_ROOMS = ("audit", "corpora", "debias", "encoders", "measures", "stimuli")


@dataclass(frozen=True)
class Cell:
    """One method fitted with one seed, and judged. ``fit_seconds``: None where nothing was."""

    scores: Scores
    fit_seconds: float | None


class Cells:
    """A folder of cells; see `Kept`."""

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        """`settings`: all that decides the results, as JSON can hold it.

        Raises:
            InputError: the folder cannot be made.
        """
        self._kept = Kept(folder, settings, _ROOMS)
        self.checkpoints = self._kept.checkpoints

    def load(self, name: str) -> Cell | None:
        """The cell of this name, if it is there, whole, and of the same settings."""
        saved = self._kept.load(name)
        if saved is None:
            return None
        return Cell(Scores.from_dict(saved["scores"]), saved["fit_seconds"])

    def save(self, name: str, cell: Cell) -> None:
        """Keep a cell. Raises InputError if it cannot be written."""
        content = {"scores": cell.scores.to_dict(), "fit_seconds": cell.fit_seconds}
        self._kept.save(name, content)
