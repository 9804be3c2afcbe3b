"""Bias against utility, one point per method: what a method gains, and what it costs."""

from __future__ import annotations

import io
import math

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from unskew.debias.rows import CHANCE, ORIGINAL, ComparisonTable, Row

_POINT, _FIRST, _FLOOR = "#4b2c83", "#b35806", "#777777"
_LABEL = 32
_GAP = 0.052
"""Between two labels, as a share of the panel's height."""


@matplotlib.rc_context({"text.parse_math": False, "text.usetex": False})
def draw_pareto(table: ComparisonTable) -> bytes:
    """A PNG of MaxSkew against utility, in domain and, where it was judged, out of domain.

    Bars: one standard deviation over seeds. Names stand in a column beside each panel.
    """
    shown = [r for r in table.rows if r.name != CHANCE and "utility" in r.mean]
    panels = [("max_skew_in", "in domain"), ("max_skew_out", "out of domain")]
    panels = [p for p in panels if p[0] in shown[0].mean]
    figure = Figure(figsize=(6.8 * len(panels), 5.2))
    FigureCanvasAgg(figure)
    for place, (name, where) in enumerate(panels, 1):
        axes = figure.add_subplot(1, len(panels), place)
        _panel(axes, shown, name, table.row(CHANCE).mean[name])
        axes.set_title(f"{', '.join(table.attributes)}, {where}", fontsize=10)
    figure.tight_layout(w_pad=3)
    file = io.BytesIO()
    figure.savefig(
        file, format="png", dpi=110, bbox_inches="tight", metadata={"Software": "unskew"}
    )
    return file.getvalue()


def _panel(axes: Axes, rows: list[Row], figure: str, chance: float) -> None:
    x = [100 * row.mean["utility"] for row in rows]
    y = [row.mean[figure] for row in rows]
    for row, across, up in zip(rows, x, y, strict=True):
        axes.errorbar(
            across,
            up,
            xerr=_bar(100 * row.sd.get("utility", math.nan)),
            yerr=_bar(row.sd.get(figure, math.nan)),
            fmt="s" if row.name == ORIGINAL else "o",
            color=_FIRST if row.name == ORIGINAL else _POINT,
            markersize=5,
            linewidth=1,
            capsize=2,
        )
    axes.axhline(chance, color=_FLOOR, linewidth=0.8, linestyle="--")
    axes.set_ylim(0, 1.08 * max([*y, chance]))
    axes.margins(x=0.08)
    _name_points(axes, [row.name for row in rows], x, y)
    low = axes.get_xlim()[0]
    axes.annotate("chance", (low, chance), (3, -10), textcoords="offset points", fontsize=8)
    axes.set_xlabel("utility: mean of R@5 both ways and zero-shot accuracy, % (right is better)")
    axes.set_ylabel("MaxSkew (lower is better)")
    axes.grid(linewidth=0.3)
    axes.spines[["top", "right"]].set_visible(False)


def _name_points(axes: Axes, names: list[str], x: list[float], y: list[float]) -> None:
    """Names in a column at the right, in the order of their points, each with a thin line."""
    height = axes.get_ylim()[1]
    order = np.argsort(y, kind="stable")
    places = spread([y[i] / height for i in order], _GAP)
    for i, place in zip(order, places, strict=True):
        name = names[i] if len(names[i]) <= _LABEL else names[i][: _LABEL - 1] + "…"
        axes.annotate(
            name,
            (x[i], y[i]),
            (1.03, place),
            textcoords="axes fraction",
            fontsize=8,
            va="center",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": _FLOOR, "linewidth": 0.4, "shrinkB": 4},
        )


def spread(wanted: list[float], gap: float) -> list[float]:
    """Places at least `gap` apart, in the order of the ascending `wanted` and near them.

    Neighbours that are too close share a block, which is centred on the mean of what they want.
    """
    blocks: list[list[float]] = []
    for value in wanted:
        blocks.append([value])
        while len(blocks) > 1 and _start(blocks[-1], gap) < _end(blocks[-2], gap) + gap:
            last = blocks.pop()
            blocks[-1] += last
    return [_start(block, gap) + i * gap for block in blocks for i in range(len(block))]


def _start(block: list[float], gap: float) -> float:
    """Where the first of a block stands; never below the axis."""
    return max(0.0, sum(block) / len(block) - gap * (len(block) - 1) / 2)


def _end(block: list[float], gap: float) -> float:
    return _start(block, gap) + gap * (len(block) - 1)


def _bar(sd: float) -> float | None:
    return None if math.isnan(sd) else sd
