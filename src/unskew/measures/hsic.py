"""HSIC of two feature matrices, and of all of their leave-one-out halves, from streamed sums.

With K and L the two Gram matrices, their diagonals zeroed for the unbiased estimator,

    unbiased  [sum KL + sum K sum L / ((n - 1)(n - 2)) - 2/(n - 2) sum_i k_i l_i] / (n (n - 3))
    biased    [sum KL + sum K sum L / n^2               - 2/n       sum_i k_i l_i] / (n - 1)^2

where k and l are row sums (Song et al. 2012; Gretton et al. 2005). All that is needed of an
example are its row sums of K, L and the elementwise products KK, KL, LL, so neither Gram matrix
is ever held. For the linear kernel the row sums of KL are x_i' (X'Y) y_i, which costs n d^2
instead of the n^2 d of going over pairs of examples; the cheaper way is taken.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from unskew.measures.centred import Centred, slices
from unskew.measures.gram import (
    Estimator,
    Floats,
    Kernel,
    full_precision,
    hsic,
    median_off_diagonal,
)

_TILE = 1024
"""Examples, or features, on a side of what is multiplied at a time."""
_CHUNK = 4096
"""Examples summed over at a time in feature space."""
_FOR_BANDWIDTH = 2000
"""Examples that the median distance is taken over, evenly spaced."""


@dataclass(frozen=True)
class Statistics:
    """Sums over both Gram matrices, diagonals zeroed where the estimator wants them so."""

    total: Floats
    """(3,) sums of KK, KL, LL."""
    products: Floats
    """(3, n) their row sums; empty (3, 0) where they were not asked for."""
    kx: Floats
    """(n,) row sums of K."""
    ky: Floats
    dx: Floats
    """(n,) diagonal of K."""
    dy: Floats


class Gram:
    """Tiles of the Gram matrix of centred features, under either kernel."""

    def __init__(self, x: Centred, kernel: Kernel) -> None:
        self.x = x
        self.kernel = kernel
        self.bandwidth = self._median() if kernel == "rbf" else 0.0

    def tile(self, rows: slice, columns: slice) -> Tensor:
        left = self.x.piece(rows)
        right = left if rows == columns else self.x.piece(columns)
        products = left @ right.T
        return self._rbf(products, left, right) if self.kernel == "rbf" else products

    def diagonal(self) -> Floats:
        if self.kernel == "rbf":
            return np.ones(self.x.n)
        squares = [(self.x.piece(rows) ** 2).sum(1, dtype=self.x.wide) for rows in _rows(self.x)]
        return _array(torch.cat(squares))

    def times(self, vectors: Floats) -> Floats:
        """K v for vectors (n, m)."""
        if self.kernel == "linear":
            return self._linear_times(vectors)
        total = np.zeros_like(vectors)
        for rows, columns in _pairs(self.x.n):
            tile = _array(self.tile(rows, columns))
            total[rows] += tile @ vectors[columns]
            if rows != columns:
                total[columns] += tile.T @ vectors[rows]
        return total

    def _linear_times(self, vectors: Floats) -> Floats:
        wide = self.x.wide
        given = torch.from_numpy(vectors).to(self.x.device, wide)
        inner = torch.zeros((self.x.d, given.shape[1]), dtype=wide, device=self.x.device)
        for rows in _rows(self.x):
            inner += self.x.piece(rows).to(wide).T @ given[rows]
        return _array(torch.cat([self.x.piece(rows).to(wide) @ inner for rows in _rows(self.x)]))

    def _rbf(self, products: Tensor, left: Tensor, right: Tensor) -> Tensor:
        squared = (left**2).sum(1)[:, None] + (right**2).sum(1)[None, :] - 2 * products
        return torch.exp(squared.clamp_(min=0) / (-2 * self.bandwidth))

    def _median(self) -> float:
        spaced = slice(None, None, -(-self.x.n // _FOR_BANDWIDTH))
        rows = self.x.piece(spaced)
        return median_off_diagonal(torch.cdist(rows, rows)) ** 2


def statistics(x: Gram, y: Gram, estimator: Estimator, each: bool) -> Statistics:
    """What HSIC needs and, for `each` example, its leave-one-out values.

    X and Y have as many rows.
    """
    with full_precision(x.x.device):
        dx, dy = x.diagonal(), y.diagonal()
        zeroed = estimator == "unbiased"
        if in_feature_space(x, y):
            total, products = _feature_products(x.x, y.x, each)
            ones = np.ones((x.x.n, 1))
            kx, ky = x.times(ones)[:, 0], y.times(ones)[:, 0]
            if zeroed:
                squares = np.stack([dx * dx, dx * dy, dy * dy])
                total = total - squares.sum(axis=1)
                products = products - squares if each else products
                kx, ky = kx - dx, ky - dy
        else:
            products, kx, ky = _sample_products(x, y, zeroed)
            total = products.sum(axis=1)
    if zeroed:
        dx, dy = np.zeros_like(dx), np.zeros_like(dy)
    return Statistics(total, products, kx, ky, dx, dy)


def in_feature_space(x: Gram, y: Gram) -> bool:
    """Whether products of features cost less than products of examples."""
    a, b, n = x.x.d, y.x.d, x.x.n
    return x.kernel == "linear" and 2 * (a * a + a * b + b * b) < n * (a + b)


def whole(s: Statistics, n: int, estimator: Estimator) -> Floats:
    """HSIC of X with X, X with Y, Y with Y: (3,)."""
    pairs = zip(s.total, ((s.kx, s.kx), (s.kx, s.ky), (s.ky, s.ky)), strict=True)
    return np.array([hsic(t, k.sum(), m.sum(), k @ m, n, estimator) for t, (k, m) in pairs])


def left_out(x: Gram, y: Gram, s: Statistics, estimator: Estimator) -> Floats:
    """The same without each example in turn: (3, n), exactly.

    Deleting i from sum_j k_j l_j takes K l and L k at i, which is all that is computed anew.
    """
    sums = np.column_stack([s.kx, s.ky])
    with full_precision(x.x.device):
        kx, ky = x.times(sums), y.times(sums)
        if estimator == "unbiased":
            kx -= x.diagonal()[:, None] * sums
            ky -= y.diagonal()[:, None] * sums

    def without(
        i: int, k: Floats, m: Floats, km: Floats, mk: Floats, d: Floats, e: Floats
    ) -> Floats:
        """One pair of Gram matrices: their row sums, products with these, and diagonals."""
        p, both = s.products[i], d * e
        rows = k @ m - k * m - (km - d * m) - (mk - e * k) + (p - both)
        total = s.total[i] - 2 * p + both
        left_k, left_m = k.sum() - 2 * k + d, m.sum() - 2 * m + e
        return hsic(total, left_k, left_m, rows, x.x.n - 1, estimator)

    return np.stack(
        [
            without(0, s.kx, s.kx, kx[:, 0], kx[:, 0], s.dx, s.dx),
            without(1, s.kx, s.ky, kx[:, 1], ky[:, 0], s.dx, s.dy),
            without(2, s.ky, s.ky, ky[:, 1], ky[:, 1], s.dy, s.dy),
        ]
    )


def _feature_products(x: Centred, y: Centred, each: bool) -> tuple[Floats, Floats]:
    found = [_block_products(a, b, each) for a, b in ((x, x), (x, y), (y, y))]
    return np.array([total for total, _ in found]), np.stack([rows for _, rows in found])


def _block_products(x: Centred, y: Centred, each: bool) -> tuple[float, Floats]:
    """|X'Y|^2 and its shares x_i' (X'Y) y_i (n,), over blocks of features.

    X'X is symmetric, so half of it will do.
    """
    total = 0.0
    shares = torch.zeros(x.n if each else 0, dtype=x.wide, device=x.device)
    for left in slices(x.d, _TILE):
        for right in slices(y.d, _TILE):
            if x is y and right.start < left.start:
                continue
            same = x is y and left == right
            weight = 2 if x is y and not same else 1
            shape = left.stop - left.start, right.stop - right.start
            inner = torch.zeros(shape, dtype=x.wide, device=x.device)
            for rows in _rows(x):
                a = x.piece(rows, left)
                inner += a.T @ (a if same else y.piece(rows, right))
            total += weight * float((inner**2).sum())
            if each:
                rounded = inner.to(x.dtype)
                for rows in _rows(x):
                    a = x.piece(rows, left)
                    b = a if same else y.piece(rows, right)
                    shares[rows] += weight * ((a @ rounded) * b).sum(1, dtype=x.wide)
    return total, _array(shares)


def _sample_products(x: Gram, y: Gram, zeroed: bool) -> tuple[Floats, Floats, Floats]:
    """Row sums of KK, KL, LL (3, n), of K and of L (n,), over tiles of the upper triangle."""
    sums = torch.zeros((5, x.x.n), dtype=x.x.wide, device=x.x.device)
    for rows, columns in _pairs(x.x.n):
        k, m = x.tile(rows, columns), y.tile(rows, columns)
        if zeroed and rows == columns:
            k.fill_diagonal_(0)
            m.fill_diagonal_(0)
        for i, tile in enumerate((k * k, k * m, m * m, k, m)):
            sums[i, rows] += tile.sum(1, dtype=x.x.wide)
            if rows != columns:
                sums[i, columns] += tile.sum(0, dtype=x.x.wide)
    found = _array(sums)
    return found[:3], found[3], found[4]


def _pairs(n: int) -> list[tuple[slice, slice]]:
    tiles = list(slices(n, _TILE))
    return [(a, b) for i, a in enumerate(tiles) for b in tiles[i:]]


def _rows(x: Centred) -> list[slice]:
    return list(slices(x.n, _CHUNK))


def _array(values: Tensor) -> Floats:
    return values.cpu().double().numpy()
