"""The difference of two independent estimates, from their values and intervals alone.

MOVER, the method of variance estimates recovery (Zou and Donner, "Construction of confidence limits
about effect measures", Statistics in Medicine 27, 2008): each limit of the difference lies as far
out as the two limits that pull it there do together. It keeps the skewness of the two intervals,
and needs nothing of the data, so that two saved reports can be compared.
"""

import math
from dataclasses import dataclass

from scipy import special

from unskew.errors import InputError


@dataclass(frozen=True)
class IndependentDifference:
    """Second estimate minus the first.

    ``p_value``: two-sided, of no difference; below 1 - confidence exactly where the interval does
    not hold 0. All are NaN where an estimate or a limit is.
    """

    difference: float
    ci_low: float
    ci_high: float
    p_value: float


def independent_difference(
    first: float,
    first_ci: tuple[float, float],
    second: float,
    second_ci: tuple[float, float],
    confidence: float = 0.95,
) -> IndependentDifference:
    """Compare two estimates made from different samples.

    Both intervals have the confidence that the interval of the difference gets. On samples that
    share items, it is too wide or too narrow: pair them instead.

    Raises:
        InputError: a confidence that is not between 0 and 1, or an estimate outside its interval.
    """
    if not 0 < confidence < 1:
        raise InputError(f"confidence {confidence}: give a number between 0 and 1")
    difference = second - first
    if any(map(math.isnan, (difference, *first_ci, *second_ci))):
        return IndependentDifference(difference, math.nan, math.nan, math.nan)
    for value, (low, high) in ((first, first_ci), (second, second_ci)):
        if not low <= value <= high:
            raise InputError(f"the estimate {value} lies outside its interval [{low}, {high}]")
    down = math.hypot(second - second_ci[0], first_ci[1] - first)
    up = math.hypot(second_ci[1] - second, first - first_ci[0])
    towards_zero = down if difference > 0 else up
    if towards_zero == 0:
        p = 1.0 if difference == 0 else 0.0
    else:
        z = special.ndtri((1 + confidence) / 2) * abs(difference) / towards_zero
        p = float(2 * special.ndtr(-z))
    return IndependentDifference(difference, difference - down, difference + up, p)
