"""Find and read a stimuli file: a shipped one by name, or the user's own by path."""

import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from unskew.errors import InputError, NotFoundError
from unskew.stimuli.schema import Stimuli

_DATA = files("unskew.stimuli") / "data"
Form = TypeVar("Form", bound=BaseModel)
_NOT_STIMULI = {"taxonomy", "identities", "descriptions", "swaps"}


def builtin_stimuli() -> list[str]:
    """Names of the shipped stimuli, sorted."""
    names = (entry.name.removesuffix(".json") for entry in _DATA.iterdir())
    return sorted(n for n in names if n not in _NOT_STIMULI and not n.startswith("_"))


def load_stimuli(name_or_path: str | Path | Stimuli) -> Stimuli:
    """Read stimuli by shipped name (``"mmbias"``) or from a JSON file; pass ``Stimuli`` through.

    Raises:
        NotFoundError: neither a shipped name nor a file.
        InputError: the file is not JSON or does not follow ``unskew.stimuli.schema``.
    """
    if isinstance(name_or_path, Stimuli):
        return name_or_path
    if str(name_or_path) in builtin_stimuli():
        return _builtin(str(name_or_path))
    path = Path(name_or_path)
    if not path.is_file():
        known = ", ".join(builtin_stimuli())
        raise NotFoundError(f"stimuli {str(name_or_path)!r}: no such file; shipped are {known}")
    return read_words(Stimuli, path, "stimuli file")


@cache
def _builtin(name: str) -> Stimuli:
    return shipped_words(Stimuli, name, "stimuli file")


def read_words(form: type[Form], path: str | Path, what: str) -> Form:
    """A user's file of this form, called ``what`` in messages.

    Raises:
        NotFoundError: no such file.
        InputError: it is not JSON of this form, or cannot be read.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise NotFoundError(f"{what} {path}: no such file") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{what} {path}: not UTF-8 text ({error.reason})") from error
    except OSError as error:
        raise InputError(f"{what} {path} cannot be read: {error.strerror or error}") from error
    return _parse(form, text, f"{what} {path}")


def shipped_words(form: type[Form], name: str, what: str) -> Form:
    """The file of this form and name that comes with the package."""
    return _parse(form, (_DATA / f"{name}.json").read_text(encoding="utf-8"), f"{what} {name}")


def _parse(form: type[Form], text: str, origin: str) -> Form:
    try:
        return form.model_validate_json(text)
    except ValidationError as error:
        raise InputError(f"{origin}: {_first_problem(error, text)}") from error


def _first_problem(error: ValidationError, text: str) -> str:
    """One line: where in a file of stimuli, `text`, and what is wrong there."""
    problem = error.errors(include_url=False)[0]
    if problem["type"] == "json_invalid":
        try:
            json.loads(text)
        except json.JSONDecodeError as bad:
            return f"not valid JSON, line {bad.lineno} column {bad.colno}: {bad.msg}"
    where = ".".join(str(step) for step in problem["loc"])
    what = {
        "missing": "this key is missing",
        "extra_forbidden": "this key is not known here",
        "too_short": "has too few entries",
        "string_too_short": "must not be empty",
    }.get(problem["type"], problem["msg"].removeprefix("Value error, "))
    more = error.error_count() - 1
    return (f"{where}: " if where else "") + what + (f" (and {more} more)" if more else "")
