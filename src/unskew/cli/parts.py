"""Options that are written as two parts."""

from unskew.errors import InputError


def two_parts(text: str, by: str, option: str, example: str) -> tuple[str, str]:
    """Both sides of the first ``by``. Raises InputError if one is empty."""
    parts = text.split(by, 1)
    if len(parts) != 2 or not all(p.strip() for p in parts):
        raise InputError(f"{option} {text!r}: write it as {example}")
    return parts[0].strip(), parts[1].strip()
