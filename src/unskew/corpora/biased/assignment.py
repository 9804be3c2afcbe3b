"""Which attribute each image gets, in the sets whose bias is made."""

import numpy as np
from numpy.typing import NDArray

from unskew.corpora.biased.layout import Ints
from unskew.errors import InputError


def check_ratio(name: str, conflict_ratio: float) -> None:
    """Raise InputError unless 0 <= `conflict_ratio` < 1."""
    if isinstance(conflict_ratio, bool) or not isinstance(conflict_ratio, int | float):
        raise InputError(f"{name}: conflict_ratio must be a number, got {conflict_ratio!r}")
    if not 0 <= conflict_ratio < 1:
        raise InputError(
            f"{name}: conflict_ratio is a share of the images, at least 0 and below 1; "
            f"got {conflict_ratio!r} (5 % is 0.05)"
        )


def check_conflicts(name: str, ratio: float, conflicting: int, n: int) -> None:
    """Raise InputError where a ratio above 0 was rounded to no conflicting image at all."""
    if ratio and not conflicting:
        raise InputError(
            f"{name}: {ratio} of {n} training images is less than one conflicting image in every "
            "class: give more images or a higher conflict_ratio"
        )


def assign(targets: Ints, classes: int, ratio: float, rng: np.random.Generator) -> Ints:
    """The attribute (n,) of every image: its target, but for a share `ratio` of each class.

    That share is rounded per class and dealt in turn to the other attributes, starting from one
    drawn, so that their counts differ by 1 at most.
    """
    attributes = targets.copy()
    for target in range(classes):
        rows = rng.permutation(np.flatnonzero(targets == target))
        rows = rows[: round(ratio * len(rows))]
        others = rng.permutation(np.delete(np.arange(classes), target))
        attributes[rows] = others[np.arange(len(rows)) % len(others)]
    return attributes


def uniform(classes: int) -> float:
    """The conflict ratio at which every attribute is as frequent."""
    return 1 - 1 / classes


def spread(strata: Ints, share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """(n,) a random selection of a share of the images, proportional in every stratum.

    The images, in random order within each stratum, stand in one line; every 1/share-th of them is
    selected. The total is exact and each stratum's count is right to within 1.
    """
    line = rng.permutation(len(strata))
    line = line[np.argsort(strata[line], kind="stable")]
    size = round(share * len(strata))
    selected = np.zeros(len(strata), dtype=bool)
    selected[line[((np.arange(size) + 0.5) * len(strata) / max(size, 1)).astype(np.int64)]] = True
    return selected
