"""``unskew install-metrics``: make the bare names work in ``evaluate``."""

import typer


def install_metrics() -> None:
    """Make evaluate.load("weat_bias") and its siblings work without a network."""
    from unskew.hub.register import install_metrics as install

    for path in install():
        typer.echo(f'evaluate.load("{path.stem}") works ({path})')
