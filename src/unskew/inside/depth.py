"""Two numbers for what people read off a CKA heatmap by eye.

Bangaru, Baru and Chakravarthula 2022 ("Interpreting Bias in the Neural Networks: A Peek Into
Representational Similarity") look for progressive dissimilarity with depth in a network that
generalises, and for block structure in one that has more depth than its data need. The latter is
from Nguyen, Raghu and Kornblith 2021 (arXiv 2010.15327): a large contiguous range of layers whose
representations are all highly similar. Neither paper defines a number; these are ours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from unskew.errors import InputError

Floats = NDArray[np.float64]

ALIKE = 0.9
"""CKA from which two layers count as alike."""
SHARE = 0.9
"""Share of the pairs of a block that must be alike: a residual network's inner layers may stand
out within a block."""


@dataclass(frozen=True)
class BlockStructure:
    """The largest contiguous range of layers that represent the examples alike."""

    share: float
    """Layers in the block, over all layers, in [0, 1]; NaN with a `reason`. A model without any
    block has 0."""
    first: int | None
    """Index of the block's first and last layer, in the matrix given."""
    last: int | None
    reason: str | None = None


def progressive_dissimilarity(matrix: Floats, same_model: bool = True) -> float:
    """How steadily layers grow dissimilar with their distance in depth, in [-1, 1].

    For each layer (row), Spearman's rank correlation between 1 - CKA and the distance in depth
    to the other layers; the mean over rows. 1: for every layer, the farther the less similar.
    0: distance says nothing, or all layers are alike. Being of ranks, it does not say by how
    much similarity falls.

    Args:
        matrix: CKA (L1, L2), layers in the order in which they run; NaN entries are left out.
        same_model: whether rows and columns are the same layers, in which case the diagonal is
            left out. Otherwise depth is relative: from 0 for the first layer to 1 for the last.

    Returns NaN where no row has three entries.
    """
    matrix = _checked(matrix)
    rows, columns = matrix.shape
    depth_a, depth_b = (np.linspace(0, 1, n) for n in (rows, columns))
    found = []
    for i, row in enumerate(matrix):
        use = ~np.isnan(row)
        if same_model:
            use[i] = False
        if use.sum() < 3:
            continue
        # Rounded, since what ties may differ in the last digits.
        distance = np.round(np.abs(depth_b - depth_a[i]), 9)[use]
        unlike = np.round(1 - row[use], 9)
        flat = np.ptp(unlike) == 0 or np.ptp(distance) == 0
        found.append(0.0 if flat else stats.spearmanr(distance, unlike).statistic)
    return float(np.mean(found)) if found else float("nan")


def block_structure(matrix: Floats) -> BlockStructure:
    """The share of layers in the largest block: 9 of 10 pairs in it have a CKA of 0.9 or more.

    A block has at least three layers, and a NaN is not alike anything. Progressive networks have
    small ones, of neighbours; a network whose layers are all alike is one block, 1.

    Args:
        matrix: CKA (L, L) of one model with itself, layers in the order in which they run.
    """
    matrix = _checked(matrix)
    if matrix.shape[0] != matrix.shape[1]:
        raise InputError(
            f"a block lies along the diagonal of a square matrix, and this one is {matrix.shape}"
        )
    layers = len(matrix)
    alike = np.nan_to_num(matrix, nan=-1.0) >= ALIKE
    np.fill_diagonal(alike, False)
    # counts[j, i]: ordered pairs alike among the first j rows and i columns
    counts = np.pad(alike.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    for size in range(layers, 2, -1):
        first = np.arange(layers - size + 1)
        last = first + size
        inside = (
            counts[last, last] - counts[first, last] - counts[last, first] + counts[first, first]
        )
        enough = np.flatnonzero(inside >= SHARE * size * (size - 1))
        if len(enough):
            best = int(enough[np.argmax(inside[enough])])
            return BlockStructure(size / layers, best, best + size - 1)
    return BlockStructure(0.0, None, None)


def _checked(matrix: Floats) -> Floats:
    matrix = np.asarray(matrix, dtype=np.float64)
    if matrix.ndim != 2 or not matrix.size:
        raise InputError(f"a CKA matrix has shape {matrix.shape}; give (layers, layers)")
    return matrix
