"""Confidence intervals of the WEAT effect size.

placeholder
"""

from __future__ import annotations

import warnings
from functools import lru_cache

import numpy as np
from scipy import special, stats

from unskew.measures.contrasts import Contrasts, divide
from unskew.measures.embeddings import Floats
from unskew.measures.options import WeatOptions

RESAMPLES = 4_999
_BLOCK = 2**20
_NODES = 128
# Beyond |t| = _FAR * sqrt(df) the limits of the noncentrality are proportional to t.
_FAR = 10.0


def intervals(
    contrasts: Contrasts, options: WeatOptions, resamples: int = RESAMPLES
) -> tuple[Floats, Floats]:
    """Lower and upper limit of d per contrast, (K,) each; NaN where undefined or not asked for."""
    if options.confidence is None:
        nothing = np.full(len(contrasts.i), np.nan)
        return nothing, nothing
    if options.interval == "noncentral-t":
        low, high = noncentral_t(contrasts, options.confidence)
    else:
        low, high = bootstrap(contrasts, options, resamples)
    # With ddof=1 and sets wider apart than ten of their standard deviations, d itself falls
    # below the limits, because |d| cannot reach 2 at a finite size: take it in.
    d = contrasts.effect_size(options.ddof)
    return np.minimum(low, d), np.maximum(high, d)


def noncentral_t(contrasts: Contrasts, confidence: float) -> tuple[Floats, Floats]:
    """Limits from the noncentral t distribution of Student's t, exact for normal associations."""
    n, m = contrasts.n, contrasts.m
    t = contrasts.t_statistic()
    tail = (1 - confidence) / 2
    scale = np.sqrt(1 / n + 1 / m)
    low, high = (
        population_d(noncentrality(p, t, n + m - 2) * scale, n, m) for p in (tail, 1 - tail)
    )
    return low, high


def population_d(delta: Floats, n: int, m: int) -> Floats:
    """d of two populations whose means lie `delta` common standard deviations apart.

    In the mixture that holds n : m of them, the variance is 1 + p (1 - p) delta^2.
    """
    share = n / (n + m)
    return delta / np.sqrt(1 + share * (1 - share) * delta**2)


def noncentrality(p: float, t: Floats, df: int) -> Floats:
    """The c for which a noncentral t variable with noncentrality c exceeds t with probability p.

    That variable is (Z + c) / w, with Z standard normal and w = sqrt(chi2_df / df), so c is the
    p-quantile of t w + Z. Its distribution function is the mean over w of Phi(c - t w), taken
    here by Gauss-Legendre quadrature and inverted by Newton's method on the probit scale, where
    it is nearly a straight line. (scipy.special.nctdtrinc needs up to seconds for large t, and
    is right to four digits.)
    """
    stretch = np.maximum(1.0, np.abs(t) / (_FAR * np.sqrt(df)))
    w, weight = _chi_nodes(df)
    shift = (t / stretch)[:, None] * w
    target = special.ndtri(p)
    c = shift @ weight + target * np.sqrt(1 + (shift**2) @ weight - (shift @ weight) ** 2)
    for _ in range(50):
        gap = c[:, None] - shift
        probit = special.ndtri(special.ndtr(gap) @ weight)
        slope = (np.exp(-(gap**2) / 2) @ weight) / np.exp(-(probit**2) / 2)
        step = (probit - target) / slope
        c -= step
        if not (np.abs(step) > 1e-10 * (1 + np.abs(c))).any():
            break
    return c * stretch


@lru_cache(maxsize=256)
def _chi_nodes(df: int) -> tuple[Floats, Floats]:
    """Nodes and weights of the mean over sqrt(chi2_df / df)."""
    x, weight = special.roots_legendre(_NODES)
    low, high = np.sqrt(special.chdtri(df, [1 - 1e-13, 1e-13]) / df)
    w = low + (x + 1) / 2 * (high - low)
    log_density = (df - 1) * np.log(w) - df * w**2 / 2
    weight = weight * np.exp(log_density - log_density.max())
    return w, weight / weight.sum()


def bootstrap(contrasts: Contrasts, options: WeatOptions, resamples: int) -> tuple[Floats, Floats]:
    """Limits from resampling both samples, each within itself, with replacement."""
    n, m = contrasts.n, contrasts.m
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)  # told as NaN and a reason
        result = stats.bootstrap(
            (contrasts.left[contrasts.i], contrasts.right[contrasts.j]),
            plug_in_d,
            n_resamples=resamples,
            batch=max(1, _BLOCK // (len(contrasts.i) * (n + m))),
            axis=-1,
            confidence_level=options.confidence,
            method=options.interval,
            random_state=np.random.default_rng((options.seed, n, m)),
        )
    low, high = (np.where(contrasts.spread, limit, np.nan) for limit in result.confidence_interval)
    return low, high


def plug_in_d(x: Floats, y: Floats, axis: int = -1) -> Floats:
    """The effect size of the two samples taken as populations, along `axis`."""
    n, m = x.shape[axis], y.shape[axis]
    difference = x.mean(axis) - y.mean(axis)
    share = n / (n + m)
    variance = share * x.var(axis) + (1 - share) * y.var(axis) + share * (1 - share) * difference**2
    return divide(difference, np.sqrt(variance), variance > 0)
