"""``unskew stimuli``: see what is asked."""

from typing import Annotated

import typer

stimuli = typer.Typer(help="See the word lists and prompts.", no_args_is_help=True)


@stimuli.command("list")
def list_all() -> None:
    """Names and titles of the shipped stimuli."""
    from unskew.stimuli import builtin_stimuli, load_stimuli

    for name in builtin_stimuli():
        s = load_stimuli(name)
        mark = " [historical]" if s.historical else ""
        typer.echo(f"{name}{mark}: {s.title} ({', '.join(s.sections)})")


@stimuli.command()
def show(
    name: Annotated[str, typer.Argument(help="A shipped name or a JSON file.")],
) -> None:
    """Print one stimuli file: source, licence, note and every word, as JSON."""
    from unskew.stimuli import load_stimuli

    typer.echo(load_stimuli(name).model_dump_json(indent=2, exclude_defaults=True))
