"""CKA of two feature matrices: how alike two representations of the same examples are.

    CKA(X, Y) = HSIC(K, L) / sqrt(HSIC(K, K) HSIC(L, L)),   K_ij = k(x_i, x_j), L_ij = k(y_i, y_j)

Kornblith, Norouzi, Lee and Hinton 2019, "Similarity of Neural Network Representations Revisited",
arXiv 1905.00414. HSIC is estimated without bias (Song et al. 2012, as Nguyen, Raghu and Kornblith
2021, arXiv 2010.15327, section 3, use it), or by the plug-in of Gretton et al. 2005, which is far
too large where there are about as many features as examples: independent noise of 512 features
has a biased CKA of 0.67 at n = 256. The unbiased estimate may be slightly negative.

Linear CKA is 1 for representations that differ by a rotation, a shift and one scale. The RBF
kernel's bandwidth is the median distance between examples of each representation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

from unskew.errors import InputError
from unskew.measures.options import _level

if TYPE_CHECKING:
    from unskew.measures.centred import Centred
    from unskew.measures.gram import Estimator, Kernel
    from unskew.measures.hsic import Gram, Statistics


@dataclass(frozen=True)
class CkaResult:
    """CKA of two representations of the same n examples."""

    #: at most 1; NaN with a reason where it is undefined
    cka: float
    #: jackknife interval over the examples; NaN without `confidence`
    ci_low: float
    ci_high: float
    standard_error: float
    n: int
    #: numbers of features of X and Y
    dim_x: int
    dim_y: int
    estimator: Estimator
    kernel: Kernel
    confidence: float | None
    reason: str | None


def cka(
    X: Any,
    Y: Any,
    *,
    kernel: Kernel = "linear",
    estimator: Estimator = "unbiased",
    confidence: float | None = 0.95,
) -> CkaResult:
    """CKA of features X (n, d_x) and Y (n, d_y) of the same examples in the same order.

    Products are taken in single precision unless a matrix is double, of centred and scaled
    pieces, and summed in double precision. Memory beside X and Y does not grow with n or d, but
    for a few vectors of length n. Torch tensors are computed on their device.

    The interval deletes each example in turn (exactly, from sums that are there anyway) and is
    Student's t on the scale of artanh(CKA). It takes the examples as independent draws.

    Raises:
        InputError: different numbers of rows, fewer than 4, or values that are not finite.
    """
    from unskew.measures.centred import Centred
    from unskew.measures.gram import LEAST, check_choices
    from unskew.measures.hsic import Gram, statistics, whole

    check_choices(kernel, estimator)
    level = None if confidence is None else _level(confidence)
    x, y = Centred(X, "X"), Centred(Y, "Y")
    if x.n != y.n:
        raise InputError(
            f"X has {x.n} rows and Y has {y.n}: give the same examples in the same order"
        )
    if x.device != y.device:
        raise InputError(f"X is on {x.device} and Y on {y.device}: move them to one device")
    if x.n < LEAST:
        raise InputError(f"X and Y have {x.n} rows; CKA needs at least {LEAST} examples")
    if x.dtype != y.dtype or kernel == "rbf":  # distances cancel
        x, y = x.widened(), y.widened()
    for side in (x, y):
        if side.constant:
            return _result(x, y, kernel, estimator, level, f"{side.name} is the same in every row")
    gram_x, gram_y = Gram(x, kernel), Gram(y, kernel)
    if kernel == "rbf" and not (gram_x.bandwidth and gram_y.bandwidth):
        which = "Y" if gram_x.bandwidth else "X"
        return _result(x, y, kernel, estimator, level, f"the median distance within {which} is 0")
    sums = statistics(gram_x, gram_y, estimator, each=level is not None)
    xx, xy, yy = whole(sums, x.n, estimator)
    for side, own in ((x, xx), (y, yy)):
        if own <= 0:
            why = f"the HSIC of {side.name} with itself is not positive: give more examples"
            return _result(x, y, kernel, estimator, level, why)
    value = float(xy / math.sqrt(xx * yy))
    error = math.nan if level is None else _jackknife(gram_x, gram_y, sums, estimator)
    return _result(x, y, kernel, estimator, level, None, value, error)


def _result(
    x: Centred,
    y: Centred,
    kernel: Kernel,
    estimator: Estimator,
    confidence: float | None,
    reason: str | None,
    value: float = math.nan,
    error: float = math.nan,
) -> CkaResult:
    low, high = _interval(value, error, x.n, confidence)
    return CkaResult(value, low, high, error, x.n, x.d, y.d, estimator, kernel, confidence, reason)


def _interval(value: float, error: float, n: int, confidence: float | None) -> tuple[float, float]:
    """Student's t on the scale of artanh(CKA), which keeps it below 1."""
    if confidence is None or math.isnan(error):
        return math.nan, math.nan
    if value >= 1 - 1e-9:  # the same representation, whichever examples are drawn
        return value, value
    half = stats.t.ppf((1 + confidence) / 2, n - 1) * error / (1 - value**2)
    return math.tanh(math.atanh(value) - half), math.tanh(math.atanh(value) + half)


def _jackknife(x: Gram, y: Gram, sums: Statistics, estimator: Estimator) -> float:
    """Standard error over examples; NaN where leaving one out leaves CKA undefined."""
    from unskew.measures.gram import LEAST
    from unskew.measures.hsic import left_out

    n = x.x.n
    if n <= LEAST:
        return math.nan
    xx, xy, yy = left_out(x, y, sums, estimator)
    if not ((xx > 0) & (yy > 0)).all():
        return math.nan
    values = xy / np.sqrt(xx * yy)
    return float(np.sqrt((n - 1) * values.var()))
