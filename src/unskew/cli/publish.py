"""``unskew publish``: put a model, a data set, a metric or the demo on the Hugging Face Hub."""

import inspect
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from unskew.hub.publish import Bundle

publish = typer.Typer(
    help="Put a model, a set, a metric or the demo on the Hugging Face Hub.", no_args_is_help=True
)


def _with_options(bundle_of: Callable[..., "Bundle"]) -> Callable[..., None]:
    """A command: the parameters of what makes the bundle, and after them what all of them have."""

    def run(
        *,
        repo: Annotated[str, typer.Option(help="Where to, as you/name; made if there is none.")],
        private: Annotated[
            bool, typer.Option("--private", help="Make a repository that you alone see.")
        ] = False,
        dry_run: Annotated[
            bool,
            typer.Option("--dry-run", help="Print the files and the card; ask nothing of the Hub."),
        ] = False,
        revision: Annotated[
            str | None, typer.Option(help="A branch, made if there is none. Default: main.")
        ] = None,
        create_pr: Annotated[
            bool, typer.Option("--create-pr", help="As a pull request, which changes no branch.")
        ] = False,
        **own: Any,
    ) -> None:
        from unskew.hub.publish import send
        from unskew.upload import check_name

        check_name(repo)
        bundle = bundle_of(repo=repo, **own)
        for name, size in bundle.sizes().items():
            typer.echo(f"{size:>12,} {name}")
        for remark in bundle.remarks():
            typer.echo(f"Note: {remark}.", err=True)
        if dry_run:
            typer.echo(f"\n{bundle.card}")
            return
        done = send(bundle, repo, private=private, revision=revision, create_pr=create_pr)
        state = "Published" if done.changed else "Nothing to change: all of it is there already"
        typer.echo(f"{state}: {done.url} (commit {done.commit[:10]}, {len(bundle.files)} files)")

    # Typer reads parameters from the signature, and their kinds from the annotations.
    own = [p for p in inspect.signature(bundle_of).parameters.values() if p.name != "repo"]
    shared = list(inspect.signature(run).parameters.values())[:-1]
    run.__signature__ = inspect.Signature([*own, *shared])  # type: ignore[attr-defined]
    run.__annotations__ = {p.name: p.annotation for p in (*own, *shared)}
    run.__doc__ = bundle_of.__doc__
    return publish.command(bundle_of.__name__)(run)


@_with_options
def model(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="A folder that `unskew debias` has made.")],
    repo: str,
    merged: Annotated[
        bool,
        typer.Option("--merged", help="The whole weights, with the LoRA adapter merged in."),
    ] = False,
) -> "Bundle":
    """A debiased model, with a card made from its measured report."""
    from unskew.hub.publish import model_bundle

    if not merged:
        return model_bundle(folder, repo)
    # There until the command ends, which is after the weights were sent.
    scratch = TemporaryDirectory(prefix="unskew-merged-")
    return model_bundle(folder, repo, Path(context.with_resource(scratch)))


@_with_options
def dataset(
    folder: Annotated[Path, typer.Argument(help="A set that `unskew dataset build` has made.")],
    repo: str,
) -> "Bundle":
    """A set, with its card and datasheet."""
    from unskew.hub.publish import dataset_bundle

    return dataset_bundle(folder, repo)


@_with_options
def metric(
    name: Annotated[str, typer.Argument(help="A shipped metric, as weat_bias.")],
    repo: str,
) -> "Bundle":
    """A metric as a Space, for evaluate.load("you/name")."""
    from unskew.hub.publish import metric_bundle

    return metric_bundle(name, repo)


@_with_options
def space(repo: str) -> "Bundle":
    """The demo, as a Space."""
    from unskew.hub.publish import space_bundle

    return space_bundle()
