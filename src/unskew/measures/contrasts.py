"""Many two-sample comparisons of equal size at once: the shared arithmetic of every WEAT result."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from unskew.measures.embeddings import Floats

# Cosines carry rounding errors of about 1e-16; associations that differ by less than this are
# equal, and their standard deviation is zero.
NOISE = 1e-12


@dataclass(frozen=True)
class Contrasts:
    """K comparisons, the k-th of row i[k] of `left` (L, n) with row j[k] of `right` (R, m).

    Rows are samples of associations. Written this way, subgroups that take part in many pairs
    are stored and multiplied once.
    """

    left: Floats
    right: Floats
    i: NDArray[np.intp]
    j: NDArray[np.intp]

    @property
    def n(self) -> int:
        return self.left.shape[1]

    @property
    def m(self) -> int:
        return self.right.shape[1]

    @cached_property
    def difference(self) -> Floats:
        """mean of the left sample - mean of the right sample, (K,)."""
        return self.left.mean(axis=1)[self.i] - self.right.mean(axis=1)[self.j]

    @cached_property
    def within(self) -> Floats:
        """Sum of squares around the two samples' own means, (K,)."""
        return _squares(self.left)[self.i] + _squares(self.right)[self.j]

    @cached_property
    def total(self) -> Floats:
        """Sum of squares around the common mean of both samples, (K,)."""
        return self.within + self.n * self.m / (self.n + self.m) * self.difference**2

    @property
    def defined(self) -> NDArray[np.bool_]:
        """False where all associations are equal, so that there is no unit to measure d in."""
        return self.total > (self.n + self.m) * NOISE**2

    @property
    def spread(self) -> NDArray[np.bool_]:
        """False where each sample is constant, so that nothing can be said about its error."""
        return self.within > (self.n + self.m) * NOISE**2

    def effect_size(self, ddof: int) -> Floats:
        """Difference of means over the standard deviation of all n + m values; NaN if undefined."""
        std = np.sqrt(self.total / (self.n + self.m - ddof))
        return divide(self.difference, std, self.defined)

    def t_statistic(self) -> Floats:
        """Student's t of the pooled two-sample test, (K,); NaN without spread."""
        n, m = self.n, self.m
        error = np.sqrt(self.within / (n + m - 2) * (1 / n + 1 / m))
        return divide(self.difference, error, self.spread)


def divide(numerator: Floats, denominator: Floats, where: NDArray[np.bool_]) -> Floats:
    """numerator / denominator, NaN where `where` is False."""
    return np.divide(numerator, denominator, out=np.full_like(numerator, np.nan), where=where)


def _squares(samples: Floats) -> Floats:
    return ((samples - samples.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
