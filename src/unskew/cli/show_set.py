"""A set that was built, on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from unskew.curate.sets.assemble import Built


def show_set(built: Built) -> None:
    """Print what is in it, what is not, and which requests for removal concern nothing in it."""
    numbers = built.numbers
    splits = ", ".join(f"{split} {rows}" for split, rows in numbers["splits"].items())
    typer.echo(f"{built.folder}: {numbers['rows']} rows of {numbers['images']} images ({splits})")
    for category, rows in numbers["categories"].items():
        counts: dict[str, int] = {}
        for row in rows:
            counts[row["subgroup"]] = counts.get(row["subgroup"], 0) + row["all"]
        typer.echo(f"  {category}: {', '.join(f'{s} {n}' for s, n in counts.items())}")
    if numbers["left_out"]:
        typer.echo(f"Not in it, of {numbers['candidates']} records:")
    for reason, count in numbers["left_out"].items():
        typer.echo(f"  {count}: {reason}")
    removals = numbers["removals"]
    if removals["listed"]:
        typer.echo(f"Removed on request: {removals['removed']} ({removals['listed']} listed)")
    for name in built.unknown_removals:
        typer.echo(f"  nothing here is {name}")
    if numbers["contact"] is None and numbers["publishable"]:
        typer.echo(f"Before publication: fill in the blanks of {built.folder}/README.md")
    if not numbers["publishable"]:
        typer.echo("Not to be published: it holds every image, whatever its licence.")
