"""Unsplash: https://unsplash.com/documentation, GET /search/photos."""

from collections.abc import Iterator
from typing import Any

from unskew.curate.queries import Query
from unskew.curate.sources.base import Found, Page, key_from_environment, understood
from unskew.curate.sources.patience import Patience
from unskew.curate.sources.web import Web

KEY = "UNSPLASH_ACCESS_KEY"
LICENCE = "LicenseRef-Unsplash"  # free to use, not to be sold unaltered or built into a rival
_PER_PAGE = 30


class Unsplash:
    """Photos found by keyword; the key comes from UNSPLASH_ACCESS_KEY."""

    name = "unsplash"
    by_keyword = True

    def __init__(
        self, place: str = "https://api.unsplash.com", patience: Patience | None = None
    ) -> None:
        """Raises InputError where the key is not set."""
        self.place = place
        key = key_from_environment(KEY, "the access key of your application at Unsplash")
        headers = {"Authorization": f"Client-ID {key.get_secret_value()}", "Accept-Version": "v1"}
        self._web = Web(self.name, patience or Patience(), headers, KEY)

    def pages(self, query: Query, after: str | None) -> Iterator[Page]:
        number = int(after or 1)
        while True:
            parameters: dict[str, str | int] = {
                "query": query.text,
                "page": number,
                "per_page": _PER_PAGE,
            }
            answer = self._web.json(f"{self.place}/search/photos", parameters)
            with understood(self.name):
                found = tuple(_found(photo) for photo in answer["results"])
                more = number < answer["total_pages"]
            yield Page(found, str(number + 1) if more else None)
            if not more:
                return
            number += 1


def _found(photo: dict[str, Any]) -> Found:
    return Found(
        key=photo["id"],
        # 1080 pixels wide: the originals have tens of megabytes.
        url=photo["urls"]["regular"],
        page=photo["links"]["html"],
        licence=LICENCE,
        text=photo.get("description") or photo.get("alt_description") or "",
        author=photo["user"]["username"],
    )
