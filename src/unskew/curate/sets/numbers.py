"""What a set made of another takes over from its build.json, which anybody may have made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import ConfigDict, Field, FiniteFloat, TypeAdapter, ValidationError

from unskew.curate.sets.assemble import FORMAT
from unskew.curate.sets.rights import Mode
from unskew.errors import InputError

_Count = Annotated[int, Field(ge=0)]


@dataclass(frozen=True)
class Reviewed:
    """How many people decided, and on how many records."""

    reviewers: _Count
    records: _Count


@dataclass(frozen=True)
class Agreed:
    """One coefficient, as `unskew.curate.build.review` tells it: None where it is undefined."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    measure: str
    reviewers: tuple[str, ...]
    items: _Count
    value: FiniteFloat | None
    low: FiniteFloat | None
    high: FiniteFloat | None
    reason: str | None

    def __post_init__(self) -> None:
        if (self.low is None) != (self.high is None):
            raise ValueError("an interval has both ends or none")


@dataclass(frozen=True)
class Numbers:
    """See `unskew.curate.sets.assemble.Origin` and `Plan`; `mode` is how the other was made."""

    format: int
    mode: Mode
    title: str
    about: str
    shares: tuple[_Count, _Count, _Count]
    seed: int
    contact: str | None
    reviewed: Reviewed
    agreement: tuple[Agreed, ...]
    page: str | None = None

    def __post_init__(self) -> None:
        if self.format != FORMAT:
            raise ValueError(f"its format is {self.format}, and {FORMAT} is known")
        if not any(self.shares):
            raise ValueError("its shares are all 0")


_NUMBERS: TypeAdapter[Any] = TypeAdapter(Numbers)


def read_numbers(path: Path) -> Numbers:
    """Of a build.json. Raises InputError: it cannot be read, or is not what a build writes."""
    try:
        numbers: Numbers = _NUMBERS.validate_json(path.read_bytes(), strict=True)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        said = first["msg"].removeprefix("Value error, ")
        why = f"{place}: {said}" if place else said
        raise InputError(f"{path} is of another version of unskew, or damaged ({why})") from error
    return numbers
