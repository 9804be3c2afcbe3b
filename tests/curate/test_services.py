"""Services on the loopback: what they find, what they refuse, and that keys stay hidden."""

import logging
import re
import sys
import time
import traceback
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from loopback import Reply
from services import HASTY, KEYS, SEARCHABLE, TOKEN, news, picture, prepare

from unskew.curate.collect import collect
from unskew.curate.download import Downloader
from unskew.curate.queries import Query
from unskew.curate.record import read_records
from unskew.curate.sources import SourceError, Wikimedia, wikimedia
from unskew.curate.sources.patience import UnreachableError
from unskew.errors import InputError

QUERY = Query("woman sea", "gender", "Female")
NAMES = sorted(SEARCHABLE)
# What Reddit sends with a 401, and praw relies on.
REALM = {"WWW-Authenticate": 'Bearer realm="reddit", error="invalid_token"'}
pytestmark = pytest.mark.usefixtures("keys")


def searched(server, name):
    return list(SEARCHABLE[name].open(server.url).pages(QUERY, None))


@pytest.mark.parametrize("name", NAMES)
def test_a_service_is_read_page_by_page(server, tmp_path, name):
    service = SEARCHABLE[name]
    prepare(server, service)
    source = service.open(server.url)
    result = collect([source], [QUERY], tmp_path, downloader=Downloader(HASTY))
    first, second = read_records(tmp_path / "records.jsonl")
    assert (result.new, result.problems, result.unreached) == (2, 0, 0)
    assert (first.url, second.url) == (f"{server.url}/one.jpg", f"{server.url}/two.jpg")
    for key, value in service.expected.items():
        assert getattr(first, key) == value
    assert (first.source, first.query) == (name, "woman sea")
    assert (first.category, first.subgroup) == ("gender", "Female")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", first.retrieved)
    assert re.fullmatch("[0-9a-f]{32}", first.author_hash)
    assert first.author_hash == second.author_hash
    assert (tmp_path / first.image).read_bytes() == picture(1)
    asked = [request for request in server.asked if request["path"] == service.path]
    assert service.second.items() <= asked[1]["query"].items()
    assert "woman sea" in " ".join(asked[0]["query"].values())


@pytest.mark.parametrize("name", NAMES)
def test_a_search_goes_on_where_it_was(server, name):
    prepare(server, SEARCHABLE[name])
    source = SEARCHABLE[name].open(server.url)
    first, second = source.pages(QUERY, None)
    prepare(server, SEARCHABLE[name])
    server.reply(SEARCHABLE[name].path)  # the first answer is not given again
    assert list(source.pages(QUERY, first.after)) == [second]
    assert second.after is None


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("status", "says"), [(401, "key"), (403, "forbids"), (404, "nothing at"), (400, "understand")]
)
def test_refusals_are_one_line_and_not_repeated(server, name, status, says):
    prepare(server, SEARCHABLE[name])
    no = {"message": "no", "error": status} if name == "reddit" else {"detail": "no"}
    server.on(SEARCHABLE[name].path, Reply(no, status, REALM))
    with pytest.raises(SourceError, match=rf"^{name} .*{says}.*\(HTTP {status}\)$") as caught:
        searched(server, name)
    assert not isinstance(caught.value, UnreachableError)
    # praw fetches another token after a 401, in case that the old one has expired.
    assert server.times(SEARCHABLE[name].path) == (3 if (name, status) == ("reddit", 401) else 1)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "trouble",
    [
        Reply(status=429, headers={"Retry-After": "0"}),
        Reply(status=500),
        Reply(status=503),
        Reply({"results": []}, cut=True),
        Reply({}, late=1.5),
    ],
    ids=["429", "500", "503", "cut", "late"],
)
def test_trouble_that_passes_costs_nothing_but_time(server, name, trouble):
    service = SEARCHABLE[name]
    prepare(server, service)
    first, second = (Reply(body) for body in service.answers(server.url))
    server.on(service.path, trouble, first, second)
    assert [len(page.found) for page in searched(server, name)] == [1, 1]
    assert server.times(service.path) == 3


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("trouble", "says"),
    [
        (Reply(status=429), "too much to do (HTTP 429), at 3 attempts"),
        (Reply(status=502), "too much to do (HTTP 502), at 3 attempts"),
        (Reply(b'{"results": []}', cut=True), "did not answer, or not to the end"),
    ],
    ids=["429", "502", "cut"],
)
def test_patience_ends(server, name, trouble, says):
    prepare(server, SEARCHABLE[name])
    server.on(SEARCHABLE[name].path, trouble)
    with pytest.raises(UnreachableError, match=re.escape(says)):
        searched(server, name)
    assert server.times(SEARCHABLE[name].path) == HASTY.attempts


@pytest.mark.parametrize("name", NAMES)
def test_an_answer_in_another_form_is_named(server, name):
    prepare(server, SEARCHABLE[name])
    for body in (b"<html>log in to the network</html>", b'{"results": 3, "query": 3}'):
        server.on(SEARCHABLE[name].path, Reply(body))
        with pytest.raises(SourceError, match=f"^{name} answered"):
            searched(server, name)


def test_a_service_is_left_alone_as_long_as_it_says(server):
    service = SEARCHABLE["unsplash"]
    first, second = (Reply(body) for body in service.answers(server.url))
    for by_date, least in ((False, 1.0), (True, 0.5)):
        date = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
        server.asked.clear()
        busy = Reply(status=429, headers={"Retry-After": date if by_date else "1"})
        server.on(service.path, busy, first, second)
        searched(server, "unsplash")
        assert server.asked[1]["time"] - server.asked[0]["time"] >= least


def test_no_request_before_the_reset_once_all_is_used(server):
    service = SEARCHABLE["x"]
    first, second = service.answers(server.url)
    used = {"x-rate-limit-remaining": "0", "x-rate-limit-reset": str(int(time.time()) + 1)}
    server.on(service.path, Reply(first, headers=used), Reply(second))
    searched(server, "x")
    assert time.time() >= int(used["x-rate-limit-reset"])
    assert server.times(service.path) == 2


def test_a_long_wait_ends_the_run_instead(server):
    server.on("/search/photos", Reply(status=429, headers={"Retry-After": "3600"}))
    source = SEARCHABLE["unsplash"].open(server.url)
    for _ in range(2):  # nor is it asked again meanwhile
        with pytest.raises(UnreachableError, match=r"wants no request for 3[56]\d\d s: try again"):
            list(source.pages(QUERY, None))
    assert server.times("/search/photos") == 1


def test_a_403_of_a_used_up_quota_is_no_refusal(server):
    used = {"X-Ratelimit-Remaining": "0"}
    server.on("/search/photos", Reply(status=403, headers=used))
    with pytest.raises(UnreachableError, match="too much to do"):
        searched(server, "unsplash")


def test_wikimedia_may_be_busy_with_a_200(server):
    service = SEARCHABLE["wikimedia"]
    busy = Reply({"error": {"code": "maxlag", "lag": 6}}, headers={"Retry-After": "0"})
    server.on(service.path, busy, *(Reply(body) for body in service.answers(server.url)))
    assert len(searched(server, "wikimedia")) == 2
    server.on(service.path, Reply({"error": {"code": "badvalue"}}))
    with pytest.raises(SourceError, match="badvalue"):
        searched(server, "wikimedia")


def test_reddit_says_that_a_login_failed_with_a_200(server):
    prepare(server, SEARCHABLE["reddit"])
    server.on("/api/v1/access_token", Reply({"error": "invalid_grant"}))
    with pytest.raises(SourceError, match="check REDDIT_CLIENT_ID and REDDIT_CLIENT_SECRET"):
        searched(server, "reddit")


@pytest.mark.parametrize("why", [None, "Bearer", 'Basic realm="x"', REALM["WWW-Authenticate"]])
def test_reddit_may_refuse_the_key_without_a_reason(server, why):
    prepare(server, SEARCHABLE["reddit"])
    headers = {"WWW-Authenticate": why} if why else {}
    server.on(SEARCHABLE["reddit"].path, Reply({"error": 401}, 401, headers))
    with pytest.raises(SourceError, match=r"refuses the key: check REDDIT_CLIENT_ID and .*401"):
        searched(server, "reddit")


def test_reddit_may_explain_what_it_does_not_understand(server):
    prepare(server, SEARCHABLE["reddit"])
    server.on(SEARCHABLE["reddit"].path, Reply({"reason": "BAD_QUERY"}, 400))
    with pytest.raises(SourceError, match=r"does not understand the request \(HTTP 400\)"):
        searched(server, "reddit")


def test_feeds_are_filtered_by_the_words_of_a_query(server):
    from services import FEED

    server.on("/rss.xml", Reply(FEED.format(url=server.url).encode()))
    source = news(server.url)
    (page,) = source.pages(QUERY, None)
    assert [(found.url, found.key) for found in page.found] == [
        (f"{server.url}/one.jpg", "https://news.example/1"),
        (f"{server.url}/two.jpg", "https://news.example/4"),
    ]
    assert page.found[0].text == "Women at sea. They sail."
    answered = {"women sea": 1, "woman portrait": 2, "Black woman": 0, "person at sea": 1}
    for text, count in answered.items():
        (page,) = source.pages(Query(text), None)
        assert len(page.found) == count
    assert server.times("/rss.xml") == 1


@pytest.mark.parametrize("width", ["100%", "1100px", "auto", "-1", "1.5", "9" * 5000, "\u0663"])
def test_a_width_that_is_no_number_ends_nothing(server, width):
    """Nor does an item that is not called anything, or an enclosure that lies nowhere."""
    from services import FEED

    odd = (
        '<item><title>A woman, a sea</title><enclosure type="image/jpeg"/></item>'
        '<item><title>A woman, a sea</title><media:thumbnail url="{url}/nameless.jpg"/></item>'
    )
    feed = FEED.replace('width="300"', f'width="{width}"').replace("</channel>", f"{odd}</channel>")
    server.on("/rss.xml", Reply(feed.format(url=server.url).encode()))
    (page,) = news(server.url).pages(QUERY, None)
    assert [found.url for found in page.found] == [f"{server.url}/{n}.jpg" for n in ("one", "two")]


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (Reply(b"<html><body>moved</body></html>"), "is not a news feed"),
        (Reply(b"/etc/passwd"), "is not a news feed"),
        (Reply(status=403), "forbids"),
        (Reply(status=504), "HTTP 504"),
    ],
)
def test_a_feed_that_is_none_is_named(server, reply, says):
    server.on("/rss.xml", reply)
    with pytest.raises(SourceError, match=says):
        list(news(server.url).pages(QUERY, None))


@pytest.mark.parametrize("variable", [v for v in KEYS if v != "OPENVERSE_TOKEN"])
def test_a_missing_key_is_named(monkeypatch, variable):
    monkeypatch.setenv(variable, " ")
    name = variable.split("_")[0].lower()
    with pytest.raises(InputError, match=f"^the environment variable {variable} is not set"):
        SEARCHABLE[name].open("http://127.0.0.1:9")


def test_wikimedia_wants_to_know_whom_to_write_to(monkeypatch):
    monkeypatch.delenv("UNSKEW_CONTACT")
    with pytest.raises(InputError, match="UNSKEW_CONTACT"):
        Wikimedia()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("status", [200, 401, 403, 429, 500])
def test_keys_reach_the_service_and_nothing_else(server, tmp_path, caplog, capfd, name, status):
    """Not the log at its most talkative, no error with its causes, no file, no other host."""
    caplog.set_level(logging.DEBUG)
    service = SEARCHABLE[name]
    prepare(server, service)
    if status != 200:
        server.on(service.path, Reply({"detail": "no"}, status, REALM))
    source = service.open(server.url)
    told = [repr(source)]
    try:
        collect([source], [QUERY], tmp_path, downloader=Downloader(HASTY))
    except InputError as error:
        told += traceback.format_exception(error)
    assert (len(told) > 1) == (status != 200)
    told += [record.getMessage() for record in caplog.records]
    files = [path.read_bytes().decode("latin-1") for path in tmp_path.rglob("*") if path.is_file()]
    assert not any("Ansel_A" in text for text in files)
    told += files
    told += [*capfd.readouterr(), *map(str, tmp_path.rglob("*"))]
    downloads = [request for request in server.asked if request["path"].endswith(".jpg")]
    told += [str(request["headers"]) for request in downloads]
    for secret in (*KEYS.values(), TOKEN):
        assert not any(secret in text for text in told)
    if name != "wikimedia":
        sent = str([r["headers"] for r in server.asked if r["path"] == service.path])
        assert TOKEN in sent if name == "reddit" else any(key in sent for key in KEYS.values())


def test_a_redirect_to_another_host_is_not_given_the_key(server):
    from loopback import loopback

    with loopback() as other:
        other.on("/elsewhere", Reply(status=401))
        for name in ("x", "unsplash", "openverse"):
            moved = Reply(status=302, headers={"Location": f"{other.url}/elsewhere"})
            server.on(SEARCHABLE[name].path, moved)
            with pytest.raises(SourceError):
                searched(server, name)
        assert len(other.asked) == 3
        assert not any(key in str(other.asked) for key in KEYS.values())


@pytest.mark.parametrize("name", ["reddit", "x"])
def test_a_client_that_is_not_installed_is_named(monkeypatch, name):
    library = {"reddit": "praw", "x": "tweepy"}[name]
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(InputError, match=rf"{library} is not installed: pip install 'unskew\[cur"):
        SEARCHABLE[name].open("http://127.0.0.1:9")


@pytest.mark.parametrize(
    ("artist", "uploader", "author"),
    [
        ("Ansel A", "Bot", "Ansel A"),
        ("Ansel A ( talk )", "Bot", "Ansel A"),
        ("Own work", "Ansel_A", "Ansel_A"),
        ("", "Ansel_A", "Ansel_A"),
        ("Unknown author Unknown author", "Bot", None),
        ("Anonymous", "Bot", None),
    ],
)
def test_the_author_of_a_file_of_wikimedia(artist, uploader, author):
    told = {"Artist": {"value": artist}, "LicenseShortName": {"value": "CC0"}}
    info = {"url": "u", "descriptionurl": "p", "user": uploader, "extmetadata": told}
    assert wikimedia._found({"title": "File:a.jpg", "imageinfo": [info]}).author == author
