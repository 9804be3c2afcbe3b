"""The choices every WEAT function offers, checked once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from unskew.errors import InputError

Alternative = Literal["greater", "less", "two-sided"]
Interval = Literal["noncentral-t", "bca", "percentile"]

ALTERNATIVES = ("greater", "less", "two-sided")
INTERVALS = ("noncentral-t", "bca", "percentile")


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

    def __post_init__(self) -> None:
        if self.ddof not in (0, 1):
            raise InputError(
                f"ddof is {self.ddof!r}; use 1 (sample standard deviation) or 0 (population)"
            )
        _whole_number("permutations", self.permutations, least=1)
        _whole_number("exact_limit", self.exact_limit, least=0)
        _whole_number("seed", self.seed, least=0)
        _one_of("alternative", self.alternative, ALTERNATIVES)
        _one_of("interval", self.interval, INTERVALS)
        level = self.confidence
        if level is not None and not (isinstance(level, float) and 0 < level < 1):
            raise InputError(
                f"confidence is {level!r}; give a number between 0 and 1, or None for no interval"
            )


def _whole_number(name: str, value: object, least: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise InputError(f"{name} is {value!r}; give a whole number of at least {least}")


def _one_of(name: str, value: object, known: tuple[str, ...]) -> None:
    if value not in known:
        raise InputError(f"{name} is {value!r}; use one of {', '.join(known)}")
