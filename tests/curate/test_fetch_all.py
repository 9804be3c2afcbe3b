"""Many hosts at once, one request at a time each, and what hosts wish for is kept."""

import threading
import time
from collections import Counter
from contextlib import ExitStack
from itertools import pairwise

import pytest
from loopback import Reply, loopback
from services import HASTY, picture

from unskew.curate.download import Downloader
from unskew.curate.fetch_all import WORKERS, fetch_all
from unskew.curate.images import NoImageError
from unskew.curate.sources.patience import Patience, UnreachableError

LATE = 0.05


@pytest.fixture
def servers():
    """Six hosts, each with eight images that take a while."""
    with ExitStack() as stack:
        found = [stack.enter_context(loopback()) for _ in range(6)]
        for server in found:
            for number in range(8):
                server.on(f"/{number}.jpg", Reply(picture(number), late=LATE))
        yield found


def addresses(servers):
    return [f"{server.url}/{number}.jpg" for server in servers for number in range(8)]


def closest(server):
    """The least seconds between two requests to a host."""
    times = sorted(request["time"] for request in server.asked)
    return min(later - earlier for earlier, later in pairwise(times))


def most_at_once(servers):
    """Of requests that wait for their answer at one moment."""
    begun = [request["time"] for server in servers for request in server.asked]
    return max(sum(earlier <= now < earlier + LATE for earlier in begun) for now in begun)


def test_hosts_are_asked_side_by_side_and_each_by_one_request_at_a_time(servers):
    urls = addresses(servers)
    found = dict(fetch_all(urls, Downloader(HASTY)))
    assert found == {url: picture(int(url[-5])) for url in urls}
    assert all(server.times(f"/{n}.jpg") == 1 for server in servers for n in range(8))
    # An answer takes so long: whoever is asked sooner had two requests at a time.
    assert all(closest(server) >= LATE for server in servers)
    assert 3 <= most_at_once(servers) <= 6


def test_a_host_that_wants_a_pause_holds_up_itself_alone(servers):
    limited, *others = servers
    limited.on("/0.jpg", Reply(status=429, headers={"Retry-After": "2"}), Reply(picture(0)))
    limited.on("/1.jpg", Reply(status=429, headers={"Retry-After": "3600"}))
    found, when = {}, {}
    start = time.monotonic()
    for url, answer in fetch_all(addresses(servers), Downloader(HASTY)):
        found[url], when[url] = answer, time.monotonic() - start
    assert found[f"{limited.url}/0.jpg"] == picture(0)
    assert when[f"{limited.url}/0.jpg"] >= 2
    assert max(when[url] for url in found if not url.startswith(limited.url)) < 2
    # It was told once that this host is to be left alone, and asked it nothing more.
    assert len(limited.asked) == 3
    assert all(isinstance(found[f"{limited.url}/{n}.jpg"], UnreachableError) for n in range(1, 8))
    assert all(len(server.asked) == 8 for server in others)


def test_one_downloader_in_many_threads_keeps_to_one_request_per_host(server):
    """Whatever threads ask for, and however an address writes its host."""
    for number in range(6):
        server.on(f"/{number}.jpg", Reply(picture(number), late=LATE))
    downloader = Downloader(HASTY)
    urls = [f"http://who@{server.url[7:]}/{n}.jpg" for n in range(3)]
    urls += [f"{server.url}/{n}.jpg" for n in range(3, 6)]
    threads = [threading.Thread(target=downloader.fetch, args=(url,)) for url in urls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.asked) == 6
    assert closest(server) >= LATE


def test_pages_of_flickr_and_files_go_side_by_side():
    """While the file of one page is on its way, another page is asked for."""
    with loopback() as pages, loopback() as files:
        names = [f"https://www.flickr.com/photos/x/{n}/" for n in range(8)]
        where = [{"type": "photo", "url": f"{files.url}/{n}.jpg"} for n in range(8)]
        pages.on("/oembed", *(Reply(found, late=LATE) for found in where))
        for n in range(8):
            files.on(f"/{n}.jpg", Reply(picture(n), late=LATE))
        downloader = Downloader(HASTY, oembed=f"{pages.url}/oembed")
        found = [answer for _, answer in fetch_all(names, downloader)]
    assert Counter(found) == Counter(picture(n) for n in range(8))
    assert closest(pages) >= LATE
    assert closest(files) >= LATE
    assert most_at_once([pages, files]) == 2


def test_what_is_gone_is_told_and_addresses_that_are_none_end_nothing(servers):
    server = servers[0]
    urls = [f"{server.url}/gone.jpg", "http://[broken/1.jpg", f"{server.url}/0.jpg"]
    found = dict(fetch_all(urls, Downloader(HASTY)))
    assert isinstance(found[urls[0]], NoImageError)
    assert isinstance(found[urls[1]], NoImageError)
    assert found[urls[2]] == picture(0)
    assert list(fetch_all([], Downloader(HASTY))) == []


def test_who_stops_is_not_held_up_by_a_pause(servers):
    limited = servers[0]
    for number in range(8):
        limited.on(f"/{number}.jpg", Reply(status=429, headers={"Retry-After": "60"}))
    run = fetch_all(addresses(servers), Downloader(Patience(timeout=1.0, longest=100)))
    start = time.monotonic()
    next(run)
    run.close()
    assert time.monotonic() - start < 10
    time.sleep(3 * LATE)  # those under way
    asked = sum(len(server.asked) for server in servers)
    time.sleep(3 * LATE)
    assert sum(len(server.asked) for server in servers) == asked <= 3 * WORKERS


def test_however_many_hosts_want_a_pause_the_others_go_on():
    """More than there are workers, who wait for none of them."""
    with ExitStack() as stack:
        waiting = [stack.enter_context(loopback()) for _ in range(2 * WORKERS)]
        ready = stack.enter_context(loopback())
        for server in waiting:
            busy = Reply(status=429, headers={"Retry-After": "2"})
            server.on("/0.jpg", busy, Reply(picture(0)))
        for number in range(8):
            ready.on(f"/{number}.jpg", Reply(picture(number), late=LATE))
        urls = [f"{server.url}/0.jpg" for server in waiting] + addresses([ready])
        found, when, threads = {}, {}, set()
        start = time.monotonic()
        for url, answer in fetch_all(urls, Downloader(HASTY)):
            found[url], when[url] = answer, time.monotonic() - start
            threads |= {t for t in threading.enumerate() if t.name.startswith("unskew-fetch")}
    assert found == {url: picture(int(url[-5])) for url in urls}
    assert max(when[url] for url in addresses([ready])) < 2
    # Each was left alone for as long as it wished, and all of them for the same two seconds.
    assert [len(server.asked) for server in waiting] == [2] * len(waiting)
    assert all(closest(server) >= 2 for server in waiting)
    assert max(when.values()) < 4
    assert len(threads) <= WORKERS


def test_whoever_is_led_to_a_host_keeps_to_its_pause(servers):
    target, *others = servers
    busy = Reply(status=429, headers={"Retry-After": "1"})
    target.on("/0.jpg", busy, Reply(picture(0), late=LATE))
    for number, server in enumerate(others, start=1):
        moved = Reply(status=302, headers={"Location": f"{target.url}/{number}.jpg"}, late=0.1)
        server.on("/moved.jpg", moved)
    urls = [f"{target.url}/0.jpg", *(f"{server.url}/moved.jpg" for server in others)]
    found = dict(fetch_all(urls, Downloader(HASTY)))
    assert [found[url] for url in urls] == [picture(number) for number in range(6)]
    first, *later = sorted(request["time"] for request in target.asked)
    assert len(later) == 6
    assert min(later) - first >= 1
    assert closest(target) >= LATE


def test_a_later_run_keeps_to_the_pause_of_a_host(servers):
    limited, other, *_ = servers
    limited.on("/0.jpg", Reply(status=429, headers={"Retry-After": "3600"}))
    downloader = Downloader(HASTY)
    for url in (f"{limited.url}/0.jpg", f"{other.url}/0.jpg", f"{limited.url}/1.jpg"):
        list(fetch_all([url], downloader))
    assert (len(limited.asked), len(other.asked)) == (1, 1)


def test_redirects_are_followed_in_the_turn_of_whom_they_lead_to(servers):
    target, *others = servers[:4]
    for server in others:
        for number in range(8):
            moved = Reply(status=302, headers={"Location": f"{target.url}/{number}.jpg"})
            server.on(f"/{number}.jpg", moved)
    urls = addresses(others)
    found = dict(fetch_all(urls, Downloader(HASTY)))
    assert found == {url: picture(int(url[-5])) for url in urls}
    assert len(target.asked) == len(urls)
    assert closest(target) >= LATE


def test_an_address_that_leads_on_for_ever_is_none(server):
    for number in range(9):
        server.on(f"/{number}.jpg", Reply(status=301, headers={"Location": f"{number + 1}.jpg"}))
    server.on("/9.jpg", Reply(picture(9)))
    found = dict(fetch_all([f"{server.url}/3.jpg", f"{server.url}/4.jpg"], Downloader(HASTY)))
    assert found[f"{server.url}/4.jpg"] == picture(9)
    assert "leads on more than 5 times" in str(found[f"{server.url}/3.jpg"])


ODD_HOSTS = [
    "http://a..b/x.jpg",
    f"http://{'a' * 64}.example/x.jpg",
    "http://xn--a/x.jpg",
    "http://127.0.0.1:99999999999999999999/x.jpg",
]


@pytest.mark.parametrize("odd", ODD_HOSTS)
def test_a_host_with_an_odd_name_ends_nothing(server, odd):
    """Neither one that is asked for, nor one that an address leads to."""
    server.on("/moved.jpg", Reply(status=302, headers={"Location": odd}))
    server.on("/0.jpg", Reply(picture(0)))
    urls = [odd, f"{server.url}/moved.jpg", f"{server.url}/0.jpg"]
    found = dict(fetch_all(urls, Downloader(HASTY)))
    assert [type(found[url]) for url in urls] == [NoImageError, NoImageError, bytes]


@pytest.mark.parametrize(
    ("status", "headers", "type_"),
    [
        (429, {"Retry-After": "99999999999999"}, UnreachableError),
        (429, {"Retry-After": "1e300"}, UnreachableError),
        (429, {"Retry-After": "inf"}, UnreachableError),
        (429, {"Retry-After": "nan"}, UnreachableError),
        (429, {"Retry-After": f"Mon, {'9' * 30} Jan 2030 00:00:00 GMT"}, UnreachableError),
        (200, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "9" * 300}, bytes),
        (200, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "9" * 400}, bytes),
    ],
)
def test_a_pause_without_end_is_told_as_any_other(server, status, headers, type_):
    server.on("/0.jpg", Reply(picture(0), status=status, headers=headers))
    downloader = Downloader(HASTY)
    assert type(dict(fetch_all([f"{server.url}/0.jpg"], downloader)).popitem()[1]) is type_
    ((_, later),) = fetch_all([f"{server.url}/1.jpg"], downloader)
    assert isinstance(later, UnreachableError | NoImageError)
