"""Means of values that come in clusters, as captions of one image do.

The mean is that over all values. Its variance is that of a ratio of two sums over clusters,
linearised (Cochran, "Sampling Techniques", 3rd edition, 1977, section 6.3): values of one cluster
may depend on each other in any way, clusters do not. The interval is Student's, with as many
degrees of freedom as there are clusters less one; of a difference, with Welch's. With clusters of
1 to 5 normal values that depend on each other, 95 % intervals hold the truth in 92 % or more of
simulations, of a difference between 5 clusters and 40 in 91 % (tests/measures/test_clustered.py).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from unskew.errors import InputError
from unskew.measures.embeddings import Floats


@dataclass(frozen=True)
class ClusteredMean:
    """``p_value``: two-sided, of a mean of 0; below 1 - confidence exactly where the interval does
    not hold 0."""

    mean: float
    ci_low: float
    ci_high: float
    p_value: float

    @classmethod
    def undefined(cls) -> ClusteredMean:
        """All NaN."""
        return cls(math.nan, math.nan, math.nan, math.nan)


def clustered_mean(values: Any, cluster: Any, confidence: float = 0.95) -> ClusteredMean:
    """The mean of values (n,), of which equal entries of ``cluster`` (n,) belong together.

    Raises:
        InputError: fewer than two clusters, or a confidence that is not between 0 and 1.
    """
    mean, names, parts = _parts(values, cluster)
    variance = _variance(parts)
    return _student(mean, variance, len(names) - 1, confidence)


def clustered_difference(
    first: Any, first_cluster: Any, second: Any, second_cluster: Any, confidence: float = 0.95
) -> ClusteredMean:
    """The mean of the second values minus that of the first; a cluster may be in both.

    Raises:
        InputError: see :func:`clustered_mean`.
    """
    a, names_a, parts_a = _parts(first, first_cluster)
    b, names_b, parts_b = _parts(second, second_cluster)
    names = np.union1d(names_a, names_b)
    both = np.zeros(len(names))
    both[np.searchsorted(names, names_b)] += parts_b * math.sqrt(_small(parts_b))
    both[np.searchsorted(names, names_a)] -= parts_a * math.sqrt(_small(parts_a))
    variances = _variance(parts_a), _variance(parts_b)
    spread = sum(v**2 / (len(p) - 1) for v, p in zip(variances, (parts_a, parts_b), strict=True))
    df = sum(variances) ** 2 / spread if spread > 0 else len(names) - 2
    return _student(b - a, float(both @ both), df, confidence)


def _parts(values: Any, cluster: Any) -> tuple[float, np.ndarray, Floats]:
    """The mean, the clusters, and how far each (k,) pulls the mean away from the others."""
    x = np.asarray(values, dtype=np.float64)
    names, place = np.unique(np.asarray(cluster), return_inverse=True)
    if len(names) < 2:
        raise InputError(f"{len(names)} clusters have no interval; give values of at least two")
    mean = float(x.mean())
    return mean, names, np.bincount(place, x - mean) / len(x)


def _small(parts: Floats) -> float:
    return len(parts) / (len(parts) - 1)


def _variance(parts: Floats) -> float:
    return float(parts @ parts) * _small(parts)


def _student(mean: float, variance: float, df: float, confidence: float) -> ClusteredMean:
    if not 0 < confidence < 1:
        raise InputError(f"confidence {confidence}: give a number between 0 and 1")
    error = math.sqrt(variance)
    if error == 0:
        return ClusteredMean(mean, mean, mean, 1.0 if mean == 0 else 0.0)
    reach = float(special.stdtrit(df, (1 + confidence) / 2)) * error
    p = float(2 * special.stdtr(df, -abs(mean) / error))
    return ClusteredMean(mean, mean - reach, mean + reach, p)
