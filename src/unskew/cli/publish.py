"""``unskew publish``: put a model, a data set, a metric or the demo on the Hugging Face Hub."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from unskew.hub.publish import Bundle

publish = typer.Typer(
    help="Put a model, a set, a metric or the demo on the Hugging Face Hub.", no_args_is_help=True
)

Repo = Annotated[str, typer.Option(help="Where to, as you/name; made if there is none.")]
Private = Annotated[bool, typer.Option("--private", help="Make a repository that you alone see.")]
DryRun = Annotated[
    bool,
    typer.Option("--dry-run", help="Print the files and the card, and ask nothing of the Hub."),
]
Revision = Annotated[
    str | None, typer.Option(help="A branch, made if there is none. Default: main.")
]
CreatePr = Annotated[
    bool, typer.Option("--create-pr", help="As a pull request, which changes no branch.")
]


@publish.command()
def model(
    folder: Annotated[Path, typer.Argument(help="A folder that `unskew debias` has made.")],
    repo: Repo,
    private: Private = False,
    dry_run: DryRun = False,
    revision: Revision = None,
    create_pr: CreatePr = False,
) -> None:
    """A debiased model, with a card made from its measured report."""
    from unskew.hub.publish import model_bundle
    from unskew.upload import check_name

    check_name(repo)
    _publish(model_bundle(folder, repo), repo, private, dry_run, revision, create_pr)


@publish.command()
def dataset(
    folder: Annotated[Path, typer.Argument(help="A set that `unskew dataset build` has made.")],
    repo: Repo,
    private: Private = False,
    dry_run: DryRun = False,
    revision: Revision = None,
    create_pr: CreatePr = False,
) -> None:
    """A set, with its card and datasheet."""
    from unskew.hub.publish import dataset_bundle
    from unskew.upload import check_name

    check_name(repo)
    _publish(dataset_bundle(folder, repo), repo, private, dry_run, revision, create_pr)


@publish.command()
def metric(
    name: Annotated[str, typer.Argument(help="A shipped metric, as weat_bias.")],
    repo: Repo,
    private: Private = False,
    dry_run: DryRun = False,
    revision: Revision = None,
    create_pr: CreatePr = False,
) -> None:
    """A metric as a Space, for evaluate.load("you/name")."""
    from unskew.hub.publish import metric_bundle
    from unskew.upload import check_name

    check_name(repo)
    _publish(metric_bundle(name, repo), repo, private, dry_run, revision, create_pr)


@publish.command()
def space(
    repo: Repo,
    private: Private = False,
    dry_run: DryRun = False,
    revision: Revision = None,
    create_pr: CreatePr = False,
) -> None:
    """The demo, as a Space."""
    from unskew.hub.publish import space_bundle
    from unskew.upload import check_name

    check_name(repo)
    _publish(space_bundle(), repo, private, dry_run, revision, create_pr)


def _publish(
    bundle: "Bundle",
    repo: str,
    private: bool,
    dry_run: bool,
    revision: str | None,
    create_pr: bool,
) -> None:
    from unskew.hub.publish import send

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
