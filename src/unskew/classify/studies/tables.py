"""Tables of the studies, in Markdown and CSV: mean and standard deviation over seeds."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

Line = tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A caption, headings, and as many texts in every row."""

    caption: str
    columns: Line
    rows: tuple[Line, ...]


def to_markdown(parts: Sequence[str | Table]) -> str:
    """Paragraphs and tables, in GitHub's Markdown; empty ones are left out."""
    return "\n\n".join(p if isinstance(p, str) else _table(p) for p in parts if p) + "\n"


def _table(table: Table) -> str:
    lines = [table.columns, tuple("---" for _ in table.columns), *table.rows]
    body = "\n".join("| " + " | ".join(map(_escaped, line)) + " |" for line in lines)
    return f"**{table.caption}**\n\n{body}"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def to_csv(tables: Sequence[Table]) -> str:
    """All tables, one after the other, each row led by its caption."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    for table in tables:
        writer.writerow(("table", *table.columns))
        writer.writerows((table.caption, *row) for row in table.rows)
    return file.getvalue()


def caption_of(name: str, sizes: Mapping[str, int], seeds: int) -> str:
    """What a table of figures is of: the set, its `sizes` as `data.sizes` has them, the seeds."""
    share = 100 * sizes["conflicting"] / sizes["train"]
    return (
        f"{name}: {sizes['train']} training images ({share:.1f} % conflicting), "
        f"{sizes['validation']} of validation and {sizes['test']} of test (smallest group: "
        f"{sizes['smallest_group']}); mean ± standard deviation over {seeds} seeds"
    )


SAME_IMAGES = (
    "Deviations are over seeds, on the same test images: how far other images would move a figure, "
    "above all one of a small group, is not in them."
)


def spread(values: Sequence[float], digits: int = 1, factor: float = 100) -> str:
    """ "95.3 ± 1.2": mean and sample standard deviation; "" without values, "-" if undefined."""
    if not len(values):
        return ""
    found = factor * np.asarray(values, dtype=np.float64)
    if np.isnan(found).any():
        return "-"
    if len(found) == 1:
        return f"{found[0]:.{digits}f}"
    return f"{found.mean():.{digits}f} ± {found.std(ddof=1):.{digits}f}"
