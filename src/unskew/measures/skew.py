"""Who is shown first? Skew, MaxSkew, MinSkew, NDKL and Bias@K of a ranking of labelled items.

For one prompt, rank the items by score, keep the first k, and compare the groups among them with
a target distribution q (uniform over the groups, the groups' shares of the pool, or a given one):

    Skew_a@k = ln(p_a / q_a),  p_a = (items of group a in the first k) / k
    MaxSkew@k = max_a Skew_a@k,  MinSkew@k = min_a Skew_a@k
    NDKL@k = sum_i KL(D_i || q) / log2(i + 1)  /  sum_i 1 / log2(i + 1),  i = 1 .. k
    Bias@K = (N_a - N_b) / (N_a + N_b) in the first k, 0 where neither group appears

D_i is the distribution of the groups among the first i, and logarithms are natural unless marked.
Skew, MaxSkew, MinSkew and NDKL: Geyik, Ambler, Kenthapadi 2019 (arXiv 1905.01989), applied to
dual encoders by Berg et al. 2022 (arXiv 2203.11933); Bias@K: Wang, Liu, Wang 2021 (arXiv
2109.05433).

Choices this module makes:

* p_a = 0 is replaced by 1/k in Skew, as the literature does, so a group that is absent counts as
  if it appeared once. MaxSkew is then never negative and needs no floor at 0: the groups present
  hold p summing to 1 against q summing to at most 1, so one of them has p_a >= q_a. But where
  q_a < 1/k the replacement gives an absent group a positive Skew: choose k >= 1/min(q).
  NDKL needs no replacement, since 0 ln 0 = 0.
* Exactly k items count. Of items with equal scores, the one that comes first in the input ranks
  first. Where that decides who is among the k, the result says for how many prompts.
* None of these measures is 0 under a random ranking of finitely many items, so every result
  carries its expectation under a uniformly random ranking, from the hypergeometric law of the
  counts: exact for Skew, NDKL and Bias@K, and for MaxSkew and MinSkew of two groups; for more
  groups drawn from that law with a seed, with the standard error of the draws.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from unskew.errors import InputError
from unskew.measures import chance
from unskew.measures.embeddings import Floats
from unskew.measures.pool import (
    Groups,
    Ints,
    Pool,
    Target,
    check_pool,
    compared_pair,
    target_distribution,
)


@dataclass(frozen=True)
class RankingResult:
    """Representation in the first k of a ranking, averaged over prompts, beside what chance gives.

    ``*_ci_low`` and ``*_ci_high`` bound the Student t interval of the mean over prompts. It
    treats the prompts as independent draws and the items as fixed: it says how far the mean would
    move with other prompts, and is too narrow where prompts repeat each other (one concept in
    many templates). ``chance_*`` is the expectation under a uniformly random ranking.
    """

    max_skew: float
    min_skew: float
    ndkl: float
    #: NaN with a note where there are more than two groups and no pair was named
    bias_at_k: float
    #: mean Skew_a@k by group
    skew: dict[str, float]
    max_skew_ci_low: float
    max_skew_ci_high: float
    min_skew_ci_low: float
    min_skew_ci_high: float
    ndkl_ci_low: float
    ndkl_ci_high: float
    bias_at_k_ci_low: float
    bias_at_k_ci_high: float
    chance_max_skew: float
    chance_min_skew: float
    chance_ndkl: float
    chance_bias_at_k: float
    chance_skew: dict[str, float]
    #: standard error of chance_max_skew and chance_min_skew; 0 where these are exact
    chance_max_skew_se: float
    chance_min_skew_se: float
    #: P(mean MaxSkew of permuted group labels >= the observed one)
    p_value: float
    permutations: int
    k: int
    n: int
    n_prompts: int
    #: group names, sorted; every array of the module follows this order
    groups: tuple[str, ...]
    #: items of each group in the pool
    counts: dict[str, int]
    target: dict[str, float]
    #: the two groups of Bias@K, positive where the first is shown more
    pair: tuple[str, str] | None
    #: prompts in which items inside and outside the first k have the same score
    ties_at_k: int
    confidence: float
    seed: int
    #: why a value is undefined, and what to beware of
    notes: tuple[str, ...]


def skew_at_k(scores: Any, groups: Groups, k: int, target: Target = "uniform") -> dict[str, Floats]:
    """Skew_a@k of every group, in nats.

    Args:
        scores: (n_prompts, n) or (n,); higher ranks first; anything NumPy reads, or a torch tensor.
        groups: (n,) the group of each item.
        k: how many items of the ranking count, 1 <= k <= n.
        target: "uniform" over the groups, "pool" for their shares of the items, a mapping from
            group to probability, or probabilities in the sorted order of the groups.

    Returns:
        For each group (n_prompts,) values, or one value where ``scores`` is (n,).

    Raises:
        InputError: scores that are not finite, lengths that differ, fewer than two groups, k
            outside 1..n, or a target that is not a positive distribution over the groups.
    """
    pool = check_pool(scores, groups, k)
    table = _skew_table(k, target_distribution(target, pool))
    counts = _top_counts(_ranked(pool)[0], pool)
    return {name: pool.shaped(table[a, counts[:, a]]) for a, name in enumerate(pool.names)}


def max_skew(scores: Any, groups: Groups, k: int, target: Target = "uniform") -> Floats:
    """MaxSkew@k per prompt, >= 0; arguments, shapes and errors as :func:`skew_at_k`."""
    return np.max(list(skew_at_k(scores, groups, k, target).values()), axis=0)


def min_skew(scores: Any, groups: Groups, k: int, target: Target = "uniform") -> Floats:
    """MinSkew@k per prompt; arguments, shapes and errors as :func:`skew_at_k`."""
    return np.min(list(skew_at_k(scores, groups, k, target).values()), axis=0)


def ndkl(scores: Any, groups: Groups, k: int, target: Target = "uniform") -> Floats:
    """NDKL@k per prompt, >= 0; arguments, shapes and errors as :func:`skew_at_k`."""
    pool = check_pool(scores, groups, k)
    return pool.shaped(_ndkl(_ranked(pool)[0], target_distribution(target, pool)))


def bias_at_k(
    scores: Any,
    groups: Groups,
    k: int,
    pair: tuple[object, object] | None = None,
) -> Floats:
    """Bias@K per prompt, in [-1, 1], positive where the first group of ``pair`` is shown more.

    ``pair`` names the two groups; items of any other group count for neither. It may be left out
    where there are just two groups, and is then their sorted order. Shapes and errors otherwise as
    :func:`skew_at_k`.
    """
    pool = check_pool(scores, groups, k)
    chosen = compared_pair(pair, pool)
    if chosen is None:
        raise InputError(
            f"Bias@K compares two groups, but there are {len(pool.names)}: name two of "
            f"{', '.join(pool.names)} as pair"
        )
    return pool.shaped(_bias(_top_counts(_ranked(pool)[0], pool), chosen))


def representation_skew(
    scores: Any,
    groups: Groups,
    k: int,
    target: Target = "uniform",
    pair: tuple[object, object] | None = None,
    permutations: int = 1_000,
    confidence: float = 0.95,
    seed: int = 0,
    clusters: Sequence[object] | None = None,
) -> RankingResult:
    """Every measure of this module, averaged over prompts, with interval, chance value and p.

    The p-value permutes the group labels over the items, the same way for every prompt, so that
    the prompts keep their correlation; it counts ties and the observed labelling itself.

    Args:
        scores, groups, k, target: as :func:`skew_at_k`.
        pair: the two groups of Bias@K, as :func:`bias_at_k`.
        permutations: label permutations of the p-value, at least 1.
        confidence: coverage of the intervals, between 0 and 1.
        seed: of the permutations and, with more than two groups, of chance MaxSkew and MinSkew.
        clusters: what prompts share, one value per prompt, such as the concept of 11 templates.
            The intervals then treat clusters as the independent units; left out, prompts are.

    Raises:
        InputError: as :func:`skew_at_k`, or an option outside its range.
    """
    pool = check_pool(scores, groups, k)
    q = target_distribution(target, pool)
    chosen = compared_pair(pair, pool)
    _check_options(permutations, confidence)
    unit = _units(clusters, len(pool.scores))
    rng = np.random.default_rng(seed)
    n, names = len(pool.codes), pool.names

    ranked, index, ties = _ranked(pool)
    counts = _top_counts(ranked, pool)
    table = _skew_table(pool.k, q)
    skew = table[np.arange(len(table)), counts]
    highest, lowest, kl = skew.max(axis=1), skew.min(axis=1), _ndkl(ranked, q)
    bias, chance_bias = np.full(len(counts), np.nan), float("nan")
    if chosen is not None:
        bias = _bias(counts, chosen)
        first, second = (int(pool.counts[a]) for a in chosen)
        chance_bias = chance.expected_bias(first, second, n, pool.k)
    max_ci = _interval(unit @ highest, confidence, least=0)
    min_ci = _interval(unit @ lowest, confidence)
    kl_ci = _interval(unit @ kl, confidence, least=0)
    bias_ci = _interval(unit @ bias, confidence, least=-1, most=1)
    chance_max, chance_min = chance.expected_extremes(table, pool.counts, pool.k, rng)
    null = chance.permuted_max_skew(table, pool.codes, index, permutations, rng)
    return RankingResult(
        max_skew=float(highest.mean()),
        min_skew=float(lowest.mean()),
        ndkl=float(kl.mean()),
        bias_at_k=float(bias.mean()),
        skew=_by_name(names, skew.mean(axis=0)),
        max_skew_ci_low=max_ci[0],
        max_skew_ci_high=max_ci[1],
        min_skew_ci_low=min_ci[0],
        min_skew_ci_high=min_ci[1],
        ndkl_ci_low=kl_ci[0],
        ndkl_ci_high=kl_ci[1],
        bias_at_k_ci_low=bias_ci[0],
        bias_at_k_ci_high=bias_ci[1],
        chance_max_skew=chance_max[0],
        chance_min_skew=chance_min[0],
        chance_ndkl=chance.expected_ndkl(q, pool.counts, _discounts(pool.k)),
        chance_bias_at_k=chance_bias,
        chance_skew=_by_name(names, chance.expected_skew(table, pool.counts, pool.k)),
        chance_max_skew_se=chance_max[1],
        chance_min_skew_se=chance_min[1],
        # The tolerance keeps a rearranged sum of the same terms a tie.
        p_value=float((1 + np.sum(null >= highest.mean() - 1e-12)) / (1 + permutations)),
        permutations=permutations,
        k=pool.k,
        n=n,
        n_prompts=len(counts),
        groups=names,
        counts=_by_name(names, pool.counts),
        target=_by_name(names, q),
        pair=None if chosen is None else (names[chosen[0]], names[chosen[1]]),
        ties_at_k=ties,
        confidence=float(confidence),
        seed=seed,
        notes=_notes(pool, q, chosen, ties, len(unit)),
    )


def _by_name(names: tuple[str, ...], values: NDArray) -> dict[str, Any]:
    return dict(zip(names, values.tolist(), strict=True))


def _check_options(permutations: int, confidence: float) -> None:
    if not isinstance(permutations, int | np.integer) or permutations < 1:
        raise InputError(f"permutations must be a whole number of at least 1, got {permutations!r}")
    if not isinstance(confidence, float) or not 0 < confidence < 1:
        raise InputError(f"confidence must be a number between 0 and 1, got {confidence!r}")


def _units(clusters: Sequence[object] | None, n: int) -> Floats:
    """(units, n): the matrix that averages per-prompt values within each cluster."""
    if clusters is None:
        return np.eye(n)
    if len(clusters) != n:
        raise InputError(f"there are {n} prompts but {len(clusters)} clusters")
    names = {name: row for row, name in enumerate(dict.fromkeys(clusters))}
    member = np.zeros((len(names), n))
    member[[names[name] for name in clusters], np.arange(n)] = 1.0
    return member / member.sum(axis=1, keepdims=True)


def _notes(
    pool: Pool, q: Floats, pair: tuple[int, int] | None, ties: int, units: int
) -> tuple[str, ...]:
    found = {
        f"Bias@K is undefined: it compares two groups and there are {len(pool.names)}; "
        "name two as pair": pair is None,
        "no interval: one prompt or cluster does not show how much they differ": units == 1,
        "k is the whole pool, so every ranking has the same Skew and Bias@K": pool.k
        == len(pool.codes),
        f"k = {pool.k} is below 1/{q.min():.3g}: a group that is absent from the first k can have "
        "a positive Skew": pool.k * q.min() < 1 - 1e-9,
        f"in {ties} of {len(pool.scores)} prompts equal scores at the k-th place were ranked in "
        "input order": ties > 0,
    }
    return tuple(text for text, holds in found.items() if holds)


def _ranked(pool: Pool) -> tuple[Ints, Ints, int]:
    """Group codes (n_prompts, k) of the first k, best first; their items; prompts tied at k.

    A partition finds the k-th score; only the k chosen are sorted, which costs a tenth of
    sorting every item.
    """
    scores, k = pool.scores, pool.k
    last = np.partition(scores, -k, axis=1)[:, -k, None]
    above, tied = scores > last, scores == last
    room = k - above.sum(axis=1, keepdims=True)
    chosen = above | (tied & (np.cumsum(tied, axis=1) <= room))
    index = np.nonzero(chosen)[1].reshape(len(scores), k)
    order = np.argsort(-np.take_along_axis(scores, index, axis=1), axis=1, kind="stable")
    index = np.take_along_axis(index, order, axis=1)
    return pool.codes[index], index, int((tied.sum(axis=1, keepdims=True) > room).sum())


def _top_counts(ranked: Ints, pool: Pool) -> Ints:
    """(n_prompts, n_groups) items of each group among the first k."""
    return np.stack([(ranked == a).sum(axis=1) for a in range(len(pool.names))], axis=1)


def _skew_table(k: int, q: Floats) -> Floats:
    """Skew (n_groups, k + 1) of each group for each count it can have in the first k."""
    shares = np.maximum(np.arange(k + 1), 1) / k
    return np.log(shares) - np.log(q)[:, None]


def _discounts(k: int) -> Floats:
    """The weights of NDKL over the prefixes 1..k, summing to one."""
    weights = 1 / np.log2(np.arange(1, k + 1) + 1)
    return weights / weights.sum()


def _ndkl(ranked: Ints, q: Floats) -> Floats:
    k = ranked.shape[1]
    prefixes = np.arange(1, k + 1)
    divergence = np.zeros(ranked.shape)
    for a, share in enumerate(q):
        divergence += special.rel_entr(np.cumsum(ranked == a, axis=1) / prefixes, share)
    return divergence @ _discounts(k)


def _bias(counts: Ints, pair: tuple[int, int]) -> Floats:
    first, second = counts[:, pair[0]], counts[:, pair[1]]
    return (first - second) / np.maximum(first + second, 1)


def _interval(
    per_unit: Floats, confidence: float, least: float = -np.inf, most: float = np.inf
) -> tuple[float, float]:
    """Student's t of the mean over prompts or clusters, within what it can be; (NaN, NaN) for one.

    Not the percentile bootstrap, which covers less with few prompts: for means of 10 gamma(2)
    values and nominal 95 %, t covers 93 % and the bootstrap 87 %; for 319 values both cover 95 %.
    """
    if len(per_unit) < 2:
        return float("nan"), float("nan")
    half = stats.t.ppf((1 + confidence) / 2, len(per_unit) - 1) * stats.sem(per_unit)
    low, high = np.clip(per_unit.mean() + np.array([-half, half]), least, most)  # NaN stays
    return float(low), float(high)
