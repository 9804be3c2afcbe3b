"""Intervals of what is computed from the accuracies, or other rates, of groups of examples.

Resampling the n examples of a group with replacement and counting the k right answers draws k
from a binomial law. So the stratified bootstrap, which keeps the size of every group, draws one
number per group and resample, and its cost does not depend on how many examples there are. Draws
here come from (k + 1/2) / (n + 1) rather than from k / n: a group with every answer right would
otherwise have no uncertainty at all. What is used of a draw is its deviation from that rate, the
*noise*.

The mean of the groups is linear in them, and the percentiles of its noise do. The other numbers
are not, and the percentile bootstrap of them is wrong in one direction: noise pulls the lowest of
several equal groups down and pushes their spread and gaps up, once in the data and once more in
every resample. Where the groups are in truth equal, percentile limits of the spread or of a gap
never reach 0, so they cover the truth never. Hence:

* `lowest`: the smallest true accuracy is at least the smallest of the groups' lower limits
  whenever the limit of the truly worst group holds, which needs no correction for how many groups
  there are; and at most the smallest of the upper limits whenever all of these hold, which needs
  Sidak's. With the exact limits of Clopper and Pearson (1934) coverage is guaranteed at any size.
* `largest_gap`: the mirror image. A gap is the largest of many differences, so it is at most the
  largest of their upper limits, each at its own level, and at least the largest of lower limits
  that hold together: those of the bootstrap's studentised maximum.
* `spread`: the largest of many contrasts between the groups as well, so its upper percentile is
  high enough as it is. The lower limit is the smallest spread s under which one as large as the
  observed is not surprising, for true rates that keep the observed profile and spread by s (a
  test-inversion bootstrap: Carpenter, 1999, Statistics in Medicine 18).
"""

import numpy as np
from numpy.typing import NDArray
from scipy import special

from unskew.measures.embeddings import Floats

Ints = NDArray[np.int64]
Limits = tuple[float, float]

_BISECTIONS = 30


def clopper_pearson(right: Ints, n: Ints, tail: float, upper_tail: float) -> tuple[Floats, Floats]:
    """Exact limits of the rate of each group, missed with at most `tail` and `upper_tail`."""
    low = special.betaincinv(np.maximum(right, 1), n - right + 1, tail)
    high = special.betaincinv(right + 1, np.maximum(n - right, 1), 1 - upper_tail)
    return np.where(right == 0, 0.0, low), np.where(right == n, 1.0, high)


def binomial_noise(right: Ints, n: Ints, resamples: int, rng: np.random.Generator) -> Floats:
    """(resamples, groups) deviations of resampled rates from the rate they are drawn from."""
    rate = (right + 0.5) / (n + 1)
    return rng.binomial(n, rate, (resamples, len(n))) / n - rate


def mean(rates: Floats, noise: Floats, confidence: float) -> Limits:
    """Limits of the mean of the groups' true rates."""
    tail = (1 - confidence) / 2
    low, high = rates.mean() + np.quantile(noise.mean(axis=1), [tail, 1 - tail])
    return float(max(low, 0.0)), float(min(high, 1.0))


def lowest(right: Ints, n: Ints, confidence: float) -> Limits:
    """Limits of the lowest of the groups' true rates; holds it with at least `confidence`."""
    tail = (1 - confidence) / 2
    together = 1 - (1 - tail) ** (1 / len(n))
    low, high = clopper_pearson(right, n, tail, together)
    return float(low.min()), float(high.min())


def spread(rates: Floats, noise: Floats, confidence: float) -> Limits:
    """Limits of the population standard deviation of the groups' true rates."""
    tail = (1 - confidence) / 2
    observed = float(rates.std())
    high = np.quantile((rates + noise).std(axis=1), 1 - tail)
    # Of centred + noise with a spread of s, where centred is the observed profile scaled to s:
    # variance = s^2 + 2 s across + own.
    profile = (rates - rates.mean()) / max(observed, np.finfo(float).tiny)
    across, own = (noise * profile).mean(axis=1), noise.var(axis=1)

    def too_large(s: float) -> bool:
        """Whether the observed spread would be if the true one were s."""
        return bool(np.mean(s**2 + 2 * s * across + own < observed**2) > 1 - tail)

    low, beyond = 0.0, observed
    if too_large(0.0):
        for _ in range(_BISECTIONS):
            middle = (low + beyond) / 2
            low, beyond = (middle, beyond) if too_large(middle) else (low, middle)
    return low, float(np.clip(high, observed, 0.5))


def largest_gap(
    right: Ints, n: Ints, confidence: float, resamples: int, rng: np.random.Generator
) -> Limits:
    """Limits of the largest difference between two groups' true rates, over one or more rates.

    Args:
        right, n: (rates, groups); every n at least 1.
    """
    tail = (1 - confidence) / 2
    first, second = np.triu_indices(right.shape[1], k=1)
    lows, highs, scales = [], [], []
    studentised = np.zeros(resamples)
    for k, of in zip(right, n, strict=True):
        noise = binomial_noise(k, of, resamples, rng)
        noise = noise[:, first] - noise[:, second]
        difference = (k / of)[first] - (k / of)[second]
        down, up = np.quantile(noise, [tail, 1 - tail], axis=0)
        scales.append(noise.std(axis=0))
        studentised = np.maximum(studentised, np.abs(noise / scales[-1]).max(axis=1))
        lows.append(np.abs(difference))
        highs.append(np.maximum(difference + up, -difference - down))  # either way round
    together = np.quantile(studentised, 1 - tail)
    low = (np.concatenate(lows) - together * np.concatenate(scales)).max()
    return float(max(low, 0.0)), float(min(np.concatenate(highs).max(), 1.0))
