"""Sets that others have published, brought into the columns of ours."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from unskew.curate.imports import fairface, mmbias, pairs, utkface
from unskew.curate.imports.base import About, Imported, Labelled, imported
from unskew.curate.sets.assemble import Built, Origin, Plan, assemble
from unskew.curate.sets.place import written_whole
from unskew.errors import InputError, NotFoundError

NAMES = ("mmbias", "fairface", "utkface", "pairs")
_WITH_IMAGES: dict[str, tuple[About, Callable[[Path], Iterator[Labelled]]]] = {
    "fairface": (fairface.ABOUT, fairface.read),
    "utkface": (utkface.ABOUT, utkface.read),
    "pairs": (pairs.ABOUT, pairs.read),
}


def import_set(name: str, path: str | Path, out: str | Path, plan: Plan | None = None) -> Built:
    """Make a set of one that others have published, from a folder or list on this disk.

    Its own splits stay; where it has none, they are drawn. Whether it holds images, and whether it
    may be published, follows from the licence of the original, and not from the plan.

    Args:
        name: one of `NAMES`.

    Raises:
        NotFoundError: there is nothing at `path`.
        InputError: the name is not known, what lies there is not that set, or as `build_set`.
    """
    if name not in NAMES:
        raise InputError(f"{name!r} is no set that can be imported; {', '.join(NAMES)} are")
    path, out = Path(path), Path(out)
    if not path.exists():
        raise NotFoundError(f"{str(path)!r}: there is no such file or folder")
    with (
        written_whole(out) as staging,
        tempfile.TemporaryDirectory(prefix=".unskew-", dir=staging.parent) as workspace,
    ):
        done = _read(name, path, Path(workspace))
        origin = Origin(
            title=f"{done.about.name}, in the columns of unskew",
            about=done.about.text,
            page=done.about.page,
            candidates=done.candidates,
            left_out=done.left_out,
            review={"reviewed": {"reviewers": 0, "records": 0}, "agreement": []},
        )
        plan = replace(plan or Plan(), mode=done.about.mode)
        return assemble(done.entries, origin, plan, Path(workspace), staging, out)


def _read(name: str, path: Path, workspace: Path) -> Imported:
    if name == "mmbias":
        return mmbias.read(path)
    if not path.is_dir():
        raise InputError(f"{path} is a file: name the folder of {name}")
    about, read = _WITH_IMAGES[name]
    return imported(about, read(path), workspace)
