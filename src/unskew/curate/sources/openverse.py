"""Openverse, the catalogue of openly licensed images: https://api.openverse.org/v1/."""

import os
from collections.abc import Iterator
from typing import Any

from unskew.curate.queries import Query
from unskew.curate.sources.base import Found, Page, understood
from unskew.curate.sources.licences import spdx
from unskew.curate.sources.patience import Patience
from unskew.curate.sources.web import Web

KEY = "OPENVERSE_TOKEN"
_PER_PAGE = 20  # what may be asked without an account


class Openverse:
    """Images found by keyword. OPENVERSE_TOKEN, an access token, is used where it is set."""

    name = "openverse"
    by_keyword = True

    def __init__(
        self, place: str = "https://api.openverse.org", patience: Patience | None = None
    ) -> None:
        self.place = place
        token = os.environ.get(KEY, "").strip()
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._web = Web(self.name, patience or Patience(), headers, KEY if token else None)

    def pages(self, query: Query, after: str | None) -> Iterator[Page]:
        number = int(after or 1)
        while True:
            parameters: dict[str, str | int] = {
                "q": query.text,
                "page": number,
                "page_size": _PER_PAGE,
            }
            answer = self._web.json(f"{self.place}/v1/images/", parameters)
            with understood(self.name):
                images = [image for image in answer["results"] if not image.get("mature")]
                found = tuple(self._found(image) for image in images)
                more = number < answer["page_count"]
            yield Page(found, str(number + 1) if more else None)
            if not more:
                return
            number += 1

    def _found(self, image: dict[str, Any]) -> Found:
        return Found(
            key=image["id"],
            url=image["url"],
            # Openverse's own page: addresses at the provider often hold the author's name.
            page=f"https://openverse.org/image/{image['id']}",
            licence=spdx(image["license"], image.get("license_version") or ""),
            text=image.get("title") or "",
            author=image.get("creator"),
        )
