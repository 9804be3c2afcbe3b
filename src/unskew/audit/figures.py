"""The pictures of a report. Colours read for colour-blind people; numbers are printed in them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from unskew.audit.compare import Comparison
from unskew.audit.rows import PairRow

Row = TypeVar("Row")

_DIVERGING = "PuOr"
CLEAR, UNCLEAR, SECOND = "#4b2c83", "#9a9a9a", "#b35806"
_LONGEST = 30
"""Rows of a bar chart beyond which it cannot be read; the largest are shown."""
_LABEL = 60
"""Characters of a name that are drawn: a picture grows with its longest text."""

# Names come from other people's data: a $ in one is a $, and neither mathtext nor TeX.
as_written = matplotlib.rc_context({"text.parse_math": False, "text.usetex": False})


@as_written
def heatmap(rows: Sequence[PairRow], path: Path) -> None:
    """Effect sizes of all pairs of one category as a matrix: row against column.

    Positive: the row's subgroup is closer to the first attribute set. Bold: clear after Holm.
    """
    names = list(dict.fromkeys(n for r in rows for n in (r.subgroup_a, r.subgroup_b)))
    at = {name: i for i, name in enumerate(names)}
    d = np.full((len(names), len(names)), np.nan)
    clear = np.zeros_like(d, dtype=bool)
    for r in rows:
        i, j = at[r.subgroup_a], at[r.subgroup_b]
        d[i, j], d[j, i] = r.effect_size, -r.effect_size
        clear[i, j] = clear[j, i] = r.clear
    side = max(4.5, 0.62 * len(names) + 2.2)
    figure, axes = sheet(side + 1.2, side)
    image = axes.imshow(d, cmap=_DIVERGING, vmin=-2, vmax=2)
    for i, j in np.argwhere(~np.isnan(d)):
        axes.text(
            j,
            i,
            f"{d[i, j]:+.2f}",
            ha="center",
            va="center",
            fontsize=8,
            color="white" if abs(d[i, j]) > 1.3 else "black",
            fontweight="bold" if clear[i, j] else "normal",
        )
    labels = [short(n) for n in names]
    axes.set_xticks(range(len(names)), labels, rotation=45, ha="right")
    axes.set_yticks(range(len(names)), labels)
    axes.spines[:].set_visible(False)
    axes.set_title(f"{short(rows[0].dataset)}, {_title(rows[0])}", fontsize=10)
    bar = figure.colorbar(image, ax=axes, fraction=0.046, pad=0.03)
    bar.set_label(f"effect size d; > 0: row closer to {short(rows[0].attribute_a)}")
    finish(figure, path)


@as_written
def bars(rows: Sequence[PairRow], path: Path) -> None:
    """Effect sizes with intervals, largest first."""
    shown, of = _largest(rows, lambda r: r.effect_size)
    figure, axes = sheet(8, 0.32 * len(shown) + 1.5)
    for y, r in enumerate(reversed(shown)):
        interval_bar(axes, y, r.effect_size, r.ci_low, r.ci_high, CLEAR if r.clear else UNCLEAR)
    _axis(axes, [_pair(r) for r in shown])
    what = f"{short(rows[0].dataset)}, {_title(rows[0])}{of}"
    axes.set_title(f"{what}\npurple: clear after Holm; grey: not clear", fontsize=10)
    finish(figure, path)


@as_written
def side_by_side(rows: Sequence[Comparison], path: Path) -> None:
    """The same pairs in two data sets, with intervals (after Figure 2 of the seed report).

    The pairs that differ most between the data sets come first.
    """
    shown, of = _largest(rows, lambda r: r.change)
    figure, axes = sheet(8, 0.5 * len(shown) + 1.8)
    for y, r in enumerate(reversed(shown)):
        interval_bar(axes, y + 0.15, r.before, *r.before_ci, CLEAR)
        interval_bar(axes, y - 0.15, r.after, *r.after_ci, SECOND)
    _axis(axes, [_pair(r) for r in shown])
    first = rows[0]
    for name, colour in ((first.dataset_before, CLEAR), (first.dataset_after, SECOND)):
        # "in": a legend leaves out a label that begins with an underscore
        axes.plot([], [], "o-", color=colour, label=f"in {short(name)}")
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), fontsize=8)
    axes.set_title(f"{_title(first)}, by data set{of and of + ' changes'}", fontsize=10)
    finish(figure, path)


@as_written
def moved(rows: Sequence[Comparison], path: Path) -> None:
    """Where debiasing moved each pair: an arrow from d before to d after, both with intervals.

    The pairs that were furthest from 0 before come first.
    """
    shown, of = _largest(rows, lambda r: r.before)
    several = len({r.attribute_a for r in rows}) > 1
    figure, axes = sheet(8, 0.55 * len(shown) + 1.8)
    for y, r in enumerate(reversed(shown)):
        start, end = (r.before, y + 0.17), (r.after, y - 0.17)
        axes.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": "black"})
        interval_bar(axes, start[1], r.before, *r.before_ci, UNCLEAR)
        interval_bar(axes, end[1], r.after, *r.after_ci, CLEAR)
    _axis(axes, [f"{_pair(r)}\n{_contrast(r)}" if several else _pair(r) for r in shown])
    for name, colour in (("before", UNCLEAR), ("after", CLEAR)):
        axes.plot([], [], "o-", color=colour, label=name)
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), fontsize=8)
    first = rows[0]
    what = short(first.category) if several else _title(first)
    axes.set_title(f"{short(first.dataset_after)}, {what}, before and after{of}", fontsize=10)
    finish(figure, path)


def _largest(rows: Sequence[Row], size: Callable[[Row], float]) -> tuple[list[Row], str]:
    """The rows to show, largest first, and for the title how many of all they are."""
    shown = sorted(rows, key=lambda r: -abs(size(r)))[:_LONGEST]
    return shown, "" if len(shown) == len(rows) else f", the largest {len(shown)} of {len(rows)}"


def sheet(width: float, height: float) -> tuple[Figure, Axes]:
    """Without pyplot: a notebook's backend stays as it is, and no figure outlives its file."""
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    return figure, figure.subplots()


def short(name: str) -> str:
    """As much of a name as is drawn."""
    name = " ".join(name.split())
    return name if len(name) <= _LABEL else name[: _LABEL - 1] + "…"


def _title(row: PairRow | Comparison) -> str:
    return f"{short(row.category)}: {_contrast(row)}"


def _contrast(row: PairRow | Comparison) -> str:
    return f"{short(row.attribute_a)} against {short(row.attribute_b)}"


def interval_bar(axes: Axes, y: float, d: float, low: float, high: float, colour: str) -> None:
    """A value and its interval, along the line y."""
    if not math.isnan(low):
        axes.plot([low, high], [y, y], color=colour, linewidth=1.6, solid_capstyle="butt")
    axes.plot([d], [y], "o", color=colour, markersize=5)


def _pair(row: PairRow | Comparison) -> str:
    return f"{short(row.subgroup_a)} / {short(row.subgroup_b)}"


def _axis(axes: Axes, labels: Sequence[str]) -> None:
    """The scale of d and the names of the rows, the first on top."""
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_yticks(range(len(labels)), labels[::-1], fontsize=8)
    axes.set_ylim(-0.7, len(labels) - 0.3)
    widest = max(2.05, *map(abs, axes.get_xlim()))
    axes.set_xlim(-widest, widest)
    axes.set_xlabel("effect size d; > 0: the first named is closer to the first attribute set")
    axes.grid(axis="x", linewidth=0.3)
    axes.spines[["top", "right"]].set_visible(False)


def finish(figure: Figure, path: Path) -> None:
    """Save it as PNG."""
    figure.savefig(path, dpi=110, bbox_inches="tight", metadata={"Software": "unskew"})
