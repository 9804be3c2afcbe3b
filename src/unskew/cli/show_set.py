"""A set that was built, on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from unskew.curate.hydrate import Hydrated
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
    bystanders = numbers.get("bystanders")
    if bystanders is not None:
        typer.echo(
            f"Bystanders: {bystanders['faces']} faces hidden in {bystanders['images']} images"
        )
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


def show_hydrated(done: Hydrated) -> None:
    """Print what is in it, and which images are not what or where they were."""
    show_set(done.built)
    if any(done.missing.values()):
        typer.echo(f"Which ones: {done.built.folder}/missing.jsonl")
    if done.missing["unreached"]:
        typer.echo("Run it again later: only the hosts that did not answer are asked again.")
    if done.unchecked:
        typer.echo(f"{done.unchecked} rows had no SHA-256 to check their image by.")
