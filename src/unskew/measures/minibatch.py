"""Minibatch CKA between many representations of the same examples, in constant memory.

For every batch of n examples, and representations X, Y with Gram matrices K, L (Nguyen, Raghu and
Kornblith 2021, "Do Wide and Deep Networks Learn the Same Things?", arXiv 2010.15327, section 3):

    HSIC_1(K, L) = <U(K), U(L)> / (n (n - 3))
    CKA = mean_b HSIC_1(K_b, L_b) / sqrt(mean_b HSIC_1(K_b, K_b) * mean_b HSIC_1(L_b, L_b))

U is the U-centring of Szekely and Rizzo (2014), under which the inner product is the unbiased
estimator of HSIC by Song et al. (2012). The division by n (n - 3) is kept, so that batches of
unequal size each count as one estimate of the same HSIC. HSICs are averaged, never ratios.

What keeps it exact in single precision: U-centring does not see K_ij + a_i + a_j, so subtracting
any vector from all rows of X is free in exact arithmetic. Rows lose their mean before any product
is taken.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats
from torch import Tensor

from unskew.errors import InputError

Floats = NDArray[np.float64]
Kernel = Literal["linear", "rbf"]
Estimator = Literal["unbiased", "biased"]

LEAST = 4
"""Examples that the unbiased estimator needs."""
_COLUMNS = 2048
"""Features centred at a time: the copy of a batch of 128 stays within a processor's cache."""
_IN_RANGE = (1e-20, 1e20)
"""Squared lengths of rows whose products neither overflow nor vanish in single precision."""
_ROUNDING = 8
"""Spread of a constant feature, in units of the last place of its largest value."""


@dataclass(frozen=True)
class MinibatchResult:
    """CKA of L1 by L2 representations."""

    matrix: Floats
    """(L1, L2), NaN in the rows and columns of what `reasons_a` and `reasons_b` name."""
    standard_error: Floats
    """(L1, L2), over batches, by the delta method; NaN for fewer than two batches."""
    reasons_a: dict[int, str]
    """Why the CKA of a row is undefined."""
    reasons_b: dict[int, str]
    n_batches: int
    n_examples: int

    def interval(self, confidence: float = 0.95) -> tuple[Floats, Floats]:
        """Lower and upper ends (L1, L2): Student t over batches, as if these were independent."""
        if self.n_batches < 2:
            return self.standard_error, self.standard_error
        half = stats.t.ppf((1 + confidence) / 2, self.n_batches - 1) * self.standard_error
        return self.matrix - half, self.matrix + half


@dataclass
class MinibatchCKA:
    """Takes batches; keeps L1 x L2 sums in float64 and nothing of the batches themselves.

    `gram` turns the features of one representation into what `add` takes for a whole batch;
    `update` does both. With `kernel="rbf"` the bandwidth of a representation is the median
    distance in the first batch where it varies, so that all batches share one kernel.
    """

    kernel: Kernel = "linear"
    estimator: Estimator = "unbiased"
    n_batches: int = 0
    n_examples: int = 0
    _scales: dict[Hashable, float] = field(default_factory=dict)
    _bandwidths: dict[Hashable, float] = field(default_factory=dict)
    _sums: dict[str, Floats] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_choices(self.kernel, self.estimator)

    def update(self, features_a: Sequence[Tensor], features_b: Sequence[Tensor] = ()) -> None:
        """One batch: tensors (n, ...), flattened; without `features_b`, all pairs among a."""
        self.add(
            [self.gram(("a", i), x) for i, x in enumerate(features_a)],
            [self.gram(("b", i), x) for i, x in enumerate(features_b)],
        )

    def gram(self, key: Hashable, features: Tensor) -> Tensor:
        """Centred Gram matrix (n, n) on the features' device; `key` names the representation.

        Double precision for double features and the RBF kernel, single precision for all others.
        """
        rows = features.flatten(1)
        n = len(rows)
        if n < LEAST:
            raise InputError(f"a batch holds {n} examples; CKA needs at least {LEAST} in each")
        double = rows.dtype == torch.float64 or self.kernel == "rbf"  # distances cancel
        precision = _widest(rows.device) if double else torch.float32
        known = self._scales.get(key)
        with full_precision(rows.device):
            gram = _linear_gram(rows, known or 1.0, precision)
            if known is None:
                scale = _scale(rows, gram)
                if scale == 0:
                    return torch.zeros_like(gram)
                if scale != 1:
                    gram = _linear_gram(rows, scale, precision)
                self._scales[key] = scale
        if self.kernel == "rbf":
            gram = self._rbf(key, gram)
        return u_centred_(gram) if self.estimator == "unbiased" else double_centred_(gram)

    def add(self, grams_a: Sequence[Tensor], grams_b: Sequence[Tensor] = ()) -> None:
        """One batch of centred Gram matrices (n, n), always in the same order."""
        n = len(grams_a[0])
        factor = 1 / (n * (n - 3)) if self.estimator == "unbiased" else 1 / (n - 1) ** 2
        cross = factor * _inner(grams_a, grams_b or grams_a)
        if grams_b:
            own_a, own_b = (factor * _own(grams) for grams in (grams_a, grams_b))
        else:
            own_a = own_b = cross.diagonal().copy()
        self.n_batches += 1
        self.n_examples += n
        a, b = own_a[:, None], own_b[None, :]
        terms = {
            "cross": cross, "a": a, "b": b,
            "cross cross": cross**2, "a a": a**2, "b b": b**2,
            "cross a": cross * a, "cross b": cross * b, "a b": a * b,
        }  # fmt: skip
        for name, value in terms.items():
            self._sums[name] = self._sums[name] + value if name in self._sums else value

    def result(self) -> MinibatchResult:
        """What the batches so far give. Raises InputError when there were none."""
        if not self.n_batches:
            raise InputError(f"there was no batch of at least {LEAST} examples to compute CKA from")
        mean = {name: total / self.n_batches for name, total in self._sums.items()}
        why_a, why_b = (_undefined(mean[side].ravel()) for side in "ab")
        a, b = (np.where(mean[side] > 0, mean[side], np.nan) for side in "ab")
        length = np.sqrt(a) * np.sqrt(b)
        cka = mean["cross"] / length
        # theta moves by N_b / sqrt(A B) - theta / 2 (A_b / A + B_b / B) with batch b.
        squares = (
            mean["cross cross"] / length**2
            + cka**2 / 4 * (mean["a a"] / a**2 + mean["b b"] / b**2 + 2 * mean["a b"] / (a * b))
            - cka / length * (mean["cross a"] / a + mean["cross b"] / b)
        )
        spare = self.n_batches - 1
        error = np.sqrt(np.maximum(squares, 0) / spare) if spare else np.full_like(cka, np.nan)
        return MinibatchResult(cka, error, why_a, why_b, self.n_batches, self.n_examples)

    def _rbf(self, key: Hashable, gram: Tensor) -> Tensor:
        squared = distances(gram)
        if key not in self._bandwidths:
            self._bandwidths[key] = median_off_diagonal(squared)
        width = self._bandwidths[key]
        return torch.exp(squared / (-2 * width)) if width else torch.zeros_like(squared)


def check_choices(kernel: str, estimator: str) -> None:
    """Raise InputError for a kernel or estimator there is not."""
    if kernel not in ("linear", "rbf"):
        raise InputError(f"kernel is {kernel!r}; use linear or rbf")
    if estimator not in ("unbiased", "biased"):
        raise InputError(f"estimator is {estimator!r}; use unbiased or biased")


@contextmanager
def full_precision(device: torch.device) -> Iterator[None]:
    """No autocast, no TF32: a Gram matrix in fewer digits would be useless here."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        with torch.autocast(device.type, enabled=False):
            yield
    finally:
        torch.set_float32_matmul_precision(before)


def distances(gram: Tensor) -> Tensor:
    """Squared distances (n, n) of the rows whose products `gram` holds."""
    squares = gram.diagonal()
    return (squares[:, None] + squares[None, :] - 2 * gram).clamp_(min=0).fill_diagonal_(0)


def median_off_diagonal(squared: Tensor) -> float:
    """The median squared distance between two different examples."""
    n = len(squared)
    above = squared[torch.triu(torch.ones(n, n, dtype=torch.bool, device=squared.device), 1)]
    return above.median().item()


def u_centred_(gram: Tensor) -> Tensor:
    """U-centring in place: zero diagonal, and rows that sum to zero without it."""
    n = len(gram)
    gram.fill_diagonal_(0)
    means = gram.sum(dim=1) / (n - 2)
    means -= means.sum() / (2 * (n - 1))
    gram -= means[:, None]
    gram -= means[None, :]
    return gram.fill_diagonal_(0)


def double_centred_(gram: Tensor) -> Tensor:
    """H K H in place, of the biased estimator."""
    gram -= gram.mean(dim=0)
    gram -= gram.mean(dim=1, keepdim=True)
    return gram


def _scale(rows: Tensor, gram: Tensor) -> float:
    """What to divide features by: 0 for constant ones, 1 where their products are in range."""
    largest = gram.diagonal().max().item()
    noise = (_ROUNDING * torch.finfo(rows.dtype).eps) ** 2 * _square(rows[0])
    if noise < largest and _IN_RANGE[0] < largest < _IN_RANGE[1]:
        return 1.0
    spread = 0.0
    for columns in rows.split(_COLUMNS, dim=1):
        wide = columns.to(gram.dtype)
        apart = (wide - wide[0]).abs().amax(dim=0)
        apart[apart <= _ROUNDING * torch.finfo(rows.dtype).eps * wide[0].abs()] = 0
        spread = max(spread, apart.nan_to_num(nan=1.0).max().item())
    return spread if math.isfinite(spread) else 1.0


def _square(row: Tensor) -> float:
    return (row.to(_widest(row.device)) ** 2).sum().item()


def _linear_gram(rows: Tensor, scale: float, precision: torch.dtype) -> Tensor:
    """Products (n, n) of centred rows, over a scale.

    Symmetric, so the upper right quarter is not computed but copied. The mean may be off by its
    rounding: that moves all rows alike, which no estimator sees.
    """
    n = len(rows)
    half = n // 2
    gram = torch.zeros((n, n), dtype=precision, device=rows.device)
    for columns in rows.split(_COLUMNS, dim=1):
        wide = columns.to(precision)
        centred = wide - wide.mean(dim=0)
        if scale != 1:
            centred *= 1 / scale
        gram[:half, :half].addmm_(centred[:half], centred[:half].T)
        gram[half:].addmm_(centred[half:], centred.T)
    gram[:half, half:] = gram[half:, :half].T
    return gram


def _inner(grams_a: Sequence[Tensor], grams_b: Sequence[Tensor]) -> Floats:
    """<K_i, L_j> (L1, L2) in double precision where the device has it."""
    n = len(grams_a[0])
    wide = _widest(grams_a[0].device)
    step = max(1, _COLUMNS // n)
    total = np.zeros((len(grams_a), len(grams_b)))
    for start in range(0, n, step):
        a = _stacked(grams_a, start, step, wide)
        b = a if grams_b is grams_a else _stacked(grams_b, start, step, wide)
        total += (a @ b.T).cpu().double().numpy()
    return total


def _stacked(grams: Sequence[Tensor], start: int, step: int, wide: torch.dtype) -> Tensor:
    return torch.stack([gram[start : start + step] for gram in grams]).flatten(1).to(wide)


def _own(grams: Sequence[Tensor]) -> Floats:
    """<K_i, K_i> (L,)."""
    wide = _widest(grams[0].device)
    return torch.stack([(g.to(wide) ** 2).sum() for g in grams]).cpu().double().numpy()


def _widest(device: torch.device) -> torch.dtype:
    return torch.float32 if device.type == "mps" else torch.float64


def _undefined(own: Floats) -> dict[int, str]:
    reasons = {}
    for i, value in enumerate(own):
        if np.isnan(value):
            reasons[i] = "its output holds NaN or infinity"
        elif value == 0:
            reasons[i] = "its output is the same for every example"
        elif value < 0:
            reasons[i] = "its unbiased HSIC with itself is negative: give more examples"
    return reasons
