"""A report's summary on the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from unskew.audit.before_after import change_table, ranking_change_table
from unskew.audit.blocks import Table as TableBlock
from unskew.audit.document import DEMONSTRATION, ranking_table, summary_table
from unskew.audit.report import AuditReport
from unskew.audit.two_sets import NOTHING_SHARED, disagreement_table, disagreements_told

if TYPE_CHECKING:
    from unskew.audit.captions import CaptionAudit
    from unskew.debias import Debiased
    from unskew.debias.rows import ComparisonTable

_FILE_WIDTH = 160
"""Of output that goes to a file or a pipe: wide enough for every row on one line."""


def show_debiased(done: Debiased, folder: Path) -> None:
    """Print what changed on the test images, and how to load the debiased model."""
    from unskew.debias.methods import METHODS
    from unskew.debias.run import REPORT

    console = _console()
    method = METHODS[done.debiaser.method]
    console.print(f"[bold]{method.name}[/bold]: {method.title} ({method.paper})\n")
    show_report(done.report, folder / REPORT)
    console.print(
        f"Model: {escape(str(folder))}; load it with "
        f"unskew.DualEncoder.from_pretrained({escape(repr(str(folder)))})"
    )


def show_report(report: AuditReport, folder: Path) -> None:
    """Print the summary tables and where the whole report is."""
    console = _console()
    if report.demonstration:
        console.print(f"[bold]{escape(DEMONSTRATION)}[/bold]\n")
    if report.before is not None:
        console.print(f"Before: {escape(report.before.model.name)}")
        console.print(f"After: {escape(report.model.name)}\n")
    alone = report.before is None
    console.print(_table((summary_table if alone else change_table)(report)))
    if report.rankings:
        console.print(_table((ranking_table if alone else ranking_change_table)(report)))
    if len(report.datasets) > 1:
        _show_differences(console, report)
    for dataset in report.datasets:
        if dataset.unreadable:
            console.print(
                f"{len(dataset.unreadable)} of {dataset.n_images} images of "
                f"{escape(dataset.name)} could not be read; the report lists them."
            )
    for note in report.notes:
        console.print(escape(note), soft_wrap=True)
    console.print("A statement in (brackets) is not clear after Holm's correction.")
    console.print(f"Report: {escape(str(folder / 'report.html'))} (also .md, .json, figures/)")


def _show_differences(console: Console, report: AuditReport) -> None:
    rows = report.differences()
    if not rows:
        console.print(NOTHING_SHARED, soft_wrap=True)
        return
    if any(r.kind for r in rows):
        console.print(_table(disagreement_table(rows)))
    console.print(escape(disagreements_told(rows, report.settings.confidence)), soft_wrap=True)


def show_captions(done: CaptionAudit, folder: Path) -> None:
    """Print what changed with the identity word, and where the whole of it is."""
    from unskew.audit.captions_told import few_told, summary, swap_table

    console = _console()
    if done.demonstration:
        console.print(f"[bold]{escape(DEMONSTRATION)}[/bold]\n")
    console.print(_table(swap_table(done)))
    console.print(escape(summary(done)), soft_wrap=True)
    if few := few_told(done):
        console.print(few, soft_wrap=True)
    console.print(
        "A change is the cosine with the photo once the identity is swapped, minus that before: "
        "below 0, the true caption is closer. A to B minus B to A above 0: the model leans to B.",
        soft_wrap=True,
    )
    console.print("A value in (brackets) is not clear after Holm's correction.")
    console.print(f"Report: {escape(str(folder / 'captions.html'))} (also .md, .json)")


def show_comparison(table: ComparisonTable, folder: Path) -> None:
    """Print the tables of a comparison, and where the whole of it is."""
    from unskew.debias.table import failures, tables

    console = _console()
    if table.demonstration:
        console.print(f"[bold]{escape(DEMONSTRATION)}[/bold]\n")
    for block in tables(table):
        console.print(_table(block))
    for line in failures(table):
        console.print(escape(line))
    console.print(f"Table: {escape(str(folder / 'table.md'))} (also .json, .csv, pareto.png)")


def _console() -> Console:
    console = Console()
    if not console.is_terminal:
        console.width = _FILE_WIDTH
    return console


def _table(block: TableBlock) -> Table:
    table = Table(title=block.caption, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for column in block.columns:
        table.add_column(column, overflow="fold")
    for row in block.rows:
        table.add_row(*(escape(cell) for cell in row))
    return table
