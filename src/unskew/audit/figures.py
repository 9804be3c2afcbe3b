"""The pictures of a report. Colours read for colour-blind people; numbers are printed in them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")  # no screen is needed, and none is opened in a notebook

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from unskew.audit.compare import Comparison
from unskew.audit.rows import PairRow

_DIVERGING = "PuOr"
_CLEAR, _UNCLEAR, _SECOND = "#4b2c83", "#9a9a9a", "#b35806"
_LONGEST = 30
"""Rows of a bar chart beyond which it cannot be read; the largest are shown."""


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
    figure, axes = plt.subplots(figsize=(side + 1.2, side))
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
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right")
    axes.set_yticks(range(len(names)), names)
    axes.spines[:].set_visible(False)
    first = rows[0]
    axes.set_title(
        f"{first.dataset}, {first.category}: {first.attribute_a} against {first.attribute_b}",
        fontsize=10,
    )
    bar = figure.colorbar(image, ax=axes, fraction=0.046, pad=0.03)
    bar.set_label(f"effect size d; > 0: row closer to {first.attribute_a}")
    _finish(figure, path)


def bars(rows: Sequence[PairRow], path: Path) -> int:
    """Effect sizes with intervals, largest first; returns how many of the rows are shown."""
    known = [r for r in rows if not math.isnan(r.effect_size)]
    shown = sorted(known, key=lambda r: -abs(r.effect_size))[:_LONGEST]
    figure, axes = plt.subplots(figsize=(8, 0.32 * len(shown) + 1.5))
    for y, r in enumerate(reversed(shown)):
        _interval(axes, y, r.effect_size, r.ci_low, r.ci_high, _CLEAR if r.clear else _UNCLEAR)
    _axis(axes, [f"{r.subgroup_a} / {r.subgroup_b}" for r in reversed(shown)])
    first = rows[0]
    of = "" if len(shown) == len(rows) else f", the largest {len(shown)} of {len(rows)}"
    axes.set_title(
        f"{first.dataset}, {first.category}: {first.attribute_a} against "
        f"{first.attribute_b}{of}\npurple: clear after Holm; grey: not clear",
        fontsize=10,
    )
    _finish(figure, path)
    return len(shown)


def side_by_side(rows: Sequence[Comparison], path: Path) -> None:
    """The same pairs in two data sets, with intervals (after Figure 2 of the seed report)."""
    known = [r for r in rows if not math.isnan(r.change)]
    figure, axes = plt.subplots(figsize=(8, 0.5 * len(known) + 1.8))
    for y, r in enumerate(reversed(known)):
        _interval(axes, y + 0.15, r.before, *r.before_ci, _CLEAR)
        _interval(axes, y - 0.15, r.after, *r.after_ci, _SECOND)
    _axis(axes, [f"{r.subgroup_a} / {r.subgroup_b}" for r in reversed(known)])
    first = known[0]
    for label, colour in ((first.dataset_before, _CLEAR), (first.dataset_after, _SECOND)):
        axes.plot([], [], "o-", color=colour, label=label)
    axes.legend(loc="best", fontsize=8)
    axes.set_title(
        f"{first.category}: {first.attribute_a} against {first.attribute_b}, by data set",
        fontsize=10,
    )
    _finish(figure, path)


def _interval(axes: Axes, y: float, d: float, low: float, high: float, colour: str) -> None:
    if not math.isnan(low):
        axes.plot([low, high], [y, y], color=colour, linewidth=1.6, solid_capstyle="butt")
    axes.plot([d], [y], "o", color=colour, markersize=5)


def _axis(axes: Axes, labels: Sequence[str]) -> None:
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_yticks(range(len(labels)), labels, fontsize=8)
    axes.set_ylim(-0.7, len(labels) - 0.3)
    widest = max(2.05, *map(abs, axes.get_xlim()))
    axes.set_xlim(-widest, widest)
    axes.set_xlabel("effect size d; > 0: the first named is closer to the first attribute set")
    axes.grid(axis="x", linewidth=0.3)
    axes.spines[["top", "right"]].set_visible(False)


def _finish(figure: Figure, path: Path) -> None:
    figure.savefig(path, dpi=110, bbox_inches="tight", metadata={"Software": "unskew"})
    plt.close(figure)
