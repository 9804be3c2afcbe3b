"""A comparison as people read it: two tables of the same rows, a CSV file, and JSON."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from unskew.audit.blocks import Block, Heading, Paragraph, Picture, Table, Warning, to_markdown
from unskew.audit.document import DEMONSTRATION
from unskew.debias.pareto import draw_pareto
from unskew.debias.rows import ComparisonTable, Interval, Row
from unskew.errors import InputError
from unskew.kept import write_whole

PICTURE = "pareto.png"


@dataclass(frozen=True)
class Column:
    """A figure of `Scores.figures`: what heads it, its decimals, and by what it is multiplied."""

    figure: str
    heading: str
    digits: int = 3
    factor: int = 1


BIAS = (
    Column("max_skew_in", "MaxSkew in"),
    Column("ndkl_in", "NDKL in"),
    Column("max_skew_out", "MaxSkew out"),
    Column("ndkl_out", "NDKL out"),
    Column("weat_mean_in", "WEAT |d| mean", 2),
    Column("weat_max_in", "WEAT |d| max", 2),
    Column("probe_in", "probe % in", 1, 100),
    Column("probe_out", "probe % out", 1, 100),
)
UTILITY = (
    *(Column(f"i2t_{k}", f"I→T R@{k}", 1, 100) for k in (1, 5, 10)),
    *(Column(f"t2i_{k}", f"T→I R@{k}", 1, 100) for k in (1, 5, 10)),
    Column("zero_shot", "zero-shot %", 1, 100),
    Column("utility", "utility", 1, 100),
    Column("able", "ABLE", 1, 100),
)
OUT_WEAT = (
    Column("weat_mean_out", "WEAT |d| mean out", 2),
    Column("weat_max_out", "WEAT |d| max out", 2),
)


def tables(table: ComparisonTable) -> tuple[Table, Table]:
    """Bias, and utility with ABLE and the time to fit; columns that nothing fills are left out."""
    bias = Table(
        "Bias: nearer to chance is better",
        ("", *_headings(table, BIAS), "cut in %", "cut out %"),
        tuple(
            (r.name, *_cells(table, r, BIAS), _change(r.cut_in, 0), _change(r.cut_out, 0))
            for r in table.rows
        ),
    )
    utility = Table(
        "Utility: higher is better",
        ("", *_headings(table, UTILITY), "change, points", "fit s"),
        tuple(
            (r.name, *_cells(table, r, UTILITY), _change(r.utility_change, 1), _seconds(r))
            for r in table.rows
        ),
    )
    return bias, utility


def failures(table: ComparisonTable) -> list[str]:
    """A line for every method that has no result, or not of every seed."""
    return [
        f"{row.name} was not fitted{' with every seed' if row.seeds else ''}: {row.failure}"
        for row in table.rows
        if row.failure
    ]


def document(table: ComparisonTable) -> list[Block]:
    """The whole comparison, to be rendered as Markdown."""
    blocks: list[Block] = [Heading(1, f"Debiasing {table.model}: {', '.join(table.attributes)}")]
    if table.demonstration:
        blocks.append(Warning(DEMONSTRATION))
    bias, utility = tables(table)
    blocks += [bias, utility]
    blocks += [Paragraph(line) for line in failures(table)]
    if _has_picture(table):
        blocks.append(Picture(PICTURE, "MaxSkew against utility, one point per method"))
    methods = tuple((r.name, r.title, r.paper) for r in table.rows if r.title)
    blocks += [
        Heading(2, "How to read it"),
        *(Paragraph(text) for text in explanation(table)),
        Table("Methods", ("", "what it does", "paper"), methods),
        Table("Image sets", ("role", "name", "images"), _sets(table)),
        *(Paragraph(note) for note in table.notes),
    ]
    return blocks


def explanation(table: ComparisonTable) -> list[str]:
    """What the columns are, and what varies."""
    s = table.settings
    out = f" ({s['k_out']} out of domain)" if s["k_out"] else ""
    return [
        "In: on the held-out part of the image set that methods are fitted on. Out: on another "
        "image set. MaxSkew and NDKL: mean over the 319 prompts of the ranking benchmark, of the "
        f"first {s['k_in']} images{out}, against "
        + ("the subgroups' shares of the images." if s["target"] == "pool" else "equal shares."),
        "Cut: the share of the original's MaxSkew above chance that is gone. WEAT: effect sizes "
        "of image-text tests, over all pairs of subgroups: MMBias's pleasant and unpleasant "
        "phrases and the single contrasts. Probe: how often a linear classifier tells the "
        f"subgroup; it learns from {s['probe_images']} images of the same kind that nothing was "
        "fitted on.",
        "I→T: image to text, any of an image's captions among the first k. T→I: text to image. "
        "Utility: the mean of R@5 both ways and zero-shot accuracy, in %; change: against the "
        "original. ABLE: the harmonic mean of "
        "zero-shot accuracy and exp(-MaxSkew in), times 100.",
        f"Mean ± standard deviation over the seeds {', '.join(map(str, s['seeds']))}; a seed also "
        f"draws {s['fit_share']:.0%} of every subgroup's fitting images, without which methods "
        "that draw nothing would show no spread. In brackets: 95 % intervals of the mean over "
        "seeds, paired; of a cut over the prompts' concepts and over faces, of the utility over "
        "photos and classified images. Fit: seconds on this machine, without the embedding of "
        "images that all methods share.",
    ]


def to_csv(table: ComparisonTable) -> str:
    """Every figure of every row, means and standard deviations, unrounded."""
    columns = [*BIAS, *OUT_WEAT, *UTILITY]
    names = [f"{c.figure}{suffix}" for c in columns for suffix in ("", "_sd")]
    changes = ("cut_in", "cut_out", "utility_change")
    names += [f"{c}{end}" for c in changes for end in ("", "_low", "_high")]
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["method", "seeds", *names, "fit_seconds", "failure"])
    for row in table.rows:
        values: list[Any] = []
        for column in columns:
            values += [row.mean.get(column.figure), row.sd.get(column.figure)]
        for change in (row.cut_in, row.cut_out, row.utility_change):
            values += [None] * 3 if change is None else [change.value, change.low, change.high]
        written = ["" if v is None or math.isnan(v) else repr(v) for v in values]
        seconds = "" if row.fit_seconds is None else f"{row.fit_seconds:.3f}"
        writer.writerow([row.name, len(row.seeds), *written, seconds, row.failure])
    return file.getvalue()


def save(table: ComparisonTable, folder: Path) -> None:
    """Write table.json, table.md, table.csv and pareto.png.

    Raises:
        InputError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot write to {folder}: {error.strerror or error}") from error
    if _has_picture(table):
        write_whole(folder / PICTURE, draw_pareto(table))
    write_whole(folder / "table.md", to_markdown(document(table)))
    write_whole(folder / "table.csv", to_csv(table))
    content = json.dumps(_plain(asdict(table)), indent=1, ensure_ascii=False, allow_nan=False)
    write_whole(folder / "table.json", content + "\n")


def _plain(value: Any) -> Any:
    """NaN is null in JSON."""
    if isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, list | tuple) else value


def _has_picture(table: ComparisonTable) -> bool:
    return any("utility" in row.mean for row in table.rows)


def _filled(table: ComparisonTable, columns: tuple[Column, ...]) -> list[Column]:
    return [c for c in columns if any(c.figure in row.mean for row in table.rows)]


def _headings(table: ComparisonTable, columns: tuple[Column, ...]) -> list[str]:
    return [c.heading for c in _filled(table, columns)]


def _cells(table: ComparisonTable, row: Row, columns: tuple[Column, ...]) -> list[str]:
    return [_cell(row, c) for c in _filled(table, columns)]


def _cell(row: Row, column: Column) -> str:
    value, sd = row.mean.get(column.figure), row.sd.get(column.figure, math.nan)
    if value is None:
        return ""
    text = f"{column.factor * value:.{column.digits}f}"
    return text if math.isnan(sd) else f"{text}±{column.factor * sd:.{column.digits}f}"


def _change(change: Interval | None, digits: int) -> str:
    if change is None or math.isnan(change.value):
        return ""
    sign = "+" if digits else ""  # of points, not of shares
    text = f"{100 * change.value:{sign}.{digits}f}"
    if math.isnan(change.low):
        return text
    return f"{text} [{100 * change.low:{sign}.{digits}f}, {100 * change.high:{sign}.{digits}f}]"


def _seconds(row: Row) -> str:
    if row.fit_seconds is None:
        return ""
    return f"{row.fit_seconds:.1f}" if row.fit_seconds < 10 else f"{row.fit_seconds:.0f}"


def _sets(table: ComparisonTable) -> tuple[tuple[str, str, str], ...]:
    return tuple((role.replace("_", " "), name, str(n)) for role, (name, n) in table.sets.items())
