"""What an effect size is on average when there is no difference at all."""

import math

from scipy.special import beta


def chance_effect(n: int, m: int, ddof: int = 1) -> float:
    """Expected |d| of two samples of n and m from one normal distribution.

    Under no difference r² = t² / (t² + df) of the two-sample t follows Beta(1/2, df/2) with
    df = n + m - 2, and d = r · sqrt(N (N - ddof) / (n m)) with N = n + m, whatever the spread.
    """
    total, half = n + m, (n + m - 2) / 2
    mean_r = beta(1.0, half) / beta(0.5, half)
    return mean_r * math.sqrt(total * (total - ddof) / (n * m))
