"""Permutation p-values of many contrasts from one set of masks.

A mask is a row of n + m booleans with exactly n True: which associations are called X. One
matrix product of the masks with the samples gives the statistic of every draw, and since a
pair's statistic is the masked sum over its left sample plus that over its right one, all pairs
among L subgroups cost two products with L columns, not one with a column per pair.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, combinations, islice
from math import comb

import numpy as np
from numpy.typing import NDArray

from unskew.measures.contrasts import Contrasts
from unskew.measures.embeddings import Floats
from unskew.measures.options import WeatOptions

Masks = NDArray[np.bool_]

# Draws whose statistic is within this fraction of the root of the total sum of squares of the
# observed one count as ties. Sums taken in another order differ by less; distinct sums by more.
TIE = 1e-10

# Masks are made and multiplied in blocks of about this many entries, to stay in the cache.
_BLOCK = 2**20


def p_values(contrasts: Contrasts, options: WeatOptions) -> tuple[Floats, bool, int]:
    """p-value per contrast (NaN where all associations are equal), exact or not, and the draws.

    Exact: the share of all C(n + m, n) partitions at least as extreme as the observed one, which
    is among them. Sampled: (1 + hits) / (1 + draws), as the observed partition is one possible
    draw (Phipson and Smyth, 2010), so p is never 0 and the test keeps its level.
    """
    n, m = contrasts.n, contrasts.m
    partitions = comb(n + m, n)
    exact = partitions <= options.exact_limit
    if exact:
        hits = count_extreme(all_masks(n, m), contrasts, options)
        p = hits / partitions
    else:
        # Seeded by the sizes too: a pair's p does not depend on which other pairs are asked for.
        rng = np.random.default_rng((options.seed, n, m))
        masks = random_masks(n, m, options.permutations, rng)
        p = (1 + count_extreme(masks, contrasts, options)) / (1 + options.permutations)
    p[~contrasts.defined] = np.nan
    return p, exact, partitions if exact else options.permutations


def all_masks(n: int, m: int) -> Iterator[Masks]:
    """Blocks of masks that together hold every way to choose n of n + m items once."""
    choices = combinations(range(n + m), n)
    rows = _block_rows(n + m)
    for start in range(0, comb(n + m, n), rows):
        size = min(rows, comb(n + m, n) - start)
        flat = np.fromiter(chain.from_iterable(islice(choices, size)), np.intp, size * n)
        masks = np.zeros((size, n + m), dtype=bool)
        np.put_along_axis(masks, flat.reshape(size, n), True, axis=1)
        yield masks


def random_masks(n: int, m: int, draws: int, rng: np.random.Generator) -> Iterator[Masks]:
    """Blocks of `draws` masks in all, each uniform over all ways to choose n of n + m items."""
    rows = _block_rows(n + m)
    for start in range(0, draws, rows):
        yield _random_block(n, m, min(rows, draws - start), rng)


def _random_block(n: int, m: int, rows: int, rng: np.random.Generator) -> Masks:
    """Coin flips with a mean near n / (n + m), corrected at random until n are True.

    A row with too many has columns drawn and set False, whatever they held, and is counted again;
    one with too few likewise. As many are drawn as are expected to settle it. No step prefers a
    column, so given the number of True entries every row stays uniform over the subsets of that
    size, and the coin may be coarse: one byte per flip will do.
    """
    size = n + m
    coins = rng.bit_generator.random_raw(rows * size // 8 + 1).view(np.uint8)[: rows * size]
    masks = coins.reshape(rows, size) < round(256 * n / size)
    excess = _row_counts(masks) - n
    uneven = np.flatnonzero(excess)
    while uneven.size:
        over = excess[uneven] > 0
        draws = np.abs(excess[uneven]) * size // np.where(over, n, m)
        row, column = np.repeat(uneven, draws), rng.integers(0, size, draws.sum())
        masks[row, column] = np.repeat(~over, draws)
        excess[uneven] = _row_counts(masks[uneven]) - n
        uneven = uneven[excess[uneven] != 0]
    return masks


def count_extreme(
    blocks: Iterator[Masks], contrasts: Contrasts, options: WeatOptions
) -> NDArray[np.int64]:
    """How many masks give a statistic at least as extreme as observed, ties included, (K,).

    The statistic is the masked sum less its mean over all masks. With the total fixed it rises
    with the difference of means, whatever the two sizes are. It does not change when a constant
    is added to all associations, so they are centred first: smaller numbers round less. For the
    studentised statistic it is not the sums that change but what they must reach, draw by draw.
    """
    n, m, i, j = contrasts.n, contrasts.m, contrasts.i, contrasts.j
    sign, share = -1.0 if options.alternative == "less" else 1.0, n / (n + m)
    centre = contrasts.left.mean()
    left, right = sign * (contrasts.left - centre), sign * (contrasts.right - centre)
    left_sum, right_sum = left.sum(axis=1, keepdims=True), right.sum(axis=1, keepdims=True)
    observed = (1 - share) * left_sum[i] - share * right_sum[j]
    # With equal sizes Welch's t rises with the difference of means: nothing to be done.
    welch = options.statistic == "studentised" and n != m
    scale = _WelchScale(left, right, observed, contrasts) if welch else None
    two_sided = options.alternative == "two-sided"
    extreme = np.abs(observed) if two_sided else observed
    tie = TIE * np.sqrt(contrasts.total)[:, None]
    limit = extreme - tie

    hits = np.zeros(len(i), dtype=np.int64)
    groups = [(row, np.flatnonzero(i == row)) for row in np.unique(i)]
    space = np.empty((_block_rows(n + m), n + m))
    for masks in blocks:
        weights = space[: len(masks)]
        weights[:] = masks
        from_left = left @ weights[:, :n].T - share * left_sum
        from_right = right @ weights[:, n:].T - share * right_sum
        if scale:
            scale.draw(weights)
        for row, pairs in groups:
            sums = from_right[j[pairs]]
            sums += from_left[row]
            least = limit[pairs]
            if scale:
                least = extreme[pairs] * scale.relative(row, pairs, sums) - tie[pairs]
            if two_sided:
                np.abs(sums, out=sums)
            hits[pairs] += _row_counts(sums >= least)
    return hits


class _WelchScale:
    """What a draw's sum is divided by to rank as Welch's t does, relative to the observed one's.

    Let z be the associations less the mean of all n + m, S the sum of those called X (what
    `count_extreme` counts by), and a = 1 / (n (n - 1)), b = 1 / (m (m - 1)). Welch's squared
    error of the difference is R - (a / n + b / m) S^2, where R is a times the sum of z^2 over X
    plus b times that over Y. So t rises with S / sqrt(R), and that ratio is always defined:
    R > 0 unless all associations are equal, and where both sets are constant, t infinite, the
    ratio is at its bound.
    """

    def __init__(self, left: Floats, right: Floats, observed: Floats, contrasts: Contrasts) -> None:
        n, m, self._j = contrasts.n, contrasts.m, contrasts.j
        a, b = 1 / (n * (n - 1)), 1 / (m * (m - 1))
        self._n, self._gap, self._squares = n, a - b, (left**2, right**2)
        left_total, right_total = (x.sum(axis=1, keepdims=True) for x in self._squares)
        self._if_y = b * left_total, b * right_total
        # Rows share one centre; `mean` is what a pair's own lies off it.
        mean = (left.sum(axis=1)[contrasts.i] + right.sum(axis=1)[contrasts.j]) / (n + m)
        self._slope = 2 * (a - b) * mean[:, None]
        self._offset = (a * n + b * m) * mean[:, None] ** 2
        # R cannot be less; rounding could make it so where a pair is far off and hardly spread.
        self._least = min(a, b) * contrasts.total[:, None]
        first = a * left_total[contrasts.i] + b * right_total[contrasts.j]
        first = np.maximum(first - self._slope * observed - self._offset, self._least)
        self._first = np.where(contrasts.defined[:, None], first, 1.0)

    def draw(self, weights: Floats) -> None:
        """Take the squares' share of R for a block of masks, given as zeros and ones."""
        self._left, self._right = (
            self._gap * (x @ w.T) + rest
            for x, w, rest in zip(
                self._squares,
                (weights[:, : self._n], weights[:, self._n :]),
                self._if_y,
                strict=True,
            )
        )

    def relative(self, row: int, pairs: NDArray[np.intp], sums: Floats) -> Floats:
        """sqrt(R / observed R), (pairs, draws), of pairs whose left sample is `row`."""
        r = self._right[self._j[pairs]]
        r += self._left[row]
        r -= self._slope[pairs] * sums
        r -= self._offset[pairs]
        np.maximum(r, self._least[pairs], out=r)
        r /= self._first[pairs]
        return np.sqrt(r, out=r)


def _row_counts(rows: Masks) -> NDArray[np.int64]:
    """True entries per row, added up in the smallest integers that can hold them: the faster."""
    smallest = np.min_scalar_type(rows.shape[1])
    return np.add.reduce(rows.view(np.uint8), axis=1, dtype=smallest).astype(np.int64)


def _block_rows(size: int) -> int:
    return max(1, _BLOCK // size)
