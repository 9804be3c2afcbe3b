"""A local folder of images, labelled by the folders in it."""

import hashlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from unskew.curate.images import SUFFIXES, NoImageError, read_image
from unskew.curate.queries import Query, proposed
from unskew.curate.record import UNKNOWN_LICENCE
from unskew.curate.sources.base import Found, Page, SourceError
from unskew.errors import InputError, NotFoundError

_PER_PAGE = 100


class Folder:
    """Every image file below a folder, in the order of their paths.

    The proposed subgroup is that of the nearest folder around an image whose name the taxonomy
    has (``pile/male/1.jpg``, ``pile/race/Black/1.jpg``). Where none has, the nearest folder's name
    is kept as the record's query. Retrieved is when the file was written, which is all that a
    folder knows of it. Hidden files are left out, and linked folders are not entered.
    """

    by_keyword = False

    def __init__(
        self, folder: str | Path, name: str | None = None, licence: str = UNKNOWN_LICENCE
    ) -> None:
        """`name`: what records give as their source; left out, the folder's name.

        Raises:
            NotFoundError: there is no such folder.
            InputError: there is no image in it.
        """
        self._folder = Path(folder)
        if not self._folder.is_dir():
            raise NotFoundError(f"folder {str(folder)!r}: there is no such folder")
        self.name = name or self._folder.resolve().name
        self.place = str(self._folder.resolve())
        self._licence = licence
        if next(_images_below(self._folder), None) is None:
            raise InputError(f"folder {str(folder)!r} holds no images: name one of image files")

    def pages(self, query: Query, after: str | None) -> Iterator[Page]:
        """`after` is the path of the last image."""
        paths = sorted(_images_below(self._folder), key=lambda path: path.parts)
        if after is not None:
            paths = [path for path in paths if path.parts > Path(after).parts]
        for start in range(0, len(paths), _PER_PAGE):
            some = paths[start : start + _PER_PAGE]
            last = start + _PER_PAGE >= len(paths)
            yield Page(
                tuple(self._found(path) for path in some), None if last else some[-1].as_posix()
            )
        if not paths:
            yield Page((), None)

    def _found(self, path: Path) -> Found:
        file = self._folder / path
        try:
            content = hashlib.sha256(read_image(file)).hexdigest()
        except NoImageError:
            content = ""
        written = datetime.fromtimestamp(file.lstat().st_mtime, UTC)
        label = _label(path)
        return Found(
            # Another folder of this name may have another file at this path.
            key=f"{path.as_posix()}\n{content}",
            url=path.as_posix(),
            licence=self._licence,
            file=file,
            label=label,
            unknown=label.text if label.subgroup is None else None,
            retrieved=f"{written:%Y-%m-%dT%H:%M:%SZ}",
        )


def _label(path: Path) -> Query:
    around = path.parent.parts
    for depth in reversed(range(len(around))):
        found = proposed(around[depth])
        if depth and found is None:
            found = proposed(around[depth], around[depth - 1])
        if found is not None:
            return Query(around[depth], *found)
    return Query(around[-1] if around else "")


def _images_below(folder: Path) -> Iterator[Path]:
    """Paths relative to the folder."""

    def refuse(error: OSError) -> None:
        raise SourceError(f"cannot read {error.filename}: {error.strerror}") from error

    for parent, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        here = Path(parent).relative_to(folder)
        for name in names:
            if name.lower().endswith(SUFFIXES) and not name.startswith("."):
                yield here / name
