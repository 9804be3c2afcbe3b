"""Write a report's folder so that no half-written file is ever seen."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from unskew.audit.blocks import to_html, to_markdown
from unskew.audit.document import document, title
from unskew.audit.pictures import draw, pictures
from unskew.errors import InputError

if TYPE_CHECKING:
    from unskew.audit.report import AuditReport

_OURS = re.compile(r"\d{2,}-.*\.png")
UTILITY = "utility.json"
"""What debiasing adds: the cost in utility."""
_NAMES = ("figures", "report.md", "report.html", UTILITY, "report.json")
_PREFIX = ".unskew-"


def save_report(
    report: AuditReport,
    folder: Path,
    also: Mapping[str, str] | None = None,
    between: Callable[[], None] | None = None,
) -> Path:
    """Make every file in a temporary folder within reach of ``folder``, then move them in.

    An earlier report in the same folder is replaced whole or, if anything fails, not at all;
    other files are left alone. ``report.json`` moves last: a folder that has it has the rest.

    Args:
        report: what to save.
        folder: where.
        also: other files of the report, by name.
        between: done once the earlier report is out of the way and before the new one is in
            place. It writes what the report is about: the two are then never of different origin.

    Raises:
        InputError: ``folder`` cannot be written, or the disk is full.
    """
    check_folder(folder)
    base = _nearest(folder)
    made = [p for p in (folder, *folder.parents) if not p.exists()]
    try:
        with tempfile.TemporaryDirectory(dir=base, prefix=_PREFIX) as name:
            temporary = Path(name)
            _write(report, temporary)
            for file, text in (also or {}).items():
                (temporary / file).write_text(text, encoding="utf-8")
            folder.mkdir(parents=True, exist_ok=True)
            _replace(temporary, folder, between)
    except (OSError, InputError) as error:
        for path in made:
            if path.is_dir() and not any(path.iterdir()):
                path.rmdir()
        if isinstance(error, InputError):
            raise
        raise cannot_write(folder, error) from error
    return folder


def check_folder(folder: Path) -> None:
    """Raise now rather than after an hour's work if a report could not be saved to ``folder``.

    Raises:
        InputError: see :func:`check_writable`; or something of other origin is in the way.
    """
    check_writable(folder)
    figures = folder / "figures"
    if figures.exists() and not figures.is_dir():
        raise InputError(f"{figures} is not a folder; move it away or choose another --out")
    if any(not _OURS.fullmatch(f.name) for f in figures.glob("*")):
        raise InputError(f"{figures} holds files of other origin; choose another --out")
    for name in _NAMES[1:]:
        if (folder / name).is_dir():
            raise InputError(f"{folder / name} is a folder; move it away or choose another --out")


def check_writable(folder: Path) -> None:
    """Raise unless files can be made in ``folder``, or in the folder it would be made in.

    Nothing is left behind, so that a failure between now and the saving leaves no trace.

    Raises:
        InputError: a file is in the way, or the folder cannot be written.
    """
    base = _nearest(folder)
    if not base.is_dir():
        raise InputError(f"{base} is a file or a broken link; --out wants a folder")
    try:
        with suppress(FileNotFoundError):
            os.stat(folder)  # says what a missing folder would not: that its name is too long
        with tempfile.TemporaryDirectory(dir=base, prefix=_PREFIX):
            pass
    except OSError as error:
        raise cannot_write(base, error) from error


def cannot_write(folder: Path, error: OSError) -> InputError:
    """The one line for whatever the file system refuses."""
    return InputError(f"cannot write to {folder}: {error.strerror or error}")


def _nearest(folder: Path) -> Path:
    """``folder`` itself, or the closest above it that there is."""
    return next(p for p in (folder, *folder.parents) if os.path.lexists(p))


def _replace(new: Path, folder: Path, between: Callable[[], None] | None) -> None:
    """Move the report of ``new`` into ``folder``; if that fails, put the old one back.

    Both are on one file system, where a move is a change of name. Once ``between`` is done, the
    old report would be wrong and stays away.
    """
    old = new / "old"
    old.mkdir()
    done: list[tuple[Path, Path]] = []

    def move(source: Path, target: Path) -> None:
        if os.path.lexists(source):
            os.replace(source, target)
            done.append((source, target))

    try:
        for name in reversed(_NAMES):
            move(folder / name, old / name)
        if between is not None:
            between()
            done.clear()
        for name in _NAMES:
            move(new / name, folder / name)
    except BaseException:
        for source, target in reversed(done):
            os.replace(target, source)
        raise


def _write(report: AuditReport, folder: Path) -> None:
    (folder / "figures").mkdir()
    planned = pictures(report)
    for picture in planned:
        draw(picture, folder)
    blocks = document(report, planned)
    (folder / "report.md").write_text(to_markdown(blocks), encoding="utf-8")
    (folder / "report.html").write_text(to_html(title(report), blocks, folder), encoding="utf-8")
    text = json.dumps(report.to_dict(), indent=1, ensure_ascii=False, allow_nan=False)
    (folder / "report.json").write_text(text + "\n", encoding="utf-8")
