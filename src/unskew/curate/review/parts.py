"""The pieces of the page that are HTML. Whatever a record says is text, and stays text."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path

from unskew.curate.agreement import COLUMNS, Agreement
from unskew.curate.decisions import Decision
from unskew.curate.pixels import UnreadableError
from unskew.curate.record import Record
from unskew.curate.review.desk import View
from unskew.curate.review.picture import data_address

NOTE = """<p><strong>What you are about to see</strong> was collected from public places and has
not been filtered. It may hold insults, hatred, or pictures that are hard to bear. Nobody has to
decide on everything: <kbd>u</kbd> sets a record aside, and you may stop at any time; what you have
decided is kept. Subgroups are what a search proposed. They say how people are shown and spoken of,
not who anybody is.</p>"""

KEYS = """<p class="keys"><kbd>k</kbd> keep <kbd>d</kbd> drop <kbd>r</kbd> relabel
<kbd>u</kbd> unsure <kbd>z</kbd> or <kbd>Backspace</kbd> undo
<kbd>←</kbd> <kbd>→</kbd> look around,
<kbd>Esc</kbd> leaves a field</p>"""


def plain(text: str) -> str:
    """Any text as HTML that shows it; also where Gradio looks for its templates."""
    return html.escape(text).replace("$", "&#36;").replace("{", "&#123;")


def picture(view: View, folder: Path) -> str:
    """The image, or why it cannot be shown."""
    try:
        address = data_address(folder, view.record.image or "")
    except UnreadableError as error:
        return f'<p class="missing">This picture cannot be shown: {plain(str(error))}</p>'
    words = f"Picture {view.number + 1} of {view.total}, proposed as {proposed(view.record)}"
    return f'<img src="{address}" alt="{plain(words)}">'


def place(view: View) -> str:
    """Which record it is, and what the reviewer has decided on it; read out when it changes."""
    said = f"You decided: {decided(view.own)}" if view.own else "Not decided yet"
    if sum(view.done.values()) == view.total:
        said += ". All records are decided on: thank you"
    return (
        f'<p id="record-{view.number + 1}">Record <strong>{view.number + 1}</strong>'
        f" of {view.total}. {plain(said)}.</p>"
    )


def refused(reason: str) -> str:
    """Why what was asked for was not done; nothing where it was."""
    return f'<p role="alert"><strong>Not done.</strong> {plain(reason)}</p>' if reason else ""


def facts(view: View) -> str:
    """The proposed subgroup, the flags with their reasons, and where the record comes from."""
    record = view.record
    flags = "".join(
        f"<li><strong>{plain(flag.check)}</strong>: {plain(flag.reason)}</li>"
        for flag in view.flags
    )
    rows = [
        ("Proposed", proposed(record)),
        ("Source", record.source),
        ("Licence", record.licence),
        ("Searched for", record.query),
    ]
    return (
        "<dl>"
        + "".join(f"<dt>{name}</dt><dd>{plain(value)}</dd>" for name, value in rows)
        + f"<dt>Flags</dt><dd>{f'<ul>{flags}</ul>' if flags else 'none'}</dd></dl>"
    )


def progress(view: View, reviewer: str) -> str:
    """How far the reviewer is, as a bar and in numbers."""
    done = sum(view.done.values())
    counts = ", ".join(
        f"{view.done[action]} {action}" for action in ("keep", "drop", "relabel", "unsure")
    )
    return (
        f'<label><progress value="{done}" max="{view.total}"></progress> '
        f"{plain(reviewer)}: {done} of {view.total} decided on ({counts})</label>"
    )


def agreement(found: Sequence[Agreement]) -> str:
    """A table of the coefficients."""
    if not found:
        return "<p>Agreement needs two reviewers who have decided.</p>"
    head = "".join(f'<th scope="col">{column}</th>' for column in COLUMNS)
    rows = ("".join(f"<td>{plain(cell)}</td>" for cell in each.row()) for each in found)
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def proposed(record: Record) -> str:
    """The label that the search proposes, in words."""
    return f"{record.subgroup} ({record.category})" if record.subgroup else "nothing"


def decided(decision: Decision) -> str:
    """A decision in words."""
    if decision.action == "relabel":
        return f"relabel as {decision.subgroup} ({decision.category})"
    return decision.action
