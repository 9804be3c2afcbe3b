"""What cards share: their metadata checked, their blanks found, their templates filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from unskew.errors import InputError
from unskew.hub.register import shipped

CARD = "README.md"
_BLANK = re.compile(r"\*\*\[TO BE FILLED IN: (.+?)\]\*\*", re.DOTALL)


def checked(text: str, required: Sequence[str], what: str) -> dict[str, Any]:
    """The metadata of a card that has these fields.

    Raises:
        InputError: there is no metadata, it cannot be read, or a field is missing.
    """
    import yaml
    from huggingface_hub.repocard import REGEX_YAML_BLOCK

    block = REGEX_YAML_BLOCK.search(text)
    try:
        metadata = yaml.safe_load(block.group(2)) if block else {}
    except yaml.YAMLError as error:
        line = " ".join(str(error).split())
        raise InputError(f"the metadata of {what} is not YAML: {line}") from error
    if not isinstance(metadata, dict):
        raise InputError(f"the metadata of {what} is no list of fields")
    missing = [name for name in required if metadata.get(name) in (None, "", [])]
    if missing:
        raise InputError(f"{what} lacks {', '.join(missing)} in its metadata")
    return metadata


def blank(what: str) -> str:
    """A place in a card that only a person can fill."""
    return f"**[TO BE FILLED IN: {what}]**"


def blanks(text: str) -> list[str]:
    """What a card waits for people to say."""
    return [" ".join(found.split()) for found in _BLANK.findall(text)]


def filled_in(template: str, values: Mapping[str, Any], filters: Mapping[str, Any]) -> str:
    """A template of `hub_cards/`, filled in; a value that is not given is an error."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(shipped("hub_cards")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # Markdown; names from other people's data pass through `cell`
    )
    environment.filters.update(filters)
    return environment.get_template(template).render(**values)
