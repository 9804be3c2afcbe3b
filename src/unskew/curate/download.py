"""Image files from the web, with patience for each host."""

from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock
from urllib.parse import urljoin, urlsplit

from unskew.curate.images import LARGEST, NoImageError, image_suffix
from unskew.curate.sources import flickr
from unskew.curate.sources.base import SourceError
from unskew.curate.sources.patience import Caller, Patience, UnreachableError, waited
from unskew.curate.sources.web import MOST_REDIRECTS, Answer, Web

# So many images in a row that a host did not answer for: the rest wait for another run.
_GIVEN_UP_AFTER = 3
# So many hosts in a row that did not answer mean that the network is gone.
_OUT_OF_REACH = 20
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class OutOfReachError(UnreachableError):
    """No host answers any more: nobody need be asked."""


@dataclass
class Downloader:
    """Fetches images, with patience for each host; one that does not answer is given up.

    It may be asked by several threads at once. A host has one request at a time, and none, whoever
    asks, in the pauses that it wishes for.

    `limit`: bytes; a longer file is not stored. `oembed`: who is asked where the image of a page on
    Flickr lies. `private_hosts`: whether addresses may lead to this machine and into its network;
    not for those that a stranger has written.
    """

    patience: Patience = field(default_factory=lambda: Patience(attempts=3))
    limit: int = LARGEST
    oembed: str = flickr.OEMBED
    private_hosts: bool = True
    _lock: Lock = field(default_factory=Lock, repr=False)  # of what follows
    _callers: dict[str, Caller] = field(default_factory=dict, repr=False)  # by host
    _silent: Counter[str] = field(default_factory=Counter, repr=False)
    _silent_in_a_row: set[str] = field(default_factory=set, repr=False)

    def fetch(self, url: str) -> bytes:
        """The content of an image file; of a photograph's page on Flickr, the photograph.

        Raises:
            NoImageError: it is gone, refused, too large, or not an image.
            UnreachableError: the host did not answer; it may another time.
            OutOfReachError: no host did, for a long while.
        """
        return waited(self.fetching(url))

    def fetching(self, url: str) -> Generator[float, None, bytes]:
        """The same in steps: yields how many seconds a host wants to be left alone for before it
        goes on; others may be asked meanwhile."""
        if flickr.is_page(url):
            page, _ = yield from self._getting(flickr.question(url, self.oembed))
            url = flickr.image_address(page)
        content, kind = yield from self._getting(url)
        if image_suffix(content) is None:
            raise NoImageError(f"what lies there is not an image ({kind:.40})")
        return content

    def _getting(self, url: str) -> Generator[float, None, tuple[bytes, str]]:
        """What lies at an address, or where it leads to, and the type that its host gives it."""
        for _ in range(1 + MOST_REDIRECTS):
            answer = yield from self._asking(url)
            target = answer.headers.get("location")
            if answer.status_code not in _REDIRECTS or not target:
                break
            try:
                url = urljoin(url, target)
            except ValueError as error:
                raise NoImageError(f"it leads to an address that is none ({error})") from error
        else:
            raise NoImageError(f"it leads on more than {MOST_REDIRECTS} times")
        if answer.status_code != 200:
            raise NoImageError(f"HTTP {answer.status_code}")
        if answer.content is None:
            raise NoImageError(f"it has more than {self.limit} bytes")
        kind = answer.headers.get("content-type", "no type given").split(";")[0]
        return answer.content, kind

    def _asking(self, url: str) -> Generator[float, None, Answer]:
        """What a host says, in its turn."""
        host = host_of(url)
        if self._silent[host] >= _GIVEN_UP_AFTER:
            raise UnreachableError(f"{host} did not answer {_GIVEN_UP_AFTER} times in a row")
        with self._lock:
            caller = self._callers.setdefault(host, Caller(host, self.patience))
            web = self._web
        try:
            answer = yield from web.getting(url, self.limit, caller)
        except UnreachableError as error:
            if self._is_silent(host):
                raise OutOfReachError(
                    f"{_OUT_OF_REACH} hosts in a row did not answer: look after the network"
                ) from error
            raise
        except SourceError as error:
            raise NoImageError(str(error)) from error
        with self._lock:
            self._silent[host] = 0
            self._silent_in_a_row.clear()
        return answer

    @cached_property
    def _web(self) -> Web:
        """One for all hosts: it limits how many connections are kept open."""
        return Web("the web", self.patience, follow=False, private_hosts=self.private_hosts)

    def _is_silent(self, host: str) -> bool:
        """Note it; True when so many were in a row that the network must be gone."""
        with self._lock:
            self._silent[host] += 1
            self._silent_in_a_row.add(host)
            return len(self._silent_in_a_row) >= _OUT_OF_REACH


def host_of(url: str) -> str:
    """Who is asked for it. Raises NoImageError where the address is none."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2].lower() or url
    except ValueError as error:
        raise NoImageError(f"its address is none ({error})") from error
