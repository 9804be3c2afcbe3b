"""``unskew curate``: a raw pile, checked and flagged."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from unskew.curate.pipeline import Curated


def curate(
    raw: Annotated[
        Path, typer.Argument(help="A folder of images, a JSONL export, or a collection.")
    ],
    out: Annotated[
        Path, typer.Option(help="Folder for the result. A run that was stopped goes on from here.")
    ],
    thresholds: Annotated[
        Path | None, typer.Option(help="JSON file with thresholds to change.")
    ] = None,
    classifier: Annotated[
        str | None,
        typer.Option(
            help="A text classifier (folder or Hub id) for abusive texts, beside the word list."
        ),
    ] = None,
    embed: Annotated[
        str | None,
        typer.Option(
            help="A dual encoder (folder, Hub id, unskew/mini) for look-alikes, beside the "
            "fingerprints."
        ),
    ] = None,
    faces: Annotated[
        bool, typer.Option("--faces", help="Find faces too: where they are, never whose.")
    ] = False,
    face_crops: Annotated[
        bool,
        typer.Option(
            "--face-crops", help="Find faces and cut each out, set upright: the folder aligned."
        ),
    ] = False,
) -> None:
    """Gather RAW into a folder, check every image and text, and flag what fails."""
    from unskew.curate.abuse import open_classifier
    from unskew.curate.look_alikes import open_embedder
    from unskew.curate.pipeline import curate as run

    done = run(
        raw,
        out,
        thresholds=thresholds,
        classifier=None if classifier is None else open_classifier(classifier),
        embedder=None if embed is None else (embed, open_embedder(embed)),
        faces=faces,
        face_crops=face_crops,
    )
    _show(done)


def _show(done: Curated) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("check")
    table.add_column("flagged", justify="right")
    for check, count in done.flagged.items():
        table.add_row(check, str(count))
    console.print(table)
    lines = [f"{done.total} records, {done.new} of them new; {done.unflagged} have no flag."]
    if done.with_faces is not None:
        lines.append(f"{done.with_faces} have a face.")
    if done.face_crops is not None:
        lines.append(f"{done.face_crops} faces are cut out in {done.folder / 'aligned'}.")
    if done.unlabelled:
        lines.append(f"Not in the taxonomy, so without a subgroup: {', '.join(done.unlabelled)}.")
    if done.unreached:
        lines.append(f"{done.unreached} images could not be reached: run it again to try anew.")
    lines.append(f"Next: unskew review {done.folder}")
    for line in lines:
        console.print(escape(line), soft_wrap=True)
