"""Find and read a stimuli file: a shipped one by name, or the user's own by path."""

import json
from functools import cache
from importlib.resources import files
from pathlib import Path

from pydantic import ValidationError

from unskew.errors import InputError, NotFoundError
from unskew.stimuli.schema import Stimuli

_DATA = files("unskew.stimuli") / "data"
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
    try:
        return _parse(path.read_text(encoding="utf-8"), str(path))
    except UnicodeDecodeError as error:
        raise InputError(f"stimuli file {path}: not UTF-8 text ({error.reason})") from error


@cache
def _builtin(name: str) -> Stimuli:
    return _parse((_DATA / f"{name}.json").read_text(encoding="utf-8"), name)


def _parse(text: str, origin: str) -> Stimuli:
    try:
        return Stimuli.model_validate_json(text)
    except ValidationError as error:
        raise InputError(f"stimuli file {origin}: {first_problem(error, text)}") from error


def first_problem(error: ValidationError, text: str) -> str:
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
