"""Where images come from: services, feeds, folders and exports behind one protocol."""

from unskew.curate.sources.base import Found, Page, Source, SourceError
from unskew.curate.sources.export import Export
from unskew.curate.sources.folder import Folder
from unskew.curate.sources.news import BBC, CNN, News
from unskew.curate.sources.openverse import Openverse
from unskew.curate.sources.patience import Patience
from unskew.curate.sources.reddit import Reddit
from unskew.curate.sources.unsplash import Unsplash
from unskew.curate.sources.wikimedia import Wikimedia
from unskew.curate.sources.x import X

__all__ = [
    "BBC",
    "CNN",
    "Export",
    "Folder",
    "Found",
    "News",
    "Openverse",
    "Page",
    "Patience",
    "Reddit",
    "Source",
    "SourceError",
    "Unsplash",
    "Wikimedia",
    "X",
]
