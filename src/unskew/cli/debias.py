"""``unskew debias``: make a model less biased."""

from pathlib import Path
from typing import Annotated

import typer

from unskew.cli.parts import two_parts
from unskew.debias.methods import METHODS


def debias(
    method: Annotated[str, typer.Argument(help=f"One of {', '.join(METHODS)}.")],
    model: Annotated[str, typer.Argument(help="Hub id, local path, or unskew/mini.")],
    data: Annotated[
        str,
        typer.Option(
            help="Labelled images: a Hub id, a folder or a table. Fitted on its train part; its "
            "test part is audited before and after."
        ),
    ],
    attribute: Annotated[
        list[str], typer.Option(help="Label column to debias for; repeat to cross several.")
    ],
    out: Annotated[
        Path,
        typer.Option(
            help="Folder for the debiased model, and the report in it. A run that was stopped "
            "goes on from the checkpoints here."
        ),
    ],
    config: Annotated[
        str | None, typer.Option(help="Configuration of the labelled images' data set.")
    ] = None,
    preserve: Annotated[
        list[str] | None,
        typer.Option(
            help="General images that should stay as they are, labels not needed; captions or "
            "classes let methods watch the utility, and the report say what was lost on their "
            "test part. Repeat."
        ),
    ] = None,
    preserve_limit: Annotated[int, typer.Option(help="Images taken of each of these.")] = 800,
    exclude: Annotated[
        list[str] | None, typer.Option(help="Leave a subgroup out, as race=Other; repeat.")
    ] = None,
    identities: Annotated[
        Path | None,
        typer.Option(help="JSON file of words for the subgroups. Default: the shipped ones."),
    ] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="An option of the method itself, as rank=8; one that does not exist lists those "
            "that do. Repeat.",
        ),
    ] = None,
    stimuli: Annotated[
        list[str] | None,
        typer.Option(help="What the report asks: shipped name or JSON file; repeat. Default: all."),
    ] = None,
    k: Annotated[
        int | None,
        typer.Option(help="Length of the ranked list. Default: a quarter of the test images."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of every random draw.")] = 0,
    batch_size: Annotated[int, typer.Option(help="Images per forward.")] = 32,
    device: Annotated[
        str | None, typer.Option(help="Where the model runs. Default: the GPU if there is one.")
    ] = None,
    dtype: Annotated[
        str | None, typer.Option(help="Of the weights, as bfloat16. Default: float32.")
    ] = None,
) -> None:
    """Debias MODEL by METHOD: a model that loads like any other, what changed, and what it cost."""
    from unskew.cli.show import show_debiased
    from unskew.debias import debias_model

    done = debias_model(
        method,
        model,
        data,
        attribute,
        out,
        preserve=preserve or (),
        preserve_limit=preserve_limit,
        exclude=[two_parts(e, "=", "--exclude", "race=Other") for e in exclude or ()],
        identities=identities,
        options=dict(two_parts(s, "=", "--set", "rank=8") for s in setting or ()),
        stimuli=stimuli,
        k=k,
        seed=seed,
        batch_size=batch_size,
        device=device,
        dtype=dtype,
        config=config,
    )
    if done is not None:
        show_debiased(done, out)
