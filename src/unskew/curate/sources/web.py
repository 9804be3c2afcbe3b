"""Requests by httpx, with patience, and with an end to what is read."""

import json
import ssl
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from unskew.curate.sources.base import SourceError, refusal
from unskew.curate.sources.patience import Caller, Patience, user_agent, waited
from unskew.curate.sources.reach import only_public

_MEGABYTE = 2**20
LARGEST_ANSWER = 32 * _MEGABYTE
MOST_REDIRECTS = 5
# A server that sends a byte now and then never times out by itself.
_TIMEOUTS_FOR_A_WHOLE_ANSWER = 10


@dataclass(frozen=True)
class Answer:
    """An answer that came whole; `content` is None where it is longer than was asked for."""

    status_code: int
    headers: Mapping[str, str]
    content: bytes | None


class Web:
    """One service, asked by GET; or all hosts, where each request names who asks.

    Several threads may use it at once.
    """

    def __init__(
        self,
        service: str,
        patience: Patience,
        headers: Mapping[str, str] | None = None,
        key: str | None = None,
        *,
        follow: bool = True,
        private_hosts: bool = True,
    ) -> None:
        """`headers` may hold the user's secret; `key`: the variable it came from, for errors.

        `follow`: redirects. `private_hosts`: whether this machine and its network may be asked.
        """
        import httpx

        self._service = service
        self._key = key
        self._patience = patience
        self._caller = Caller(service, patience)
        self._client = httpx.Client(
            timeout=patience.timeout,
            headers={"User-Agent": user_agent(), **(headers or {})},
            verify=_tls(),
            follow_redirects=follow,
            max_redirects=MOST_REDIRECTS,
            event_hooks={"request": [] if private_hosts else [only_public]},
        )
        self._broken = (
            httpx.TimeoutException,
            httpx.NetworkError,
            httpx.ProtocolError,
            httpx.ProxyError,
            httpx.DecodingError,
        )
        self._refused = (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.TooManyRedirects)

    def get(self, url: str) -> Answer:
        """The answer, whatever its status; its content only up to `LARGEST_ANSWER` bytes.

        Raises:
            UnreachableError: it did not come, or not whole, however often it was asked for.
            SourceError: the address is none, or leads in circles.
        """
        return waited(self.getting(url, LARGEST_ANSWER, self._caller))

    def getting(self, url: str, limit: int, caller: Caller) -> Generator[float, None, Answer]:
        """The same in steps, as `Caller.asking` has them, of the host that `caller` asks; the
        content only up to `limit` bytes."""
        return self._asking(lambda: self._read(url, None, limit), caller)

    def content(self, url: str) -> bytes:
        """What lies there. Raises SourceError as `get` does, and where it is refused."""
        answer = self.get(url)
        if answer.status_code != 200:
            raise refusal(self._service, answer.status_code, self._key)
        if answer.content is None:
            raise SourceError(f"{self._service} sends more than {LARGEST_ANSWER} bytes at once")
        return answer.content

    def json(
        self,
        url: str,
        params: Mapping[str, str | int],
        busy: Callable[[Any], bool] = lambda _: False,
    ) -> Any:
        """What the service answers, as JSON. `busy` tells answers which say "later" with a 200.

        Raises:
            UnreachableError, SourceError: see `get`; or it refuses, or sends no JSON.
        """

        def send() -> Answer:
            answer = self._read(url, params, LARGEST_ANSWER)
            if answer.status_code == 200 and busy(_decoded(answer)):
                return Answer(503, answer.headers, None)
            return answer

        answer = waited(self._asking(send, self._caller))
        if answer.status_code != 200:
            raise refusal(self._service, answer.status_code, self._key)
        found = _decoded(answer)
        if found is None:
            raise SourceError(f"{self._service} answered with something that is not JSON")
        return found

    def _asking(self, send: Callable[[], Answer], caller: Caller) -> Generator[float, None, Answer]:
        try:
            return (yield from caller.asking(send, self._broken))
        # Names of hosts that cannot be encoded, and ports that no number of C can hold.
        except (*self._refused, UnicodeError, OverflowError) as error:
            raise SourceError(f"{caller.service}: {type(error).__name__}: {error!s:.80}") from error

    def _read(self, url: str, params: Mapping[str, str | int] | None, limit: int) -> Answer:
        import httpx

        end = time.monotonic() + _TIMEOUTS_FOR_A_WHOLE_ANSWER * self._patience.timeout
        content = bytearray()
        if not url.lower().startswith(("http://", "https://")):
            raise httpx.InvalidURL("it is not an address on the web")
        with self._client.stream("GET", url, params=params) as response:
            for piece in response.iter_bytes():
                content += piece
                if len(content) > limit:
                    return Answer(response.status_code, response.headers, None)
                if time.monotonic() > end:
                    raise httpx.ReadTimeout("the answer takes too long")
            return Answer(response.status_code, response.headers, bytes(content))


@cache
def _tls() -> ssl.SSLContext:
    """One for all: to read the certificates takes as long as a download."""
    import httpx

    return httpx.create_ssl_context()


def _decoded(answer: Answer) -> Any:
    try:
        return json.loads(answer.content or b"")
    except ValueError:
        return None
