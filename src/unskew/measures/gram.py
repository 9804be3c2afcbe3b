"""Gram matrices of batches of features in few passes, and HSIC's formula over two of them.

What keeps single precision exact: HSIC does not see K_ij + a_i + a_j, so subtracting any vector
from all rows of X is free in exact arithmetic. Rows lose their mean before any product is taken.
Without it, rounding is that of the mean's square, hundreds of times more even behind a plain ReLU.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unskew.errors import InputError

Floats = NDArray[np.float64]
Kernel = Literal["linear", "rbf"]
Estimator = Literal["unbiased", "biased"]

LEAST = 4
"""Examples that the unbiased estimator needs."""
_IN_CACHE = 2**18
"""Numbers centred at a time: the copy stays within a processor's cache."""
_AT_ONCE = 2**24
"""The same on an accelerator, where many small products would be slow."""
_STRIP = 32
"""Columns of a Gram matrix, per thread, below which products are slow."""
_WIDE = 2048
"""Features from which it pays to skip much of the Gram matrix."""
_FOR_MEAN = 32
"""Rows, at least, that the mean is taken over."""
_IN_RANGE = (1e-20, 1e20)
"""Squared lengths of rows whose products neither overflow nor vanish in single precision."""
_ROUNDING = 8
"""Spread of a constant feature, in units of the last place of its largest value."""


def check_choices(kernel: str, estimator: str) -> None:
    """Raise InputError for a kernel or estimator there is not."""
    if kernel not in ("linear", "rbf"):
        raise InputError(f"kernel is {kernel!r}; use linear or rbf")
    if estimator not in ("unbiased", "biased"):
        raise InputError(f"estimator is {estimator!r}; use unbiased or biased")


def hsic(
    products: Floats, sum_k: Floats, sum_l: Floats, rows: Floats, n: int, estimator: Estimator
) -> Floats:
    """HSIC from sum KL, sum K, sum L and sum_i k_i l_i, each of any shape.

    k and l are row sums; for the unbiased estimator, diagonals are zero.
    """
    if estimator == "unbiased":
        value = products + sum_k * sum_l / ((n - 1) * (n - 2)) - 2 / (n - 2) * rows
        return value / (n * (n - 3))
    return (products + sum_k * sum_l / n**2 - 2 / n * rows) / (n - 1) ** 2


@contextmanager
def full_precision(device: torch.device) -> Iterator[None]:
    """No autocast, no TF32: a Gram matrix in fewer digits would be useless here."""
    before = torch.get_float32_matmul_precision()
    if before == "highest" and not torch.is_autocast_enabled(device.type):
        yield
        return
    torch.set_float32_matmul_precision("highest")
    try:
        with torch.autocast(device.type, enabled=False):
            yield
    finally:
        torch.set_float32_matmul_precision(before)


def feature_rows(features: Tensor) -> Tensor:
    """One row of features per example (n, d), in the order in which they lie in memory.

    The order means nothing to a Gram matrix, and channels that come last are not copied.
    """
    if not features.is_contiguous():
        strides = features.stride()
        lying = sorted(range(1, features.ndim), key=lambda axis: -strides[axis])
        features = features.permute(0, *lying)
    return features.flatten(1)


def linear_gram(rows: Tensor, scale: float, precision: torch.dtype) -> Tensor:
    """Products (n, n) of rows (n, d) less about their mean, over a scale.

    The mean is that of some rows, evenly spaced, since any one vector may be subtracted.
    """
    n, d = rows.shape
    on_cpu = rows.device.type == "cpu"
    gram = torch.zeros((n, n), dtype=precision, device=rows.device)
    at_once = min(d, max(1, (_IN_CACHE if on_cpu else _AT_ONCE) // n))
    # One buffer for all pieces: fresh memory costs more than the subtraction, and views of it
    # are made once.
    centred = torch.empty((n, at_once), dtype=precision, device=rows.device)
    strips = _strips(gram, centred, d)
    sample = rows[:: max(1, n // _FOR_MEAN)]
    weights = torch.full((len(sample),), 1 / len(sample), dtype=precision, device=rows.device)
    pieces = zip(rows.split(at_once, dim=1), sample.split(at_once, dim=1), strict=True)
    for piece, some in pieces:
        if piece.shape[1] < at_once:
            centred = centred[:, : piece.shape[1]]
            strips = _strips(gram, centred, d)
        torch.sub(piece, some.to(precision).T.mv(weights), out=centred)
        if scale != 1:
            centred.mul_(1 / scale)
        for strip, left, right in strips:
            strip.addmm_(left, right)
    return _mirrored(gram, strips)


def _strips(gram: Tensor, rows: Tensor, d: int) -> list[tuple[Tensor, Tensor, Tensor]]:
    """Views: columns of the Gram matrix, down to the diagonal, and what they are products of.

    It is symmetric, so that the rest of it is mirrored.
    """
    n = len(gram)
    narrow = rows.device.type == "cpu" and d >= _WIDE
    width = max(_STRIP * torch.get_num_threads(), -(-n // 4)) if narrow else n
    ends = ((start, min(start + width, n)) for start in range(0, n, width))
    return [(gram[:stop, start:stop], rows[:stop], rows[start:stop].T) for start, stop in ends]


def _mirrored(gram: Tensor, strips: list[tuple[Tensor, Tensor, Tensor]]) -> Tensor:
    for strip, _, _ in strips[1:]:
        stop, width = strip.shape
        gram[stop - width : stop, : stop - width] = strip[: stop - width].T
    return gram


def scale_of(rows: Tensor, gram: Tensor) -> float:
    """What to divide features by: 0 for constant ones, 1 where their products are in range."""
    largest = gram.diagonal().max().item()
    unit = torch.finfo(rows.dtype).eps
    first = rows[0].to(gram.dtype)
    # The mean of a constant, and hence what is left of it, may be off by many roundings.
    noise = (_FOR_MEAN * unit) ** 2 * first.dot(first).item()
    if noise < largest and _IN_RANGE[0] < largest < _IN_RANGE[1]:
        return 1.0
    spread = 0.0
    for columns in rows.split(max(1, _AT_ONCE // len(rows)), dim=1):
        wide = columns.to(gram.dtype)
        apart = (wide - wide[0]).abs().amax(dim=0)
        apart[apart <= _ROUNDING * unit * wide[0].abs()] = 0
        spread = max(spread, apart.nan_to_num(nan=1.0).max().item())
    return spread if math.isfinite(spread) else 1.0


def distances(gram: Tensor) -> Tensor:
    """Squared distances (n, n) of the rows whose products `gram` holds."""
    squares = gram.diagonal()
    return (squares[:, None] + squares[None, :] - 2 * gram).clamp_(min=0).fill_diagonal_(0)


def median_off_diagonal(squared: Tensor) -> float:
    """The median squared distance between two different examples."""
    n = len(squared)
    above = squared[torch.triu(torch.ones(n, n, dtype=torch.bool, device=squared.device), 1)]
    return above.median().item()


def widest(device: torch.device) -> torch.dtype:
    """The widest precision that a device computes in."""
    return torch.float32 if device.type == "mps" else torch.float64
