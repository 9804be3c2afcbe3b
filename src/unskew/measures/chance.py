"""What a uniformly random ranking gives: expectations of the ranking measures at finite k.

The counts of the groups among k items drawn at random from a pool follow the (multivariate)
hypergeometric law, so no ranking is simulated where a law can be summed. ``table`` is the Skew
(n_groups, k + 1) of each group for each count, ``counts`` the items (n_groups,) of each group in
the pool and ``q`` the target (n_groups,), as in ``unskew.measures.skew``.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from unskew.measures.embeddings import Floats

Ints = NDArray[np.int64]

DRAWS = 100_000
_CELLS_AT_ONCE = 4_000_000  # bounds the memory of chance NDKL and of the permutation test


def expected_skew(table: Floats, counts: Ints, k: int) -> Floats:
    """Exact E Skew_a@k (n_groups,)."""
    n = int(counts.sum())
    expected = np.empty(len(table))
    for a, skew in enumerate(table):
        shown, law = _hypergeometric(n, int(counts[a]), np.array([k]))
        expected[a] = (law * skew[shown]).sum()
    return expected


def expected_extremes(
    table: Floats, counts: Ints, k: int, rng: np.random.Generator
) -> tuple[tuple[float, float], tuple[float, float]]:
    """(expectation, standard error) of MaxSkew and of MinSkew.

    Summed exactly for two groups (standard error 0), drawn from the law of the counts for more.
    """
    if len(table) == 2:
        shown, law = _hypergeometric(int(counts.sum()), int(counts[0]), np.array([k]))
        skew = np.stack([table[0, shown[0]], table[1, k - shown[0]]])
        return (float(skew.max(axis=0) @ law[0]), 0.0), (float(skew.min(axis=0) @ law[0]), 0.0)
    drawn = rng.multivariate_hypergeometric(counts, k, size=DRAWS)
    skew = table[np.arange(len(table)), drawn]
    highest, lowest = skew.max(axis=1), skew.min(axis=1)
    return (
        (float(highest.mean()), float(stats.sem(highest))),
        (float(lowest.mean()), float(stats.sem(lowest))),
    )


def expected_ndkl(q: Floats, counts: Ints, discounts: Floats) -> float:
    """Exact E NDKL, for any number of groups.

    KL(D_i || q) is a sum over groups, so its expectation needs only the law of each group's count
    among the first i. ``discounts`` (k,) are the weights of the prefixes, summing to one.
    """
    n, k, total = int(counts.sum()), len(discounts), 0.0
    cells = k * (2 * np.sqrt(20 * k) + 3)
    for prefixes in np.array_split(np.arange(1, k + 1), int(np.ceil(cells / _CELLS_AT_ONCE))):
        for a, share in enumerate(q):
            shown, law = _hypergeometric(n, int(counts[a]), prefixes)
            divergence = special.rel_entr(shown / prefixes[:, None], share)
            total += float(discounts[prefixes - 1] @ (law * divergence).sum(axis=1))
    return total


def expected_bias(first: int, second: int, n: int, k: int) -> float:
    """Exact E Bias@K of two groups with ``first`` and ``second`` of the ``n`` items.

    However many of the two are shown, the expected share of the first is its share in the pool.
    """
    neither = stats.hypergeom.pmf(0, n, first + second, k)
    return float((1 - neither) * (first - second) / (first + second))


def permuted_max_skew(
    table: Floats, codes: Ints, index: Ints, permutations: int, rng: np.random.Generator
) -> Floats:
    """MaxSkew averaged over prompts (permutations,), the group labels permuted over the items.

    Every prompt sees the same permutation, which keeps the prompts' correlation. ``codes`` (n,)
    are the groups of the items and ``index`` (n_prompts, k) the items each prompt shows. One
    matrix product counts a group in every prompt and permutation; items that no prompt shows are
    left out of it.
    """
    shown, position = np.unique(index, return_inverse=True)
    shows = np.zeros((len(index), len(shown)), dtype=np.float32)
    np.put_along_axis(shows, position.reshape(index.shape), 1, axis=1)
    null = np.empty(permutations)
    step = max(1, _CELLS_AT_ONCE // len(codes))
    for start in range(0, permutations, step):
        size = min(step, permutations - start)
        labels = rng.permuted(np.tile(codes, (size, 1)), axis=1)[:, : len(shown)]
        highest = np.full((len(index), size), -np.inf)
        rest = np.full((len(index), size), index.shape[1])  # what the last group is left with
        for a in range(len(table) - 1):
            # counts in float32 are exact up to 2**24
            counted = (shows @ (labels == a).T.astype(np.float32)).astype(np.int64)
            rest -= counted
            np.maximum(highest, table[a, counted], out=highest)
        np.maximum(highest, table[-1, rest], out=highest)
        null[start : start + size] = highest.mean(axis=0)
    return null


def _hypergeometric(n: int, marked: int, draws: Ints) -> tuple[Ints, Floats]:
    """Counts (m, w) of ``marked`` of ``n`` items among each of ``draws`` (m,), and their law.

    Counts further than sqrt(20 draws) from the mean are left out: by Hoeffding's inequality they
    hold less than 1e-17 of the probability.
    """
    reach = np.sqrt(20 * draws.max())
    lowest = np.floor(draws * marked / n - reach).astype(np.int64)
    counts = lowest[:, None] + np.arange(2 * int(np.ceil(reach)) + 2)
    least = np.maximum(0, draws - (n - marked))[:, None]
    most = np.minimum(draws, marked)[:, None]
    possible = (counts >= least) & (counts <= most)
    counts = np.clip(counts, least, most)
    log_factorial = special.gammaln(np.arange(n + 1) + 1.0)
    rest = draws[:, None] - counts
    log_ways = -(
        log_factorial[counts]
        + log_factorial[marked - counts]
        + log_factorial[rest]
        + log_factorial[n - marked - rest]
    )
    ways = np.where(possible, np.exp(log_ways - log_ways.max(axis=1, keepdims=True)), 0)
    return counts, ways / ways.sum(axis=1, keepdims=True)
