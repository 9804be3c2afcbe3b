"""``unskew captions``: the counterfactual audit of captions."""

from pathlib import Path
from typing import Annotated

import typer


def captions(
    model: Annotated[str, typer.Argument(help="Hub id, local path, or unskew/mini.")],
    data: Annotated[str, typer.Option(help="Photos with captions: a Hub id, folder or table.")],
    out: Annotated[Path, typer.Option(help="Folder for the report.")] = Path("captions"),
    category: Annotated[
        list[str] | None,
        typer.Option(help="Category of the identity words; repeat. Default: all."),
    ] = None,
    split: Annotated[str | None, typer.Option(help="Split of the data set.")] = None,
    confidence: Annotated[float, typer.Option(help="Of the intervals.")] = 0.95,
    seed: Annotated[int, typer.Option(help="Of the bootstrap.")] = 0,
    batch_size: Annotated[int, typer.Option(help="Images per forward.")] = 32,
) -> None:
    """Swap the identity in captions, and see how their similarity with the photo changes."""
    from unskew.audit.captions import audit_captions
    from unskew.audit.run import open_encoder
    from unskew.audit.save import check_writable
    from unskew.cli.show import show_captions
    from unskew.corpora.captioned import load_captioned

    check_writable(out)
    photos = load_captioned(data, split)
    done = audit_captions(
        open_encoder(model),
        photos,
        category,
        confidence=confidence,
        seed=seed,
        batch_size=batch_size,
    )
    show_captions(done, done.save(out))
