"""Where a set is written: beside its place, moved there when it is whole."""

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from unskew.corpora.published import BUILD
from unskew.errors import InputError, UnskewError


@contextmanager
def written_whole(out: Path) -> Iterator[Path]:
    """A folder beside `out` to write a set to, which takes its place when the block ends.

    A set that was there, unchanged since it was built, makes room; whatever happens before, it
    stays as it was, and nothing is left of the new one.

    Raises:
        InputError: `out` holds something else, or cannot be written, or another run is writing it.
    """
    out = out.resolve()  # "." and ".." have names, too
    # Names without a process id: a run that was killed is cleared away by the next.
    staging, old = (out.with_name(f".unskew-{what}-{out.name}") for what in ("new", "old"))
    try:
        with _held(staging, out):
            try:
                if old.exists() and not out.exists():
                    os.rename(old, out)
                refuse_other_content(out)
                shutil.rmtree(old, ignore_errors=True)
                yield staging
                _replace(staging, out, old)
            except BaseException:
                shutil.rmtree(staging, ignore_errors=True)
                raise
    except UnskewError:
        raise
    except OSError as error:
        raise InputError(f"cannot write {out}: {error.strerror or error}") from error


@contextmanager
def _held(staging: Path, out: Path) -> Iterator[None]:
    """Make the folder, empty, and keep every other run out of it, also while it is moved.

    The system lets go of it when a run is killed.
    """
    staging.mkdir(parents=True, exist_ok=True)
    handle = os.open(staging, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Another run may have moved it away, or removed it, before it could be held.
            mine = os.path.samestat(os.fstat(handle), os.stat(staging))
        except (BlockingIOError, FileNotFoundError):
            mine = False
        if not mine:
            raise InputError(f"another run is writing {out}: wait until it has ended")
        for left in staging.iterdir():
            if left.is_dir() and not left.is_symlink():
                shutil.rmtree(left)
            else:
                left.unlink()
        yield
    finally:
        os.close(handle)


def refuse_other_content(out: Path) -> None:
    """Raises InputError where `out` is neither missing, empty, nor a set as it was built."""
    if not out.exists():
        return
    if not out.is_dir():
        raise InputError(f"{out} is a file: name a folder for the set")
    files = _files(out)
    if not files:
        return
    built = _built(out)
    for name in files:
        if name == BUILD and built:
            continue
        if name not in built:
            raise InputError(f"{out} holds something else ({name}): name another folder")
        if file_digest(out / name) != built[name]:
            raise InputError(
                f"{out / name} was changed since the set was built: keep it elsewhere, or name "
                "another folder"
            )


def file_digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below a folder, by its path."""
    return {name: file_digest(folder / name) for name in _files(folder)}


def file_digest(path: Path) -> str:
    """SHA-256, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _files(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def _built(out: Path) -> dict[str, Any]:
    """What a set says of its own files; nothing where it is none."""
    try:
        said = json.loads((out / BUILD).read_bytes())
        return dict(said["files"])
    except (OSError, ValueError, LookupError, TypeError):
        return {}


def _replace(staging: Path, out: Path, old: Path) -> None:
    """Move the new set in. Between two renames, the old one has another name and is whole."""
    there = out.exists()
    if there:
        os.rename(out, old)
    try:
        os.rename(staging, out)
    except OSError:
        if there:
            os.rename(old, out)
        raise
    shutil.rmtree(old, ignore_errors=True)
