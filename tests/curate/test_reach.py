"""A stranger's addresses: whoever is asked is on the internet, also at second sight."""

import socket
from itertools import chain, repeat

import pytest
from loopback import Reply, loopback
from services import HASTY, picture

from unskew.curate.download import Downloader
from unskew.curate.images import NoImageError
from unskew.curate.sources import reach
from unskew.curate.sources.base import SourceError
from unskew.curate.sources.web import Web

PUBLIC = "127.0.0.2"
NAME = "pictures.example"


@pytest.fixture
def internet(monkeypatch):
    """A server on the internet is played by one at another address of this machine."""
    real = reach.is_public
    monkeypatch.setattr(reach, "is_public", lambda a: str(a) == PUBLIC or real(a))
    for variable in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(variable, raising=False)
        monkeypatch.delenv(variable.lower(), raising=False)
    with loopback(PUBLIC) as server:
        server.on("/0.jpg", Reply(picture(0)))
        yield server


@pytest.fixture
def resolved(monkeypatch):
    """Say what a name resolves to, one answer after the other, the last for ever."""
    real, answers = socket.getaddrinfo, {}

    def resolve(host, *arguments, **options):
        name = host.decode() if isinstance(host, bytes) else host
        if name in answers:
            host = next(answers[name])
            if host is None:
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return real(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return lambda name, *said: answers.update({name: chain(said, repeat(said[-1]))})


def port(server):
    return server.url.rpartition(":")[2]


def test_private_hosts_are_refused_by_any_name_and_after_a_redirect(server, internet):
    internet.on("/moved.jpg", Reply(status=302, headers={"Location": f"{server.url}/0.jpg"}))
    downloader = Downloader(HASTY, private_hosts=False)
    for host in ("127.0.0.1", "127.1", "2130706433", "[::1]", "[::ffff:127.0.0.1]", "10.0.0.1"):
        with pytest.raises(NoImageError, match="not on the internet"):
            downloader.fetch(f"http://{host}:{port(server)}/0.jpg")
    with pytest.raises(NoImageError, match=r"^127\.0\.0\.1 is not on the internet"):
        downloader.fetch(f"{internet.url}/moved.jpg")
    follows = Web("who follows redirects", HASTY, private_hosts=False)
    with pytest.raises(SourceError, match=r"^127\.0\.0\.1 is not on the internet"):
        follows.get(f"{internet.url}/moved.jpg")
    assert not server.asked
    assert [request["path"] for request in internet.asked] == ["/moved.jpg"] * 2
    assert downloader.fetch(f"{internet.url}/0.jpg") == picture(0)


def test_a_name_that_resolves_to_another_address_the_second_time(server, internet, resolved):
    server.on("/0.jpg", Reply(picture(1)))
    downloader = Downloader(HASTY, private_hosts=False)
    resolved(NAME, PUBLIC)
    assert downloader.fetch(f"http://{NAME}:{port(internet)}/0.jpg") == picture(0)
    assert internet.asked[0]["headers"]["host"] == f"{NAME}:{port(internet)}"
    resolved(NAME, PUBLIC, "127.0.0.1")
    with pytest.raises(NoImageError, match=f"^{NAME} is not on the internet"):
        downloader.fetch(f"http://{NAME}:{port(server)}/0.jpg")
    assert not server.asked
    # The same two answers, where nobody minds.
    resolved(NAME, PUBLIC, "127.0.0.1")
    assert Downloader(HASTY).fetch(f"http://{NAME}:{port(server)}/0.jpg") == picture(1)


def test_a_proxy_of_ones_own_network_is_asked(server, internet, resolved, monkeypatch):
    """It resolves what cannot be resolved here; what is private here is not asked of it either."""
    server.on("/0.jpg", Reply(picture(1)))
    monkeypatch.setenv("HTTP_PROXY", server.url)
    resolved(NAME, None)
    downloader = Downloader(HASTY, private_hosts=False)
    assert downloader.fetch(f"http://{NAME}/0.jpg") == picture(1)
    assert server.asked[0]["headers"]["host"] == NAME
    with pytest.raises(NoImageError, match="not on the internet"):
        downloader.fetch("http://10.0.0.1/0.jpg")
    assert len(server.asked) == 1
