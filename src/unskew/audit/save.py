"""Write a report's folder so that no half-written file is ever seen."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from unskew.audit.blocks import to_html, to_markdown
from unskew.audit.document import document
from unskew.audit.pictures import draw, pictures
from unskew.errors import InputError

if TYPE_CHECKING:
    from unskew.audit.report import AuditReport

_OURS = re.compile(r"\d\d-.*\.png")


def save_report(report: AuditReport, folder: Path) -> Path:
    """Make every file in a temporary folder beside ``folder``, then move them in one by one.

    ``report.json`` moves last: a folder that has it has the rest. Figures of an earlier report in
    the same folder are removed; other files are left alone.

    Raises:
        InputError: ``folder`` is a file, or its parent cannot be written.
    """
    check_folder(folder)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as made:
        temporary = Path(made)
        _write(report, temporary)
        folder.mkdir(exist_ok=True)
        (folder / "report.json").unlink(missing_ok=True)
        shutil.rmtree(folder / "figures", ignore_errors=True)
        for name in ("figures", "report.md", "report.html", "report.json"):
            os.replace(temporary / name, folder / name)
    return folder


def check_folder(folder: Path) -> None:
    """Raise now rather than after an hour's work if the folder could not be written.

    Raises:
        InputError: see above; or the folder has figures that are not an earlier report's.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; --out wants a folder")
    if any(not _OURS.fullmatch(f.name) for f in (folder / "figures").glob("*")):
        raise InputError(f"{folder / 'figures'} holds files of other origin; choose another --out")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-"):
            pass
    except OSError as error:
        raise InputError(f"cannot write to {folder.parent}: {error.strerror}") from error


def _write(report: AuditReport, folder: Path) -> None:
    (folder / "figures").mkdir()
    planned = pictures(report)
    for picture in planned:
        draw(picture, folder)
    blocks = document(report, planned)
    title = f"Bias audit of {report.model.name}"
    (folder / "report.md").write_text(to_markdown(blocks), encoding="utf-8")
    (folder / "report.html").write_text(to_html(title, blocks, folder), encoding="utf-8")
    text = json.dumps(report.to_dict(), indent=1, ensure_ascii=False, allow_nan=False)
    (folder / "report.json").write_text(text + "\n", encoding="utf-8")
