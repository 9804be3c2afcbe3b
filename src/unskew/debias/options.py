"""The own options of a method: what there is, and how a text becomes a value."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_type_hints

from unskew.errors import InputError


@dataclass(frozen=True)
class Option:
    """``kind``: the type of its values. ``default``: the published one, where there is one."""

    name: str
    kind: Any
    default: Any

    def checked(self, value: Any) -> Any:
        """The value in the option's type; a text is read as one.

        Raises:
            InputError: it is none.
        """
        from pydantic import ConfigDict, TypeAdapter, ValidationError

        adapter = TypeAdapter(self.kind, config=ConfigDict(arbitrary_types_allowed=True))
        reason = ""
        for reading in _readings(value):
            try:
                return adapter.validate_python(reading)
            except ValidationError as error:
                reason = reason or error.errors()[0]["msg"]
        raise InputError(f"option {self.name}={value}: {reason[0].lower()}{reason[1:]}")


def options_of(owner: Callable[..., Any], without: Sequence[str] = ()) -> dict[str, Option]:
    """The keyword-only parameters of a function, or the fields of a dataclass."""
    hints = get_type_hints(owner)
    parameters = inspect.signature(owner).parameters.values()
    own = [p for p in parameters if p.kind is p.KEYWORD_ONLY or dataclasses.is_dataclass(owner)]
    return {p.name: Option(p.name, hints[p.name], p.default) for p in own if p.name not in without}


def check_options(
    known: Mapping[str, Option], given: Mapping[str, Any], method: str
) -> dict[str, Any]:
    """The options given, as values of their types.

    Raises:
        InputError: one is unknown, or its value is of another type.
    """
    for name in given:
        if name not in known:
            have = ", ".join(f"{o.name} ({o.default})" for o in known.values())
            listed = f"{have} (default in brackets)" if have else "none"
            raise InputError(f"{method} has no option {name!r}; it has {listed}")
    return {name: known[name].checked(value) for name, value in given.items()}


def _readings(value: Any) -> list[Any]:
    """What a text may stand for: itself, nothing, a list."""
    if not isinstance(value, str):
        return [value]
    return [value, *([None] if value.lower() == "none" else [value.split(",")])]
