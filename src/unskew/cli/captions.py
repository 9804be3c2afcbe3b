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
    config: Annotated[str | None, typer.Option(help="Configuration of the data set.")] = None,
    confidence: Annotated[float, typer.Option(help="Of the intervals.")] = 0.95,
    batch_size: Annotated[int, typer.Option(help="Images per forward.")] = 32,
    device: Annotated[
        str | None, typer.Option(help="Where the model runs. Default: the GPU if there is one.")
    ] = None,
) -> None:
    """Swap the identity in captions, and see how their similarity with the photo changes."""
    from unskew.audit.captions import audit_captions
    from unskew.audit.save import check_writable
    from unskew.cli.show import show_captions
    from unskew.corpora.captioned import load_captioned
    from unskew.encoders import DualEncoder

    check_writable(out)
    photos = load_captioned(data, split, config=config)
    encoder = DualEncoder.from_pretrained(model, device)
    done = audit_captions(encoder, photos, category, confidence=confidence, batch_size=batch_size)
    show_captions(done, done.save(out))
