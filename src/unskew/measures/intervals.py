"""Confidence intervals of the WEAT effect size: for which quantity, how, and how well they cover.

The true d. Two populations of associations, means mu_x and mu_y, variances v_x and v_y, mixed in
the proportion of the sets, p = n / (n + m): d is the difference of the means over the standard
deviation of the mixture, whose variance is p v_x + (1 - p) v_y + p (1 - p) (mu_x - mu_y)^2. With
equal variances and Cohen's delta = (mu_x - mu_y) / sigma that is
delta / sqrt(1 + p (1 - p) delta^2). The effect size tends to it as the sets grow, whatever ddof,
approaching it with a finite-sample factor (with ddof=1, sqrt((N - 1) / N), N = n + m, where the
sets lie far apart), which an interval must not inherit: its limits do not depend on ddof.

The sets X and Y are taken as samples. The attributes A and B are held fixed: no interval here
says how d would change with other words for pleasant.

Three ways:

* "noncentral-t", the default. For normal associations of equal variance Student's t of the two
  sets follows a noncentral t distribution with noncentrality delta sqrt(nm / N); its exact
  interval of delta (Steiger and Fouladi, 1997) is carried over, d being monotone in delta.
* "bca" and "percentile", the bootstrap of Efron (1987; 1979): X and Y resampled each within
  itself, of the plug-in d (ddof=0, the same functional of the samples as the true d is of the
  populations).

Share of simulations, in %, whose 95 % interval holds the true d, lowest to highest over true d
of 0, 0.5, 1.0 and 1.5 (`benchmarks/coverage.py`: 2,000 simulations, so +-1, 999 resamples):

    associations            n, m       noncentral-t   bca        percentile
    normal                  8, 8       95             87 - 95    78 - 90
                            30, 30     95 - 96        95 - 96    91 - 94
                            125, 125   94 - 95        95         93 - 95
                            24, 8      95             92 - 93    88 - 91
    skewed (Gamma, 2)       8, 8       91 - 96        79 - 96    69 - 90
                            125, 125   88 - 94        93 - 94    92 - 94
    Y spreads twice as X    125, 125   92 - 95        93 - 95    93 - 94
                            24, 8      84 - 86        90 - 93    84 - 90
                            30, 90     98 - 99        95         94 - 95
    GloVe, 4 tests          8, 8       95 - 96        87 - 95    80 - 91
                            125, 125   95 - 98        94 - 96    94 - 95
                            24, 8      91 - 94        92 - 94    88 - 91
    iGPT, 3 iEAT tests      8, 8       95 - 96        94 - 95    89 - 91
                            125, 125   95 - 97        95 - 96    94 - 95
    iGPT, Valence black     8, 8       88             86         80
      and white, d = 1.2    30, 30     87             93         90
                            125, 125   88             94         94

Hence the default: it alone holds its level for small sets, and it does so on most real sets of
embeddings. It under-covers where the *smaller* set has the wider spread (84 %), and where the
sets lie far apart with skewed or long-tailed associations (87 %, as in the last rows); larger
sets mend neither. In those cases, from some 30 items per set on, ask for "bca". "percentile" is
no better than "bca" and is there to compare with work that reports it.
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
_BLOCK = 2**20  # numbers resampled at a time
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
