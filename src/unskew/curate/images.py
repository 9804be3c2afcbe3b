"""Image files of a collection: each stored once, under its SHA-256, whole or not at all."""

import hashlib
from pathlib import Path

from unskew.errors import InputError
from unskew.kept import write_whole

FOLDER = "images"
LARGEST = 20 * 2**20
# What people mean by an image file, damaged or not.
SUFFIXES = (
    *(".jpg", ".jpeg", ".jfif", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ppm"),
    *(".avif", ".heic"),
)
# (offset, bytes, suffix): how files of these kinds begin.
_BEGINNINGS = (
    (0, b"\xff\xd8\xff", ".jpg"),
    (0, b"\x89PNG\r\n\x1a\n", ".png"),
    (0, b"GIF8", ".gif"),
    (8, b"WEBP", ".webp"),
    (0, b"BM", ".bmp"),
    (0, b"II*\x00", ".tif"),
    (0, b"MM\x00*", ".tif"),
    (4, b"ftypavif", ".avif"),
    (4, b"ftyphei", ".heic"),
)


class NoImageError(InputError):
    """There is no image to be had here, today or tomorrow; the message says why."""


def store_image(folder: Path, content: bytes, suffix: str) -> str:
    """Store a file's content below `folder` and return its path, relative to `folder`.

    The suffix is that of what the content is, `suffix` where it begins like no image.

    Raises:
        InputError: the disk takes no more; then nothing is left of it.
    """
    digest = hashlib.sha256(content).hexdigest()
    place = Path(FOLDER) / digest[:2] / (digest + (image_suffix(content) or suffix))
    path = folder / place
    # The same content may have been stored as a file of another name; a shorter one is no store.
    if not (path.is_file() and path.stat().st_size == len(content)):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"cannot write {path}: {error.strerror or error}") from error
        write_whole(path, content)
    return place.as_posix()


def image_suffix(content: bytes) -> str | None:
    """The suffix for an image file that begins like this; None for anything else."""
    for offset, beginning, suffix in _BEGINNINGS:
        if content[offset : offset + len(beginning)] == beginning:
            return suffix
    return None


def read_image(path: Path, limit: int = LARGEST) -> bytes:
    """A local file's content. Raises NoImageError for one that is not readable or too large."""
    try:
        size = path.stat().st_size
        if size > limit:
            raise NoImageError(f"it has {size} bytes; the limit is {limit}")
        return path.read_bytes()
    except OSError as error:
        raise NoImageError(f"it cannot be read ({error.strerror or error})") from error
