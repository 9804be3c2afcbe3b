"""The datasheet of a set: the questions of Gebru et al. (2021), some answered by the data."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unskew.curate.sets.card import rendered


def write_datasheet(numbers: Mapping[str, Any], folder: Path) -> None:
    """Write DATASHEET.md of a set with these numbers; what only people know is left blank."""
    (folder / "DATASHEET.md").write_text(rendered("datasheet.md.jinja", numbers), encoding="utf-8")
