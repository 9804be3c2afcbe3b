"""Spaces: a metric that `evaluate.load("you/name")` finds, and the demo."""

from __future__ import annotations

from pathlib import Path

from unskew import __version__
from unskew.errors import InputError, NotFoundError
from unskew.hub.cards import CARD, checked
from unskew.hub.publish.bundle import Bundle
from unskew.hub.register import metric_names, metrics_root, shipped

DEMO = "bias_explorer"
REQUIRED = ("title", "sdk", "sdk_version", "app_file", "license")


def metric_bundle(name: str, repo_id: str) -> Bundle:
    """One of the shipped metrics, under the name of the repository.

    evaluate looks for a module that is called as the repository is, so the module is renamed
    where the two differ.

    Raises:
        NotFoundError: there is no such metric.
        InputError: the repository's name cannot be the module's, or the card lacks something.
    """
    if name not in metric_names():
        raise NotFoundError(f"there is no metric {name}; there are {', '.join(metric_names())}")
    module = repo_id.split("/")[-1]
    if not module.isidentifier():
        raise InputError(
            f"evaluate cannot load a metric called {module}: take letters, digits and _, as in "
            f"{repo_id.split('/')[0]}/{name}"
        )
    files = _files(metrics_root() / name)
    shim = files.pop(f"{name}.py")
    if f"{module}.py" in files:
        raise InputError(f"{module}.py is the page of a metric's Space: call the metric otherwise")
    files[f"{module}.py"] = shim
    return _bundle(name, files, f"The metric {name} of unskew")


def space_bundle() -> Bundle:
    """The demo Space, as it is shipped.

    Raises:
        InputError: its card lacks something.
    """
    return _bundle(DEMO, _files(shipped("spaces") / DEMO), "The bias explorer of unskew")


def _bundle(name: str, files: dict[str, bytes | Path], message: str) -> Bundle:
    """With a file that says which Space it is: app.py is in every other one too.

    No pattern of names is ours: people add modules and lists of their own to a Space.
    """
    _check(files)
    marker = f".unskew-{name}"
    files[marker] = f"{message}, {__version__}\n".encode()
    return Bundle("space", files, message, marker, ())


def _files(folder: Path) -> dict[str, bytes | Path]:
    found = {p.relative_to(folder).as_posix(): p for p in sorted(folder.rglob("*")) if p.is_file()}
    return {name: path for name, path in found.items() if "__pycache__" not in name}


def _check(files: dict[str, bytes | Path]) -> None:
    """The card has what a Space needs to start, and the app it names is there."""
    if not isinstance(card := files.get(CARD), Path):
        raise InputError(f"the Space has no {CARD}")
    metadata = checked(card.read_text(encoding="utf-8"), REQUIRED, CARD)
    if metadata["app_file"] not in files:
        raise InputError(f"{CARD} names the app {metadata['app_file']}, which is not there")
