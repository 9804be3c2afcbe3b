"""A picture of what a network has learnt: its features in two dimensions, coloured by attribute.

Figure 2 of "Leveraging vision-language models for fair facial attribute classification": does the
representation tell the sensitive attribute apart, and does it where a model saw it wrong?
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from unskew.errors import InputError

# Okabe and Ito's colours, told apart by colour-blind people; markers tell them apart in grey.
_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000")
_MARKERS = "o^sDvPX*"
_LEAST, _MOST = 5, 2_000
"""Points: below the first t-SNE says nothing, above the second a picture only grows slower."""


def tsne(features: Any, seed: int = 0) -> NDArray[np.float64]:
    """t-SNE of features (n, d): (n, 2), by scikit-learn, from principal components.

    The perplexity is 30, or a third of n - 1 where that is less.

    Raises:
        InputError: fewer than 5 rows, or features that are not finite.
    """
    from sklearn.manifold import TSNE

    vectors = np.asarray(features, dtype=np.float64)
    if vectors.ndim != 2 or len(vectors) < _LEAST:
        raise InputError(
            f"t-SNE needs at least {_LEAST} rows of features, got an array of shape {vectors.shape}"
        )
    if not np.isfinite(vectors).all():
        raise InputError("the features are not finite: did the training diverge?")
    # One dimension has no two principal components.
    init = "pca" if vectors.shape[1] > 1 else "random"
    perplexity = min(30.0, (len(vectors) - 1) / 3)
    return TSNE(perplexity=perplexity, init=init, random_state=seed).fit_transform(vectors)


def draw_representation(
    features: Any,
    predicted: Any,
    true: Any,
    predicted_names: Sequence[str],
    true_names: Sequence[str],
    path: Path | BinaryIO,
    *,
    title: str = "",
    seed: int = 0,
) -> NDArray[np.int64]:
    """Save two panels as PNG: the same points, coloured by predicted and by true attribute.

    Args:
        features: (n, d) of n images, such as those of one class, as in the paper.
        predicted, true: (n,) places in `predicted_names` and `true_names`; at most 8 of each. A
            value has one colour in both panels if it has one name in both.
        path: of the picture, or an open file.
        title: above the panels.
        seed: of t-SNE and, with more than 2,000 images, of which are drawn.

    Returns:
        The rows (at most 2,000) that are drawn.

    Raises:
        InputError: as `tsne`, labels that do not fit, or more than 8 values.
    """
    labels = [np.asarray(predicted), np.asarray(true)]
    names = [tuple(predicted_names), tuple(true_names)]
    everything = tuple(dict.fromkeys((*names[1], *names[0])))
    if len(everything) > len(_COLOURS):
        raise InputError(f"{len(everything)} attribute values are more than the 8 colours")
    for label, known in zip(labels, names, strict=True):
        if len(label) != len(features):
            raise InputError(f"there are {len(features)} features but {len(label)} attributes")
        if len(label) and not 0 <= label.min() <= label.max() < len(known):
            raise InputError(f"an attribute has no name; there are {len(known)} names")
    rows = np.arange(len(features))
    if len(rows) > _MOST:
        rows = np.sort(np.random.default_rng(seed).choice(rows, _MOST, replace=False))
    points = tsne(np.asarray(features)[rows], seed)
    with matplotlib.rc_context({"text.parse_math": False, "text.usetex": False}):
        figure = Figure(figsize=(10, 4.8), layout="constrained")
        FigureCanvasAgg(figure)
        panels = figure.subplots(1, 2)
        for axes, label, known, what in zip(
            panels, labels, names, ("predicted attribute", "true attribute"), strict=True
        ):
            _panel(axes, points, label[rows], known, everything)
            axes.set_title(what, fontsize=10)
        if title:
            figure.suptitle(title, fontsize=11)
        figure.savefig(path, dpi=110, metadata={"Software": "unskew"})
    return rows


def _panel(
    axes: Axes,
    points: NDArray[np.float64],
    labels: NDArray[np.int64],
    names: Sequence[str],
    everything: Sequence[str],
) -> None:
    for value, name in enumerate(names):
        look, of = everything.index(name), labels == value
        axes.scatter(
            points[of, 0],
            points[of, 1],
            s=12,
            alpha=0.7,
            linewidths=0,
            color=_COLOURS[look],
            marker=_MARKERS[look],
            label=f"{name} ({of.sum()})",
        )
    axes.set_xticks([])
    axes.set_yticks([])
    axes.legend(fontsize=8, markerscale=1.8)
