"""``unskew install-metrics``: make the bare names work in ``evaluate``."""

import typer

from unskew.errors import InputError
from unskew.hub.register import install_metrics as install
from unskew.hub.register import modules_cache


def install_metrics() -> None:
    """Make evaluate.load("weat_bias") and its siblings work without a network."""
    try:
        paths = install()
    except OSError as error:
        raise InputError(
            f"cannot write evaluate's module cache {modules_cache()}: {error.strerror}; "
            "set HF_MODULES_CACHE to a folder that can be written"
        ) from error
    for path in paths:
        typer.echo(f'evaluate.load("{path.stem}") works ({path})')
