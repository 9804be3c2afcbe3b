"""``unskew audit``: measure a model."""

from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer

from unskew.cli.parts import two_parts


def audit(
    model: Annotated[
        str, typer.Argument(help="Hub id, local path, unskew/mini, or a file of text embeddings.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for the report.")] = Path("audit"),
    before: Annotated[
        str | None,
        typer.Option(
            help="Another model, such as the one MODEL was debiased from: the report says what "
            "changed since."
        ),
    ] = None,
    dataset: Annotated[
        list[str] | None,
        typer.Option(
            help="faces, emoji, a Hub id, a folder, a table, or a file of image embeddings; "
            "repeat for several. Default: faces and emoji."
        ),
    ] = None,
    stimuli: Annotated[
        list[str] | None,
        typer.Option(help="Shipped name or JSON file; repeat for several. Default: all shipped."),
    ] = None,
    category: Annotated[
        list[str] | None,
        typer.Option(help="Label column to use; repeat. Default: all that look like labels."),
    ] = None,
    cross: Annotated[
        list[str] | None,
        typer.Option(help="Intersectional subgroups of two categories, as gender,age; repeat."),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(help="Leave a subgroup out, as race=Other; repeat."),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(help="Split of the data set; all takes all together. Default: test."),
    ] = None,
    config: Annotated[str | None, typer.Option(help="Configuration of the data set.")] = None,
    image_column: Annotated[str | None, typer.Option(help="Column that holds the images.")] = None,
    k: Annotated[
        int | None, typer.Option(help="Length of the ranked list. Default: a tenth of the images.")
    ] = None,
    target: Annotated[
        Literal["pool", "uniform"],
        typer.Option(help="Due shares in a ranking: pool (those of the images) or uniform."),
    ] = "pool",
    top: Annotated[int, typer.Option(help="Nearest attributes to list per subgroup.")] = 8,
    permutations: Annotated[
        int, typer.Option(help="Draws of a p-value that is not exact.")
    ] = 10_000,
    confidence: Annotated[float, typer.Option(help="Of the intervals.")] = 0.95,
    seed: Annotated[int, typer.Option(help="Of every random draw.")] = 0,
    batch_size: Annotated[int, typer.Option(help="Images per forward.")] = 32,
    device: Annotated[
        str | None, typer.Option(help="Where the model runs. Default: the GPU if there is one.")
    ] = None,
    dtype: Annotated[
        str | None, typer.Option(help="Of the weights, as bfloat16. Default: float32.")
    ] = None,
    fail_above: Annotated[
        float | None,
        typer.Option(
            help="Exit with 1 if a clear difference between two subgroups, of images or phrases, "
            "has an effect size above this (single contrasts and word tests do not count)."
        ),
    ] = None,
) -> None:
    """Audit MODEL: a bias report as JSON, Markdown, HTML and figures."""
    from unskew.audit.run import audit_model, open_encoder
    from unskew.audit.save import check_folder
    from unskew.cli.show import show_report
    from unskew.corpora import BUILTIN

    check_folder(out)
    ask = partial(
        audit_model,
        images=dataset or tuple(BUILTIN),
        stimuli=stimuli,
        categories=category,
        cross=[two_parts(c, ",", "--cross", "gender,age") for c in cross or ()],
        exclude=[two_parts(e, "=", "--exclude", "race=Other") for e in exclude or ()],
        k=k,
        ranking_target=target,
        top=top,
        permutations=permutations,
        confidence=confidence,
        seed=seed,
        batch_size=batch_size,
        split=split,
        config=config,
        image_column=image_column,
    )
    encoders = [open_encoder(m, device, dtype) for m in (model, before) if m is not None]
    report, *earlier = map(ask, encoders)
    if earlier:
        report = report.beside(*earlier)
    report.save(out)
    show_report(report, out)
    row = None if fail_above is None else report.exceeds(fail_above)
    if row is not None:
        typer.echo(
            f"Failed: |d| = {abs(row.effect_size):.2f} is above {fail_above}: "
            f"{row.sentence} ({row.dataset}, {row.category}).",
            err=True,
        )
        raise typer.Exit(1)
