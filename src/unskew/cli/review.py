"""``unskew review``: people decide, record by record."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def review(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="What `unskew curate` has made.")],
    reviewer: Annotated[
        str | None,
        typer.Option(help="Whose decisions these are. Default: everybody who opens it is asked."),
    ] = None,
    port: Annotated[
        int, typer.Option(help="Of this machine, which alone can open the page.")
    ] = 7860,
    flagged_first: Annotated[
        bool, typer.Option("--flagged-first", help="Records with flags before those without.")
    ] = False,
    agreement: Annotated[
        bool, typer.Option("--agreement", help="Print how far the reviewers agree, and stop.")
    ] = False,
) -> None:
    """Look at every image and text of DIR and keep, drop or relabel it, by keyboard."""
    if agreement:
        _show_agreement(folder)
        return
    from unskew.curate.review.serve import review_server

    with review_server(folder, reviewer, port, flagged_first=flagged_first) as server:
        typer.echo(f"Review at {server.address} (Ctrl-C stops it; every decision is kept at once)")
        server.run()


def _show_agreement(folder: Path) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from unskew.curate.agreement import COLUMNS
    from unskew.curate.review.desk import agreement_in

    found = agreement_in(folder)
    if not found:
        typer.echo(f"Fewer than two reviewers have decided on records of {folder} so far.")
        return
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in COLUMNS:
        table.add_column(column)
    for each in found:
        table.add_row(*map(escape, each.row()))
    Console().print(table)
