"""A document as a list of blocks, so that Markdown, HTML and the terminal say the same."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from unskew.markdown import escaped, unlinked

if TYPE_CHECKING:
    from jinja2 import Template


@dataclass(frozen=True)
class Heading:
    level: int
    text: str


@dataclass(frozen=True)
class Paragraph:
    text: str


@dataclass(frozen=True)
class Warning:
    """A statement that must not be overlooked."""

    text: str


@dataclass(frozen=True)
class Table:
    """``folded``: long, and shut until opened where the medium can do that."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    folded: bool = False


@dataclass(frozen=True)
class Picture:
    """``file``: relative to the report's folder. ``alt`` says what the picture shows."""

    file: str
    alt: str


Block = Heading | Paragraph | Warning | Table | Picture


def to_markdown(blocks: Sequence[Block]) -> str:
    """GitHub-flavoured Markdown."""
    return "\n\n".join(_markdown(b) for b in blocks) + "\n"


def _markdown(block: Block) -> str:
    match block:
        case Heading(level, text):
            return "#" * level + " " + escaped(text)
        case Paragraph(text):
            return escaped(text)
        case Warning(text):
            return f"> **{escaped(text)}**"
        case Picture(file, alt):
            return f"![{escaped(alt)}]({file})"
        case Table(caption, columns, rows, folded):
            lines = [columns, tuple("---" for _ in columns), *rows]
            body = "\n".join("| " + " | ".join(escaped(c) for c in line) + " |" for line in lines)
            if folded:
                summary = f"{html.escape(unlinked(caption))} ({len(rows)} rows)"
                return f"<details><summary>{summary}</summary>\n\n{body}\n\n</details>"
            return f"{escaped(caption)}\n\n{body}"


def to_html(title: str, blocks: Sequence[Block], folder: Path) -> str:
    """One self-contained page: style and pictures (read from ``folder``) inside."""
    pictures = {
        b.file: base64.b64encode((folder / b.file).read_bytes()).decode()
        for b in blocks
        if isinstance(b, Picture)
    }
    blocks_by_name = [(type(b).__name__, b) for b in blocks]
    return template("unskew.audit", "document.html").render(
        title=title, blocks=blocks_by_name, pictures=pictures, anchor=anchor
    )


def template(package: str, name: str) -> Template:
    """A template of HTML of a package of ours, which may ask ``block.html`` how a block looks."""
    from jinja2 import ChoiceLoader, Environment, PackageLoader

    loader = ChoiceLoader([PackageLoader(package), PackageLoader("unskew.audit")])
    environment = Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.get_template(name)


def anchor(text: str) -> str:
    """A heading's address within the page."""
    return re.sub(r"[^a-z0-9]+", "-", html.unescape(text).lower()).strip("-")
