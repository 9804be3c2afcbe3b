"""``unskew cka``: which layers represent the same images alike."""

from pathlib import Path
from typing import Annotated, Literal

import typer


def cka(
    model_a: Annotated[
        str, typer.Argument(help="Hub id, local path, unskew/mini, or the folder of a classifier.")
    ],
    data: Annotated[
        str, typer.Option(help="Images: faces, a Hub id, a folder or a table. Labels not needed.")
    ],
    model_b: Annotated[
        str | None, typer.Argument(help="Another model. Default: MODEL_A against itself.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for cka.json and cka.png.")] = Path("cka"),
    layers: Annotated[
        str | None,
        typer.Option(help="Regular expression of layer names. Default: all but containers."),
    ] = None,
    tower: Annotated[
        Literal["image", "text"],
        typer.Option(help="Of a dual encoder; text wants DATA to have captions."),
    ] = "image",
    limit: Annotated[
        int | None, typer.Option(help="Images to take, evenly spaced. Default: all.")
    ] = None,
    split: Annotated[str | None, typer.Option(help="Split of the data set.")] = None,
    batch_size: Annotated[int, typer.Option(help="Images per forward, at least 4.")] = 64,
    device: Annotated[
        str | None, typer.Option(help="Where the models run. Default: the GPU if there is one.")
    ] = None,
    kernel: Annotated[
        Literal["linear", "rbf"],
        typer.Option(help="rbf: of distances over their median in the first batch."),
    ] = "linear",
    estimator: Annotated[
        Literal["unbiased", "biased"],
        typer.Option(help="biased is far too large with few images; for comparison only."),
    ] = "unbiased",
) -> None:
    """CKA between the layers of MODEL_A, or of two models: a heatmap and two numbers."""
    import unskew.classify.network  # noqa: F401 - makes our classifiers known to transformers
    from unskew.inside.opening import compare_named

    found = compare_named(
        model_a,
        model_b,
        data,
        tower=tower,
        layers=layers,
        batch_size=batch_size,
        limit=limit,
        split=split,
        device=device,
        kernel=kernel,
        estimator=estimator,
    )
    written = found.save(out / "cka.json"), found.heatmap(out / "cka.png")
    for line in (*found.summary(), *map(str, written)):
        typer.echo(line)
