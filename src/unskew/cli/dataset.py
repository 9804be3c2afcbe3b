"""``unskew dataset``: from a curation to a set that others can load."""

from pathlib import Path
from typing import Annotated

import typer

dataset = typer.Typer(help="Make sets that load_dataset reads.", no_args_is_help=True)


@dataset.command()
def build(
    folder: Annotated[Path, typer.Argument(help="A folder that `unskew curate` has made.")],
    out: Annotated[Path, typer.Option(help="Folder for the set.")],
    urls_only: Annotated[
        bool, typer.Option("--urls-only", help="Addresses without images, whatever the licence.")
    ] = False,
    private: Annotated[
        bool,
        typer.Option(
            "--private", help="All images, whatever the licence: for your own use, not to publish."
        ),
    ] = False,
    removals: Annotated[
        Path | None,
        typer.Option(
            help="SHA-256 hashes and addresses to leave out, one a line, beside those of the "
            "folder's own removals.txt."
        ),
    ] = None,
    shares: Annotated[
        str, typer.Option(help="Of train, validation and test; 0:0:1 is all test.")
    ] = "6:1:3",
    seed: Annotated[int, typer.Option(help="Of the draw of splits.")] = 0,
    contact: Annotated[
        str | None,
        typer.Option(help="Where to ask for an image to be taken down. Default: a blank to fill."),
    ] = None,
    blur_bystanders: Annotated[
        bool,
        typer.Option(
            "--blur-bystanders",
            help="Hide all faces but one in every image. Faces are those that "
            "`unskew curate --faces` has found.",
        ),
    ] = False,
) -> None:
    """Make a set of what was curated and reviewed: Parquet files, card, datasheet, metadata."""
    from unskew.cli.show_set import show_set
    from unskew.curate.build import build_set
    from unskew.curate.sets.assemble import Plan
    from unskew.curate.sets.rights import chosen_mode
    from unskew.curate.sets.split import parse_shares

    mode = chosen_mode(urls_only, private)
    plan = Plan(mode, removals, parse_shares(shares), seed, contact, blur_bystanders)
    show_set(build_set(folder, out, plan))


@dataset.command("import")
def import_(
    name: Annotated[str, typer.Argument(help="mmbias, fairface, utkface or pairs.")],
    path: Annotated[
        Path, typer.Argument(help="Its folder on this disk; of mmbias, its list URLs.txt.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for the set.")],
    removals: Annotated[
        Path | None,
        typer.Option(help="SHA-256 hashes and addresses to leave out, one a line."),
    ] = None,
    shares: Annotated[
        str,
        typer.Option(help="Of train, validation and test, where the original has no splits."),
    ] = "6:1:3",
    seed: Annotated[int, typer.Option(help="Of the draw of splits.")] = 0,
    contact: Annotated[
        str | None,
        typer.Option(help="Where to ask for an image to be taken down. Default: a blank to fill."),
    ] = None,
) -> None:
    """Bring a set that others have published into the same columns."""
    from unskew.cli.show_set import show_set
    from unskew.curate.imports import import_set
    from unskew.curate.sets.assemble import Plan
    from unskew.curate.sets.split import parse_shares

    plan = Plan("images", removals, parse_shares(shares), seed, contact)
    show_set(import_set(name, path, out, plan))


@dataset.command()
def hydrate(
    set_: Annotated[
        str,
        typer.Argument(
            metavar="SET",
            help="A set of addresses: a folder that `unskew dataset build` has made, or the id of "
            "one on the Hub, as you/real-world-bias.",
        ),
    ],
    out: Annotated[
        Path, typer.Option(help="Folder for the set with images. A stopped run goes on from here.")
    ],
) -> None:
    """Download the images of a set of addresses, check them, and say what has gone."""
    from unskew.cli.show_set import show_hydrated
    from unskew.curate.hydrate import hydrate_set

    show_hydrated(hydrate_set(set_, out))
