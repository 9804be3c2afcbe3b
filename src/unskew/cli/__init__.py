"""The ``unskew`` command. One file per verb; no logic lives here."""

import sys

import typer

from unskew import __version__
from unskew.cli.allocation import keep_freed_memory
from unskew.cli.audit import audit
from unskew.cli.captions import captions
from unskew.cli.cka import cka
from unskew.cli.collect import collect
from unskew.cli.compare import compare
from unskew.cli.curate import curate
from unskew.cli.dataset import dataset
from unskew.cli.debias import debias
from unskew.cli.demo import demo
from unskew.cli.embed import embed
from unskew.cli.metrics import install_metrics
from unskew.cli.publish import publish
from unskew.cli.review import review
from unskew.cli.stimuli import stimuli
from unskew.cli.study import study
from unskew.errors import UnskewError

# Modules that only the extra of this name installs, without which nothing is decoded.
_OF_CURATE = ("cv2", "onnxruntime", "simplejpeg")

app = typer.Typer(
    help="Measure, mitigate and share: social bias in vision-language models.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(audit)
app.command()(captions)
app.command()(cka)
app.command()(collect)
app.command()(compare)
app.command()(curate)
app.command()(debias)
app.command()(demo)
app.command()(embed)
app.command("install-metrics")(install_metrics)
app.command()(review)
app.add_typer(dataset, name="dataset")
app.add_typer(publish, name="publish")
app.add_typer(stimuli, name="stimuli")
app.add_typer(study, name="study")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"unskew {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version and stop."
    ),
) -> None:
    """Measure, mitigate and share: social bias in vision-language models."""


def main() -> None:
    """Entry point: an error that a user can mend is one line and exit code 2."""
    if "demo" not in sys.argv[1:2]:  # a server runs for days, and gives back what it has freed
        keep_freed_memory()
    try:
        app()
    except UnskewError as error:
        print(f"unskew: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(2)
    except ModuleNotFoundError as error:
        if error.name not in _OF_CURATE:
            raise
        print(
            f"unskew: {error.name} is not installed: pip install 'unskew[curate]' brings it",
            file=sys.stderr,
        )
        sys.exit(2)
