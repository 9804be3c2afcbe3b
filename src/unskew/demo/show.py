"""What the app shows, as HTML. Every text is escaped here: none of it is ever markup."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

from unskew.audit.blocks import Block, Paragraph, Table, template
from unskew.audit.blocks import Picture as Planned


@dataclass(frozen=True)
class Drawn:
    """A picture with its pixels: ``address`` is a data URI, ``alt`` says what it shows."""

    address: str
    alt: str


@dataclass(frozen=True)
class Fading:
    """Two pictures on top of each other, with a slider between them."""

    before: str
    after: str
    alt: str


@dataclass(frozen=True)
class Alert:
    """What went wrong, said to screen readers at once."""

    text: str


@dataclass(frozen=True)
class Similarities:
    """One row per picture, one column per text. ``cells``: text, background, ink."""

    caption: str
    texts: tuple[str, ...]
    rows: tuple[tuple[Drawn, tuple[tuple[str, str, str], ...]], ...]


@dataclass(frozen=True)
class Strip:
    """Small pictures in a row."""

    caption: str
    pictures: tuple[Drawn, ...]


Shown: TypeAlias = Block | Drawn | Fading | Alert | Similarities | Strip


def to_fragment(blocks: Sequence[Shown]) -> str:
    """HTML to stand within the page. Pictures must be drawn by then: see `drawn`."""
    left = [b for b in blocks if isinstance(b, Planned)]
    if left:
        raise TypeError(f"{left[0].file} was planned and never drawn")
    shown = [(type(b).__name__, b) for b in blocks]
    return template("unskew.demo", "shown.html").render(blocks=shown)


def said(text: str) -> str:
    """One paragraph."""
    return to_fragment([Paragraph(text)])


def alert(text: str) -> str:
    """One message about what went wrong."""
    return to_fragment([Alert(text)])


def png_address(make: Callable[[Path], object]) -> str:
    """The data URI of a PNG that ``make`` writes."""
    with TemporaryDirectory(prefix="unskew-figure-") as folder:
        path = Path(folder) / "figure.png"
        make(path)
        return address(path.read_bytes(), "image/png")


def address(content: bytes, kind: str) -> str:
    """A data URI: the browser asks nobody for it."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def table_of(caption: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """A table of texts."""
    return Table(caption, tuple(columns), tuple(tuple(row) for row in rows))
