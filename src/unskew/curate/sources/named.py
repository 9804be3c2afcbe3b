"""Sources by the names that people type."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from unskew.curate.sources.base import Source
from unskew.curate.sources.export import Export
from unskew.curate.sources.folder import Folder
from unskew.curate.sources.news import BBC, CNN, News
from unskew.curate.sources.openverse import Openverse
from unskew.curate.sources.reddit import Reddit
from unskew.curate.sources.unsplash import Unsplash
from unskew.curate.sources.wikimedia import Wikimedia
from unskew.curate.sources.x import X
from unskew.errors import NotFoundError

SERVICES: dict[str, Callable[[], Source]] = {
    "reddit": Reddit,
    "x": X,
    "bbc": partial(News, "bbc", BBC),
    "cnn": partial(News, "cnn", CNN),
    "unsplash": Unsplash,
    "wikimedia": Wikimedia,
    "openverse": Openverse,
}


def open_source(name: str) -> Source:
    """A service by its name, a folder of images, or a .jsonl export.

    A folder that is called like a service is written with a slash (``./x``).

    Raises:
        NotFoundError: there is no such service, folder or file.
        InputError: a key of the service is not set, or the folder holds no images.
    """
    if name in SERVICES:
        return SERVICES[name]()
    path = Path(name)
    if path.is_dir():
        return Folder(path)
    if path.suffix.lower() == ".jsonl":
        return Export(path)
    raise NotFoundError(
        f"source {name!r}: name a service ({', '.join(SERVICES)}), "
        "or the path of a folder of images or of a .jsonl file"
    )
