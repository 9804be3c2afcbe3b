"""The checked input of a ranking measure: scores, the group of every item, k and the target."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unskew.errors import InputError
from unskew.measures.embeddings import Floats, as_numbers

Ints = NDArray[np.int64]
Groups = Sequence[object] | NDArray[Any]
Target = str | Mapping[object, float] | ArrayLike


@dataclass(frozen=True)
class Pool:
    """Checked input: the group of each item as a code into ``names``."""

    scores: Floats  # (n_prompts, n)
    codes: Ints  # (n,)
    names: tuple[str, ...]
    counts: Ints  # (n_groups,)
    k: int
    single: bool  # scores came as one ranking, (n,)

    def shaped(self, per_prompt: Floats) -> Floats:
        """One value where one ranking came in."""
        return per_prompt[0] if self.single else per_prompt


def check_pool(scores: Any, groups: Groups, k: int) -> Pool:
    """Check scores (n_prompts, n) or (n,), the groups (n,) and k; raise InputError."""
    given = as_numbers(scores, "scores")
    matrix = np.atleast_2d(given)
    if matrix.ndim != 2 or matrix.size == 0:
        raise InputError(
            "scores must have shape (n_prompts, n) or (n,) and hold at least one item, "
            f"got {given.shape}"
        )
    if not np.isfinite(matrix).all():
        prompt, item = np.argwhere(~np.isfinite(matrix))[0]
        raise InputError(
            f"the score of prompt {prompt}, item {item} is {matrix[prompt, item]}: "
            "remove the item, or repair its embedding"
        )
    n = matrix.shape[1]
    labels = _labels(groups)
    if len(labels) != n:
        raise InputError(f"{n} items have scores but {len(labels)} have a group: give one each")
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or not 1 <= k <= n:
        raise InputError(f"k must be a whole number from 1 to the number of items {n}, got {k!r}")
    names, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    if len(names) < 2:
        raise InputError(f"every item is of the group {names[0]}: give two groups or more")
    return Pool(matrix, codes, tuple(names.tolist()), counts, int(k), given.ndim == 1)


def _labels(groups: Groups) -> list[str]:
    values = groups.tolist() if hasattr(groups, "tolist") else list(groups)
    for item, value in enumerate(values):
        if value is None or value == "" or isinstance(value, list) or value != value:
            raise InputError(f"item {item} has no group (it is {value!r}): label or remove it")
    return [str(value) for value in values]


def target_distribution(target: Target, pool: Pool) -> Floats:
    """The target distribution over ``pool.names``, checked."""
    names = pool.names
    if isinstance(target, str):
        if target == "uniform":
            return np.full(len(names), 1 / len(names))
        if target == "pool":
            return pool.counts / pool.counts.sum()
        raise InputError(f'target must be "uniform", "pool" or probabilities, got {target!r}')
    if isinstance(target, Mapping):
        given = {str(name): value for name, value in target.items()}
        unmatched = sorted(set(given) ^ set(names))
        if unmatched:
            raise InputError(
                f"target and items must have the same groups; only one of them has "
                f"{', '.join(unmatched)}"
            )
        target = [given[name] for name in names]
    try:
        q = np.asarray(target, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"target must be numbers, one for each group: {error}") from error
    if q.shape != (len(names),):
        raise InputError(
            f"target must give one probability for each of {', '.join(names)}, got shape {q.shape}"
        )
    for name, value in zip(names, q, strict=True):
        if not value > 0:
            raise InputError(
                f"target gives the group {name} probability {value:g}: Skew divides by it, so "
                "it must be above 0; remove the group's items instead"
            )
    if abs(q.sum() - 1) > 1e-6:
        raise InputError(f"the probabilities of target sum to {q.sum():.6g}, not to 1")
    return q


def compared_pair(pair: tuple[object, object] | None, pool: Pool) -> tuple[int, int] | None:
    """Codes of the two groups of Bias@K; None where there are more and none was named."""
    if pair is None:
        return (0, 1) if len(pool.names) == 2 else None
    names = [str(name) for name in pair]
    if len(names) != 2 or names[0] == names[1] or not set(names) <= set(pool.names):
        raise InputError(f"pair must be two of the groups {', '.join(pool.names)}, got {pair!r}")
    return pool.names.index(names[0]), pool.names.index(names[1])
