"""Wikimedia Commons: the search of https://commons.wikimedia.org/w/api.php."""

import json
from collections.abc import Iterator
from typing import Any

from unskew.curate.queries import Query
from unskew.curate.sources.base import (
    Found,
    Page,
    SourceError,
    key_from_environment,
    understood,
)
from unskew.curate.sources.licences import spdx
from unskew.curate.sources.patience import Patience
from unskew.curate.sources.web import Web
from unskew.curate.sources.words import joined, plain

_WIDTH = 1280  # one of the widths that Wikimedia keeps ready; originals are often far larger
_BUSY = {"maxlag", "ratelimited"}
# What stands in the place of an artist whom nobody knows.
_NOBODY = ("unknown", "anonymous", "see page", "author unknown", "not known", "various")


class Wikimedia:
    """Files found by keyword. Wikimedia wants to know whom to write to: UNSKEW_CONTACT."""

    name = "wikimedia"
    by_keyword = True

    def __init__(
        self,
        place: str = "https://commons.wikimedia.org/w/api.php",
        patience: Patience | None = None,
    ) -> None:
        """Raises InputError where UNSKEW_CONTACT is not set."""
        key_from_environment("UNSKEW_CONTACT", "an address of mail or of a page, for Wikimedia")
        self.place = place
        self._web = Web(self.name, patience or Patience())

    def pages(self, query: Query, after: str | None) -> Iterator[Page]:
        """`after` is the object `continue` of an answer, which the next request repeats."""
        position: dict[str, Any] | None = json.loads(after) if after else {}
        while position is not None:
            answer = self._web.json(self.place, {**_parameters(query.text), **position}, _is_busy)
            with understood(self.name):
                if "error" in answer:
                    raise SourceError(f"wikimedia refuses the request ({answer['error']['code']})")
                files = answer.get("query", {}).get("pages", [])
                # A file whose details come with a later part of the answer is listed there again.
                found = tuple(_found(file) for file in files if file.get("imageinfo"))
                position = answer.get("continue")
            yield Page(found, json.dumps(position) if position else None)


def _parameters(text: str) -> dict[str, str | int]:
    return {
        "action": "query",
        "format": "json",
        "formatversion": 2,
        "maxlag": 5,
        "generator": "search",
        "gsrsearch": f"filetype:bitmap {text}",
        "gsrnamespace": 6,
        "gsrlimit": 50,
        "prop": "imageinfo",
        "iiprop": "url|user|extmetadata",
        "iiurlwidth": _WIDTH,
        "iiextmetadatafilter": "License|LicenseShortName|Artist|ImageDescription|ObjectName",
        "iiextmetadatalanguage": "en",
    }


def _is_busy(answer: Any) -> bool:
    error = answer.get("error", {}) if isinstance(answer, dict) else {}
    return isinstance(error, dict) and error.get("code") in _BUSY


def _found(file: dict[str, Any]) -> Found:
    info = file["imageinfo"][0]
    said = {key: str(entry["value"]) for key, entry in info.get("extmetadata", {}).items()}
    return Found(
        key=file["title"],
        url=info.get("thumburl") or info["url"],
        page=info["descriptionurl"],
        licence=spdx(said.get("LicenseShortName") or said.get("License", "")),
        text=joined(said.get("ObjectName"), said.get("ImageDescription")),
        author=_author(plain(said.get("Artist")), info.get("user")),
    )


def _author(artist: str, uploader: str | None) -> str | None:
    """Who made a file: who uploads it may be a program that brings the photos of thousands."""
    name = artist.split(" ( talk")[0].strip()
    if name.lower().startswith(_NOBODY):
        return None
    return uploader if not name or name.lower() == "own work" else name
