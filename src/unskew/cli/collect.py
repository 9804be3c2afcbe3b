"""``unskew collect``: images of people, with their words, from services, folders and exports."""

from pathlib import Path
from typing import Annotated

import typer


def collect(
    source: Annotated[
        list[str],
        typer.Argument(
            help="reddit, x, bbc, cnn, unsplash, wikimedia, openverse, a folder of images, or a "
            ".jsonl file; several are asked one after the other."
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(help="Folder of the collection. A run that was stopped goes on from here."),
    ] = Path("collection"),
    category: Annotated[
        list[str] | None,
        typer.Option(
            help="Category whose subgroups services are searched for; repeat. Default: all."
        ),
    ] = None,
    subgroup: Annotated[
        list[str] | None,
        typer.Option(help="Subgroup that services are searched for; repeat. Default: all."),
    ] = None,
    per_query: Annotated[
        int, typer.Option(help="Images looked at of those that a service finds for a query.")
    ] = 100,
) -> None:
    """Collect images and their texts. Keys of services come from the environment."""
    from unskew.curate.collect import collect_named

    done = collect_named(source, out, categories=category, subgroups=subgroup, per_query=per_query)
    typer.echo(f"{done.folder}: {done.new} new records, {done.total} in all")
    if done.problems:
        typer.echo(f"{done.problems} of the new ones have no image; `problem` says why")
    if done.unreached:
        typer.echo(f"{done.unreached} images could not be fetched now: run it again later")
    if done.unlabelled:
        typer.echo(f"not in the taxonomy, so without a subgroup: {', '.join(done.unlabelled)}")
