"""Replace several files of a folder together, or none of them."""

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from unskew.errors import InputError


def replace_files(folder: Path, names: Sequence[str], contents: Mapping[str, bytes]) -> None:
    """Write `contents` into `folder`; of `names`, those without content are removed.

    Everything is written to a temporary folder first, then moved in the order of `names`. If
    anything fails, what was there stays; other files of the folder are left alone.

    Raises:
        InputError: the folder cannot be written, or the disk is full.
    """
    made = [p for p in (folder, *folder.parents) if not os.path.lexists(p)]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Inside the folder: the one place sure to be on its file system and as writable as it.
        with tempfile.TemporaryDirectory(dir=folder, prefix=".unskew-") as temporary:
            new, old = Path(temporary, "new"), Path(temporary, "old")
            new.mkdir()
            old.mkdir()
            for name, content in contents.items():
                (new / name).write_bytes(content)
            leaving = [n for n in reversed(names) if os.path.lexists(folder / n)]
            arriving = [n for n in names if n in contents]
            _move(
                [(folder / n, old / n) for n in leaving] + [(new / n, folder / n) for n in arriving]
            )
    except OSError as error:
        for path in made:
            if path.is_dir() and not any(path.iterdir()):
                path.rmdir()
        raise InputError(f"cannot write to {folder}: {error.strerror or error}") from error


def _move(moves: Sequence[tuple[Path, Path]]) -> None:
    """Change names one after the other, and back again if one of them fails."""
    done: list[tuple[Path, Path]] = []
    try:
        for source, target in moves:
            os.replace(source, target)
            done.append((source, target))
    except BaseException:
        for source, target in reversed(done):
            os.replace(target, source)
        raise
