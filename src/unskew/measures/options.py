"""The choices every WEAT function offers, checked once."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral, Real
from typing import Literal

import numpy as np

from unskew.errors import InputError

Alternative = Literal["greater", "less", "two-sided"]
Interval = Literal["noncentral-t", "bca", "percentile"]
Statistic = Literal["difference", "studentised"]

ALTERNATIVES = ("greater", "less", "two-sided")
INTERVALS = ("noncentral-t", "bca", "percentile")
STATISTICS = ("difference", "studentised")


@dataclass(frozen=True)
class WeatOptions:
    """See `unskew.measures.weat.weat` for what each one means. Raises InputError if unusable."""

    ddof: int = 1
    permutations: int = 10_000
    alternative: Alternative = "greater"
    confidence: float | None = 0.95
    interval: Interval = "noncentral-t"
    exact_limit: int = 20_000
    seed: int = 0
    statistic: Statistic = "difference"

    def __post_init__(self) -> None:
        if self.ddof not in (0, 1):
            raise InputError(
                f"ddof is {self.ddof!r}; use 1 (sample standard deviation) or 0 (population)"
            )
        least = {"ddof": 0, "permutations": 1, "exact_limit": 0, "seed": 0}
        for name, lowest in least.items():
            # Plain integers, so that results turn into JSON whatever the caller counts with.
            object.__setattr__(self, name, _whole_number(name, getattr(self, name), lowest))
        _one_of("alternative", self.alternative, ALTERNATIVES)
        _one_of("interval", self.interval, INTERVALS)
        _one_of("statistic", self.statistic, STATISTICS)
        if self.confidence is not None:
            object.__setattr__(self, "confidence", _level(self.confidence))


def _whole_number(name: str, value: object, least: int) -> int:
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise InputError(f"{name} is {value!r}; give a whole number of at least {least}")
    return int(value)


def _level(value: object) -> float:
    level = float(value) if isinstance(value, Real) else np.nan
    if not 0 < level < 1:
        raise InputError(
            f"confidence is {value!r}; give a number between 0 and 1, or None for no interval"
        )
    return level


def _one_of(name: str, value: object, known: tuple[str, ...]) -> None:
    if value not in known:
        raise InputError(f"{name} is {value!r}; use one of {', '.join(known)}")
