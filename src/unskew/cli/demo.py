"""``unskew demo``: the app of the demonstration Space, on this machine."""

from typing import Annotated

import typer


def demo(
    model: Annotated[
        list[str] | None,
        typer.Option(
            help="A model to offer beside the built-in ones: a Hub id or a local path; repeat."
        ),
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="Port on this machine. Default: the first free from 7860.")
    ] = None,
) -> None:
    """Explore a model in the browser: audit, before and after debiasing, similarities, layers."""
    from unskew.demo.models import LOCAL
    from unskew.demo.serve import serve

    serve((*LOCAL, *(model or ())), port)
