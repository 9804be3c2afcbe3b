"""``unskew embed``: vectors for later, or for another tool."""

from pathlib import Path
from typing import Annotated

import typer


def embed(
    model: Annotated[str, typer.Argument(help="Hub id, local path, or unskew/mini.")],
    dataset: Annotated[str, typer.Argument(help="faces, emoji, a Hub id, a folder or a table.")],
    out: Annotated[Path, typer.Option(help="Folder for images.safetensors, texts.safetensors.")],
    stimuli: Annotated[
        list[str] | None,
        typer.Option(help="Shipped name or JSON file; repeat for several. Default: all shipped."),
    ] = None,
    category: Annotated[
        list[str] | None, typer.Option(help="Label column to keep; repeat for several.")
    ] = None,
    split: Annotated[str | None, typer.Option(help="Split of the data set.")] = None,
    config: Annotated[str | None, typer.Option(help="Configuration of the data set.")] = None,
    image_column: Annotated[str | None, typer.Option(help="Column that holds the images.")] = None,
    batch_size: Annotated[int, typer.Option(help="Images per forward.")] = 32,
) -> None:
    """Embed the images of DATASET and all prompts; `unskew audit` takes both files back."""
    from unskew.audit.embed import save_embedded

    images, texts, unreadable = save_embedded(
        model,
        dataset,
        out,
        stimuli,
        categories=category,
        batch_size=batch_size,
        split=split,
        config=config,
        image_column=image_column,
    )
    for line in unreadable:
        typer.echo(f"left out: {line}", err=True)
    typer.echo(f"{images}\n{texts}")
