"""Groups of a wanted agreement with the true ones: how good must pseudo-groups be?

The ablation of "Leveraging vision-language models for fair facial attribute classification",
section 4.2.2 and Figure 3, which corrects a random part of what a model saw wrong.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unskew.errors import InputError

TOLERANCE = 0.01
"""How far from the wanted adjusted Rand index the result may be."""


def corrupted(groups: Any, ari: float, seed: int = 0) -> NDArray[np.int64]:
    """The true groups (n,) with a random part of the images re-labelled.

    Re-labelled images take the labels of others at random, so that groups keep their sizes up to
    chance, and what is left of the true groups says nothing about which images are wrong.

    Args:
        groups: (n,) whole numbers.
        ari: the wanted adjusted Rand index with `groups`, 0 to 1; met within `TOLERANCE`.
        seed: of which images, and of their new labels.

    Raises:
        InputError: `ari` out of range, or not to be met: one group, or too few images.
    """
    true = _labels(groups)
    rng = np.random.default_rng(seed)
    return _mixed(true, rng.permutation(true), ari, rng)


def corrected(pseudo: Any, groups: Any, ari: float, seed: int = 0) -> NDArray[np.int64]:
    """Pseudo-groups (n,) of which a random part of the wrong ones is set right.

    Args:
        pseudo: (n,) whole numbers, of the same meaning as those of `groups`.
        groups: (n,) the true groups.
        ari: the wanted adjusted Rand index with `groups`, from that of `pseudo` to 1; met within
            `TOLERANCE`.
        seed: of which images are corrected.

    Raises:
        InputError: lengths that differ, or `ari` out of range or not to be met.
    """
    true, start = _labels(groups), _labels(pseudo)
    if len(true) != len(start):
        raise InputError(f"there are {len(start)} pseudo-groups but {len(true)} groups")
    return _mixed(true, start, ari, np.random.default_rng(seed))


def _mixed(
    true: NDArray[np.int64], other: NDArray[np.int64], ari: float, rng: np.random.Generator
) -> NDArray[np.int64]:
    """`true`, with as many labels of `other`, in random order, as bring the index to `ari`."""
    from sklearn.metrics import adjusted_rand_score

    if not 0 <= ari <= 1:
        raise InputError(f"ari must be between 0 and 1, got {ari!r}")
    wrong = rng.permutation(np.flatnonzero(true != other))

    def with_wrong(count: int) -> NDArray[np.int64]:
        labels = true.copy()
        labels[wrong[:count]] = other[wrong[:count]]
        return labels

    def distance(count: int) -> float:
        return adjusted_rand_score(true, with_wrong(count)) - ari

    low, high = 0, len(wrong)
    if distance(high) > 0:
        low = high
    while high - low > 1:  # the index falls with the number of wrong labels, up to chance
        middle = (low + high) // 2
        low, high = (middle, high) if distance(middle) > 0 else (low, middle)
    best = min((low, high), key=lambda count: abs(distance(count)))
    if abs(distance(best)) > TOLERANCE:
        raise InputError(
            f"an adjusted Rand index of {ari:g} cannot be met: the nearest is "
            f"{distance(best) + ari:.3g} for these {len(true)} labels of "
            f"{len(np.unique(true))} groups"
        )
    return with_wrong(best)


def _labels(groups: Any) -> NDArray[np.int64]:
    labels = np.asarray(groups)
    if labels.ndim != 1 or not len(labels) or labels.dtype.kind not in "iu":
        raise InputError("groups must be one whole number per image")
    return labels.astype(np.int64)
