"""Minibatch CKA between many representations of the same examples, in constant memory.

For every batch of n examples, and representations X, Y with Gram matrices K, L (Nguyen, Raghu and
Kornblith 2021, "Do Wide and Deep Networks Learn the Same Things?", arXiv 2010.15327, section 3):

    CKA = mean_b HSIC_1(K_b, L_b) / sqrt(mean_b HSIC_1(K_b, K_b) * mean_b HSIC_1(L_b, L_b))

HSIC_1 is the unbiased estimator of HSIC by Song et al. (2012), with its division by n (n - 3), so
that batches of unequal size each count as one estimate of the same HSIC. HSICs are averaged, never
ratios. Gram matrices are in single precision, of centred features; all sums over them in double.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from scipy import stats
from torch import Tensor

from unskew.errors import InputError
from unskew.measures.gram import (
    LEAST,
    Estimator,
    Floats,
    Kernel,
    check_choices,
    distances,
    feature_rows,
    full_precision,
    hsic,
    linear_gram,
    median_off_diagonal,
    scale_of,
    widest,
)

_STACKED = 2048
"""Entries of each Gram matrix summed over at a time."""


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
        """Gram matrix (n, n) on the features' device; `key` names the representation.

        Double precision for double features and the RBF kernel, single precision for all others.
        """
        if features.ndim < 2 or not features.is_floating_point():
            raise InputError(
                f"features are {features.dtype} of shape {tuple(features.shape)}; give a row of "
                "real numbers per example"
            )
        rows = feature_rows(features.detach())
        n = len(rows)
        if n < LEAST:
            raise InputError(f"a batch holds {n} examples; CKA needs at least {LEAST} in each")
        double = rows.dtype == torch.float64 or self.kernel == "rbf"  # distances cancel
        precision = widest(rows.device) if double else torch.float32
        known = self._scales.get(key)
        with full_precision(rows.device):
            gram = linear_gram(rows, known or 1.0, precision)
            if known is None:
                scale = scale_of(rows, gram)
                if scale == 0:
                    return torch.zeros_like(gram)
                if scale != 1:
                    gram = linear_gram(rows, scale, precision)
                self._scales[key] = scale
        return self._rbf(key, gram) if self.kernel == "rbf" else gram

    def add(self, grams_a: Sequence[Tensor], grams_b: Sequence[Tensor] = ()) -> None:
        """One batch of Gram matrices (n, n), always in the same order."""
        sizes = {len(gram) for gram in (*grams_a, *grams_b)}
        if len(sizes) != 1:
            raise InputError(
                f"one batch holds {sorted(sizes)} examples; give each representation the same"
            )
        n = sizes.pop()
        cross, own_a, own_b = _hsics(grams_a, grams_b, self.estimator)
        if self._sums and self._sums["cross"].shape != cross.shape:
            raise InputError(
                f"{cross.shape} representations in this batch and {self._sums['cross'].shape} in "
                "those before; give the same ones in each"
            )
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
        if not self._bandwidths.get(key):
            self._bandwidths[key] = median_off_diagonal(squared)
        width = self._bandwidths[key]
        return torch.exp(squared / (-2 * width)) if width else torch.zeros_like(squared)


def _hsics(
    grams_a: Sequence[Tensor], grams_b: Sequence[Tensor], estimator: Estimator
) -> tuple[Floats, Floats, Floats]:
    """HSIC of all pairs (L1, L2), and of each with itself (L1,), (L2,); b is a where empty."""
    n = len(grams_a[0])
    zeroed = estimator == "unbiased"
    parts = []
    cross = own_a = own_b = torch.zeros(())
    for start in range(0, n, max(1, _STACKED // n)):
        stop = min(start + max(1, _STACKED // n), n)
        a, k = _stacked(grams_a, start, stop, zeroed)
        b, m = _stacked(grams_b, start, stop, zeroed) if grams_b else (a, k)
        cross = cross + a @ b.T
        own_a = own_a + torch.linalg.vecdot(a, a)
        own_b = own_b + torch.linalg.vecdot(b, b) if grams_b else own_a
        parts.append((k, m))
    rows_a, rows_b = (torch.cat(sums, dim=1).cpu().numpy() for sums in zip(*parts, strict=True))
    all_a, all_b = rows_a.sum(1), rows_b.sum(1)
    products, squares_a, squares_b = (t.cpu().numpy() for t in (cross, own_a, own_b))
    return (
        hsic(products, all_a[:, None], all_b[None, :], rows_a @ rows_b.T, n, estimator),
        hsic(squares_a, all_a, all_a, (rows_a * rows_a).sum(1), n, estimator),
        hsic(squares_b, all_b, all_b, (rows_b * rows_b).sum(1), n, estimator),
    )


def _stacked(grams: Sequence[Tensor], start: int, stop: int, zeroed: bool) -> tuple[Tensor, Tensor]:
    """Rows of all Gram matrices (L, rows * n), and their sums (L, rows), in double precision."""
    taken = torch.stack([gram[start:stop] for gram in grams])
    if taken.device.type == "mps":  # has no double precision
        taken = taken.cpu()
    taken = taken.double()
    if zeroed:
        taken.diagonal(offset=start, dim1=1, dim2=2).zero_()
    return taken.flatten(1), taken.sum(2)


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
