"""News feeds (RSS): what is in them now, filtered by keyword, read by feedparser."""

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from io import BytesIO
from typing import Any
from urllib.parse import urldefrag

from unskew.curate.queries import Query
from unskew.curate.record import RIGHTS_RESERVED
from unskew.curate.sources.base import Found, Page, SourceError, client, understood
from unskew.curate.sources.patience import Patience
from unskew.curate.sources.web import Web
from unskew.curate.sources.words import joined

BBC = (
    "https://feeds.bbci.co.uk/news/rss.xml",
    "https://feeds.bbci.co.uk/news/world/rss.xml",
    "https://feeds.bbci.co.uk/news/uk/rss.xml",
    "https://feeds.bbci.co.uk/news/health/rss.xml",
)
CNN = (
    "http://rss.cnn.com/rss/edition.rss",
    "http://rss.cnn.com/rss/edition_world.rss",
    "http://rss.cnn.com/rss/edition_us.rss",
)
_OF_CAPTIONS = {"in", "people", "person", "portrait", "wearing", "with"}
_PLURALS = {"baby": "babies", "child": "children", "man": "men", "woman": "women"}


class News:
    """The feeds of one publisher. They cannot be searched: what they hold is filtered.

    An item answers a query when its headline and summary have every word of the query, in any
    order, in upper or lower case, as singular or plural; without the words that captions of photos
    have and headlines have not ("portrait"). A feed holds some tens of items of the last days;
    collect daily. Each feed is fetched once per `News`.
    """

    by_keyword = True

    def __init__(self, name: str, feeds: Sequence[str], patience: Patience | None = None) -> None:
        self.name = name
        self.place = " ".join(feeds)
        self._feeds = tuple(feeds)
        self._web = Web(name, patience or Patience())

    def pages(self, query: Query, after: str | None) -> Iterator[Page]:
        words = query.text.lower().split()
        wanted = [_either_number(w) for w in words if w not in _OF_CAPTIONS or len(words) == 1]
        found = (item for item in self._items if all(w.search(item.text) for w in wanted))
        yield Page(tuple(found), None)

    @cached_property
    def _items(self) -> tuple[Found, ...]:
        feedparser = client("feedparser")
        items: dict[str, Found] = {}
        for feed in self._feeds:
            parsed = feedparser.parse(BytesIO(self._web.content(feed)))
            if not parsed.version:
                raise SourceError(f"{self.name}: what lies at {feed} is not a news feed")
            with understood(self.name):
                for entry in parsed.entries:
                    found = _found(entry)
                    if found is not None:
                        items.setdefault(found.key, found)
        return tuple(items.values())


def _either_number(word: str) -> re.Pattern[str]:
    plural = _PLURALS.get(word)
    ending = f"|{plural}" if plural else "(?:e?s)?"
    return re.compile(rf"\b(?:{re.escape(word)}{ending})\b", re.I)


def _found(entry: Any) -> Found | None:
    """An item with a picture; None for one without, or without a name."""
    url, name = _picture(entry), entry.get("id") or entry.get("link")
    if url is None or not name:
        return None
    return Found(
        # Behind "#", the BBC counts the revisions of an article.
        key=urldefrag(name).url,
        url=url,
        page=entry.get("link"),
        licence=RIGHTS_RESERVED,
        text=joined(entry.get("title"), entry.get("summary")),
        author=entry.get("author"),
    )


def _picture(entry: Any) -> str | None:
    """The widest picture of an item: Media RSS, or an enclosure."""
    named = [*entry.get("media_content", ()), *entry.get("media_thumbnail", ())]
    pictures = [p for p in named if p.get("url") and p.get("medium", "image") == "image"]
    if pictures:
        return max(pictures, key=_width)["url"]
    enclosed = (e for e in entry.get("enclosures", ()) if e.get("href"))
    return next((e.href for e in enclosed if e.get("type", "").startswith("image/")), None)


def _width(picture: Any) -> int:
    """In pixels, 0 where the feed does not say it as a number."""
    said = str(picture.get("width") or "").strip()
    return int(said) if re.fullmatch(r"[0-9]{1,9}", said) else 0
