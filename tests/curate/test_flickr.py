"""Photographs of pages on Flickr, which lists of addresses give instead of files."""

import pytest
from loopback import Reply
from services import HASTY, picture

from unskew.curate.download import Downloader
from unskew.curate.images import NoImageError
from unskew.curate.sources.flickr import is_page

PAGE = "https://www.flickr.com/photos/nojuanshome/50077006128"


def test_which_addresses_are_pages():
    assert is_page(PAGE)
    assert is_page(f"{PAGE}/")
    assert not is_page("https://live.staticflickr.com/65535/50077006128_0a1b2c3d4e_b.jpg")
    assert not is_page("https://www.flickr.com/photos/nojuanshome")


def test_the_photograph_of_a_page(server):
    image = f"{server.url}/65535/1_b.jpg"
    server.on("/services/oembed/", Reply({"type": "photo", "version": "1.0", "url": image}))
    server.on("/65535/1_b.jpg", Reply(picture()))
    downloader = Downloader(HASTY, oembed=f"{server.url}/services/oembed/")
    assert downloader.fetch(PAGE) == picture()
    asked = server.asked[0]["query"]
    assert (asked["url"], asked["format"]) == (PAGE, "json")


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply({"type": "video", "html": "<iframe>"}), "does not give a photograph"),
        (Reply({"type": "photo"}), "does not give a photograph"),
        (Reply(b"<html>"), "in a form that is not known"),
        (Reply([]), "in a form that is not known"),
        (Reply(status=404), "HTTP 404"),
    ],
)
def test_pages_without_one(server, reply, said):
    server.on("/oembed", reply)
    with pytest.raises(NoImageError, match=said):
        Downloader(HASTY, oembed=f"{server.url}/oembed").fetch(PAGE)
