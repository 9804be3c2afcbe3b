"""Every service: how it is opened on the loopback, and answers in the form that it documents."""

from dataclasses import dataclass
from io import BytesIO

from loopback import Reply
from PIL import Image

from unskew.curate.sources import News, Openverse, Patience, Reddit, Unsplash, Wikimedia, X

KEYS = {
    "REDDIT_CLIENT_ID": "reddit-id-5f1c",
    "REDDIT_CLIENT_SECRET": "reddit-secret-9a77",
    "X_BEARER_TOKEN": "x-bearer-AAAA1234",
    "UNSPLASH_ACCESS_KEY": "unsplash-key-0b3e",
    "OPENVERSE_TOKEN": "openverse-token-77d1",
}
CONTACT = "curator@example.org"
TOKEN = "reddit-access-token-31c2"
HASTY = Patience(timeout=1.0, attempts=3, first=0.01, longest=2.5)


def picture(shade=0):
    buffer = BytesIO()
    Image.new("RGB", (8, 8), (shade, 90, 40)).save(buffer, "JPEG")
    return buffer.getvalue()


@dataclass(frozen=True)
class Service:
    """`path`: where it is searched. `answers(url)`: bodies of two pages, one image each.

    `second`: what the request for the second page must have. `expected`: of the first record.
    """

    open: object
    path: str
    answers: object
    second: dict
    expected: dict


def _unsplash(url):
    def page(name):
        photo = {
            "id": name,
            "description": None,
            "alt_description": "a woman by the sea, by @someone",
            "urls": {"raw": f"{url}/raw", "regular": f"{url}/{name}.jpg"},
            "links": {"html": f"https://unsplash.com/photos/{name}"},
            "user": {"username": "Ansel_A", "name": "Ansel A."},
        }
        return {"total": 2, "total_pages": 2, "results": [photo]}

    return [page("one"), page("two")]


def _openverse(url):
    def image(name, mature=False):
        return {
            "id": name,
            "title": "A woman by the sea",
            "url": f"{url}/{name}.jpg",
            "foreign_landing_url": "https://www.flickr.com/photos/ansel/1",
            "creator": "Ansel_A",
            "license": "by-sa",
            "license_version": "2.0",
            "mature": mature,
        }

    first = {"result_count": 3, "page_count": 2, "results": [image("one"), image("x", True)]}
    return [first, {"result_count": 3, "page_count": 2, "results": [image("two")]}]


def _wikimedia(url):
    def file(name):
        told = {
            "LicenseShortName": "CC BY-SA 4.0",
            "ImageDescription": "<p>A woman &amp; sea</p>",
            "Artist": '<a href="https://www.flickr.com/people/ansel">Ansel_A</a>',
        }
        info = {
            "url": f"{url}/{name}-full.jpg",
            "thumburl": f"{url}/{name}.jpg",
            "descriptionurl": f"https://commons.wikimedia.org/wiki/File:{name}.jpg",
            "user": f"UploadBot {name}",
            "extmetadata": {key: {"value": value} for key, value in told.items()},
        }
        return {"pageid": 1, "ns": 6, "title": f"File:{name}.jpg", "imageinfo": [info]}

    bare = {"pageid": 2, "ns": 6, "title": "File:later.jpg"}
    more = {"gsroffset": 50, "continue": "gsroffset||"}
    return [
        {"continue": more, "query": {"pages": [file("one"), bare]}},
        {"batchcomplete": True, "query": {"pages": [file("two")]}},
    ]


def _reddit(url):
    def post(name, **others):
        data = {
            "id": name,
            "name": f"t3_{name}",
            "title": "A woman by the sea",
            "selftext": "",
            "url": f"{url}/{name}.jpg",
            "author": "Ansel_A",
            "over_18": False,
            "subreddit": "pics",
        }
        return {"kind": "t3", "data": {**data, **others}}

    def listing(after, *posts):
        return {"kind": "Listing", "data": {"after": after, "children": list(posts)}}

    gallery = post(
        "two",
        url="https://www.reddit.com/gallery/two",
        is_gallery=True,
        gallery_data={"items": [{"media_id": "m1", "id": 1}, {"media_id": "gone", "id": 2}]},
        media_metadata={
            "m1": {"status": "valid", "e": "Image", "s": {"u": f"{url}/two.jpg"}},
            "gone": {"status": "failed"},
        },
    )
    unwanted = post("nsfw", over_18=True), post("text", url="https://www.reddit.com/r/pics/1/")
    return [listing("t3_text", post("one"), *unwanted), listing(None, gallery)]


def _x(url):
    def page(name, meta):
        ids = {"media_keys": [f"3_{name}", f"7_{name}"]}
        post = {"id": name, "text": "A woman &amp; sea, by @someone", "author_id": "42"}
        return {
            "data": [
                {**post, "attachments": ids},
                {**post, "id": "s", "attachments": ids, "possibly_sensitive": True},
            ],
            "includes": {
                "media": [
                    {"media_key": f"3_{name}", "type": "photo", "url": f"{url}/{name}.jpg"},
                    {"media_key": f"7_{name}", "type": "video"},
                ],
                "users": [{"id": "42", "name": "Ansel", "username": "Ansel_A"}],
            },
            "meta": {"result_count": 2, **meta},
        }

    return [page("one", {"next_token": "b26v89c19zqg8o3f"}), page("two", {})]


FEED = """<?xml version="1.0" encoding="UTF-8"?>
<rss xmlns:media="http://search.yahoo.com/mrss/" version="2.0"><channel><title>News</title>
<item><title>Women at sea</title><description>&lt;b&gt;They sail.&lt;/b&gt;</description>
<link>https://news.example/1</link><guid isPermaLink="false">https://news.example/1#3</guid>
<media:group><media:content medium="image" url="{url}/small.jpg" width="300" height="200"/>
<media:content medium="image" url="{url}/one.jpg" width="1100" height="619"/>
<media:content medium="video" url="{url}/one.mp4" width="1920"/></media:group></item>
<item><title>A womanly sea</title><link>https://news.example/2</link>
<media:thumbnail width="240" height="135" url="{url}/other.jpg"/></item>
<item><title>A woman and the sea, without picture</title><link>https://news.example/3</link></item>
<item><title>One woman, one sea</title><link>https://news.example/4</link>
<media:thumbnail width="240" height="135" url="{url}/two.jpg"/></item>
</channel></rss>"""

SEARCHABLE = {
    "unsplash": Service(
        open=lambda url: Unsplash(url, HASTY),
        path="/search/photos",
        answers=_unsplash,
        second={"page": "2"},
        expected={
            "licence": "LicenseRef-Unsplash",
            "page": "https://unsplash.com/photos/one",
            "text": "a woman by the sea, by @user",
        },
    ),
    "openverse": Service(
        open=lambda url: Openverse(url, HASTY),
        path="/v1/images/",
        answers=_openverse,
        second={"page": "2"},
        expected={
            "licence": "CC-BY-SA-2.0",
            "page": "https://openverse.org/image/one",
            "text": "A woman by the sea",
        },
    ),
    "wikimedia": Service(
        open=lambda url: Wikimedia(f"{url}/w/api.php", HASTY),
        path="/w/api.php",
        answers=_wikimedia,
        second={"gsroffset": "50"},
        expected={
            "licence": "CC-BY-SA-4.0",
            "page": "https://commons.wikimedia.org/wiki/File:one.jpg",
            "text": "A woman & sea.",
        },
    ),
    "reddit": Service(
        open=lambda url: Reddit("all", url, url, HASTY),
        path="/r/all/search/",
        answers=_reddit,
        second={"after": "t3_text"},
        expected={
            "licence": "LicenseRef-all-rights-reserved",
            "page": "https://www.reddit.com/comments/one/",
            "text": "A woman by the sea.",
        },
    ),
    "x": Service(
        open=lambda url: X(url, HASTY),
        path="/2/tweets/search/recent",
        answers=_x,
        second={"next_token": "b26v89c19zqg8o3f"},
        expected={
            "licence": "LicenseRef-all-rights-reserved",
            "page": "https://x.com/i/web/status/one",
            "text": "A woman & sea, by @user",
        },
    ),
}


def prepare(server, service):
    """The service's answers, a token for Reddit, and the two images, on the server."""
    server.on(service.path, *(Reply(body) for body in service.answers(server.url)))
    token = {"access_token": TOKEN, "expires_in": 3600, "scope": "*", "token_type": "bearer"}
    server.on("/api/v1/access_token", Reply(token))
    server.on("/one.jpg", Reply(picture(1)))
    server.on("/two.jpg", Reply(picture(2)))


def news(url):
    return News("bbc", [f"{url}/rss.xml"], HASTY)
