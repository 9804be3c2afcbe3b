"""``unskew compare``: every method in one table."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from unskew.cli.parts import two_parts


def compare(
    model: Annotated[str, typer.Argument(help="Hub id, local path, or unskew/mini.")],
    data: Annotated[
        str,
        typer.Option(
            help="Labelled images: a Hub id, a folder or a table. Methods are fitted on the train "
            "part and judged, in domain, on the test part."
        ),
    ],
    attribute: Annotated[
        list[str], typer.Option(help="Label column to debias for; repeat to cross several.")
    ],
    out: Annotated[
        Path,
        typer.Option(help="Folder for the table. A run that was stopped goes on from here."),
    ] = Path("compare"),
    config: Annotated[
        str | None, typer.Option(help="Configuration of the labelled images' data set.")
    ] = None,
    out_of_domain: Annotated[
        str | None, typer.Option(help="Other images with the same label columns, to judge on.")
    ] = None,
    out_of_domain_config: Annotated[
        str | None, typer.Option(help="Configuration of that data set.")
    ] = None,
    retrieval: Annotated[
        str | None,
        typer.Option(
            help="Photos with captions: the train part is preserved, the test part judged."
        ),
    ] = None,
    zero_shot: Annotated[
        str | None,
        typer.Option(help="Images of classes: the train part is preserved, the test part judged."),
    ] = None,
    class_column: Annotated[
        str | None, typer.Option(help="The class, where the zero-shot images have several labels.")
    ] = None,
    method: Annotated[
        list[str] | None,
        typer.Option(help="Method to compare; repeat. Default: all; an unknown one lists them."),
    ] = None,
    seeds: Annotated[int, typer.Option(help="Fits of each method.")] = 3,
    with_: Annotated[
        list[str] | None,
        typer.Option(
            "--with", help="Another encoder to judge as it is, such as a debiased one; repeat."
        ),
    ] = None,
    k: Annotated[
        int | None,
        typer.Option(help="Images that a ranking shows first. Default: a quarter of them."),
    ] = None,
    target: Annotated[
        Literal["pool", "uniform"],
        typer.Option(help="Due shares in a ranking: pool (those of the images) or uniform."),
    ] = "pool",
    exclude: Annotated[
        list[str] | None, typer.Option(help="Leave a subgroup out, as race=Other; repeat.")
    ] = None,
    preserve_limit: Annotated[
        int, typer.Option(help="Images preserved of each general set.")
    ] = 800,
    zero_shot_limit: Annotated[
        int, typer.Option(help="Images judged zero-shot, the same ones for every row.")
    ] = 2000,
    batch_size: Annotated[int, typer.Option(help="Images per forward.")] = 32,
    device: Annotated[
        str | None, typer.Option(help="Where the model runs. Default: the GPU if there is one.")
    ] = None,
    dtype: Annotated[
        str | None, typer.Option(help="Of the weights, as bfloat16. Default: float32.")
    ] = None,
) -> None:
    """Compare debiasing methods of MODEL: bias, leakage and utility, in one table."""
    from unskew.cli.show import show_comparison
    from unskew.debias.prepare import compare_named

    table = compare_named(
        model,
        data,
        attribute,
        out,
        config=config,
        out_of_domain=out_of_domain,
        out_of_domain_config=out_of_domain_config,
        retrieval=retrieval,
        zero_shot=zero_shot,
        class_column=class_column,
        preserved=preserve_limit,
        classified=zero_shot_limit,
        methods=method,
        seeds=seeds,
        others=with_ or (),
        k=k,
        target=target,
        exclude=[two_parts(e, "=", "--exclude", "race=Other") for e in exclude or ()],
        batch_size=batch_size,
        device=device,
        dtype=dtype,
    )
    show_comparison(table, out)
