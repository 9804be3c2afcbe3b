"""The picture of an audit of swapped captions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from unskew.audit.captions import SwapPair
from unskew.audit.figures import CLEAR as FIRST
from unskew.audit.figures import SECOND, as_written, finish, interval_bar, sheet, short

_LONGEST = 30
"""Pairs beyond which a picture cannot be read; the largest leans are shown."""


@as_written
def changes(pairs: Sequence[SwapPair], path: Path) -> None:
    """Change of similarity of every pair of one category, each way, with intervals."""
    shown = sorted(pairs, key=_size)[-_LONGEST:]
    figure, axes = sheet(8, 0.5 * len(shown) + 1.8)
    for y, pair in enumerate(shown):
        for change, lift, colour in ((pair.a_to_b, 0.15, FIRST), (pair.b_to_a, -0.15, SECOND)):
            if not math.isnan(change.mean):
                interval_bar(axes, y + lift, change.mean, change.ci_low, change.ci_high, colour)
    axes.axvline(0, color="black", linewidth=0.8)
    names = [f"A: {short(p.subgroup_a)}\nB: {short(p.subgroup_b)}" for p in shown]
    axes.set_yticks(range(len(shown)), names, fontsize=8)
    axes.set_ylim(-0.7, len(shown) - 0.3)
    axes.set_xlabel("change of the cosine with the image; > 0: closer once swapped")
    axes.grid(axis="x", linewidth=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    for name, colour in (("A to B", FIRST), ("B to A", SECOND)):
        axes.plot([], [], "o-", color=colour, label=name)
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), fontsize=8)
    of = "" if len(shown) == len(pairs) else f", {len(shown)} of {len(pairs)} pairs"
    axes.set_title(f"{short(pairs[0].category)}: identity swapped in captions{of}", fontsize=10)
    finish(figure, path)


def _size(pair: SwapPair) -> float:
    return -1.0 if math.isnan(pair.asymmetry) else abs(pair.asymmetry)
