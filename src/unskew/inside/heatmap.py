"""The picture of a CKA matrix, as the papers draw it: the first layer at the bottom left."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from unskew.inside.result import LayerCka

_COLOURS = "cividis"
"""Read alike by people with and without colour blindness, and in grey."""
_UNDEFINED = "#d9d9d9"
_NAMED = 40
"""Layers up to which every one is named on the axis."""
_LABEL = 48


@matplotlib.rc_context({"text.parse_math": False, "text.usetex": False})
def draw(cka: LayerCka, path: Path) -> None:
    """Write a PNG. Layers whose CKA is undefined are grey; the scale is 0 to 1."""
    rows, columns = cka.matrix.shape
    side = 0.12 * np.clip([columns, rows], 30, 150) + 2
    figure = Figure(figsize=(side[0] + 1.2, side[1]))
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    colours = matplotlib.colormaps[_COLOURS].with_extremes(bad=_UNDEFINED)
    image = axes.imshow(
        np.ma.masked_invalid(cka.matrix),
        origin="lower",
        cmap=colours,
        vmin=0,
        vmax=1,
        aspect="auto",
        interpolation="nearest",
    )
    at, names = _ticks(cka.layers_b)
    axes.set_xticks(at, names, rotation=90, fontsize=6)
    at, names = _ticks(cka.layers_a)
    axes.set_yticks(at, names, fontsize=6)
    axes.set_xlabel(f"layers of {_short(cka.model_b)}")
    axes.set_ylabel(f"layers of {_short(cka.model_a)}")
    axes.spines[:].set_visible(False)
    axes.set_title(f"{cka.kernel} CKA, {cka.n_examples} examples", fontsize=10)
    figure.colorbar(image, ax=axes, fraction=0.046, pad=0.03).set_label("CKA")
    figure.savefig(
        path, dpi=110, bbox_inches="tight", metadata={"Software": "unskew"}, format="png"
    )


def _ticks(names: Sequence[str]) -> tuple[list[int], list[str]]:
    step = -(-len(names) // _NAMED)
    at = list(range(0, len(names), step))
    return at, [_short(names[i]) for i in at]


def _short(name: str) -> str:
    name = " ".join(name.split())
    return name if len(name) <= _LABEL else "…" + name[-_LABEL + 1 :]
