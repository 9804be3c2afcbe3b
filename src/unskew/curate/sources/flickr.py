"""Where the image of a photograph's page on Flickr lies, by oEmbed, which wants no key.

Lists such as that of MMBias give pages; the address of a file changes with its settings.
"""

from __future__ import annotations

import json
import re
from urllib.parse import urlencode

from unskew.curate.images import NoImageError

OEMBED = "https://www.flickr.com/services/oembed/"
# Enough for every model; the original may be much larger, or be kept back.
_LONGER_SIDE = 1024
_PAGE = re.compile(r"https?://(?:www\.)?flickr\.com/photos/[^/?#]+/\d+/?")


def is_page(url: str) -> bool:
    """Whether this is the page of a photograph, and not an image."""
    return _PAGE.fullmatch(url) is not None


def question(page: str, endpoint: str = OEMBED) -> str:
    """What to ask where the image of a page lies."""
    wanted = {"url": page, "format": "json", "maxwidth": _LONGER_SIDE, "maxheight": _LONGER_SIDE}
    return f"{endpoint}?{urlencode(wanted)}"


def image_address(answer: bytes) -> str:
    """The address that Flickr answers with.

    Raises:
        NoImageError: it is a video, kept back, or the answer is none.
    """
    try:
        said = json.loads(answer)
        kind, url = said["type"], said.get("url")
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise NoImageError("Flickr answered in a form that is not known here") from error
    if kind != "photo" or not isinstance(url, str):
        raise NoImageError(f"Flickr does not give a photograph there ({kind!r:.40})")
    return url
