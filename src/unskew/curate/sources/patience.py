"""When to ask a service again: after the time that its headers say, and not for ever."""

import email.utils
import math
import os
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from typing import Protocol, TypeVar

from unskew import __version__
from unskew.curate.sources.base import SourceError

BUSY = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 522})
# In seconds, 30 years: a header may name any number, and a date has an end.
_FARTHEST = 1e9
# Until another one's turn may have ended, in seconds.
_SOON = 0.05
# A reset is given in seconds from now by some services and as the time of day by others.
_RELATIVE_RESET_BELOW = 1e8


class Reply(Protocol):
    """What the answers of httpx and of requests have in common."""

    @property
    def status_code(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]: ...


R = TypeVar("R", bound=Reply)
T = TypeVar("T")


class UnreachableError(SourceError):
    """It did not answer, or only that it is busy: the same request may succeed another time."""


@dataclass(frozen=True)
class Patience:
    """Times in seconds: for one answer; between attempts, doubling from `first`; and at most."""

    timeout: float = 30.0
    attempts: int = 5
    first: float = 1.0
    longest: float = 1000.0  # X's window is a quarter of an hour


class Caller:
    """Asks one service, by one request at a time, and waits as it wishes: Retry-After, and
    X-RateLimit-* once all is used. Several threads may ask at once."""

    def __init__(self, service: str, patience: Patience) -> None:
        self.service = service
        self._patience = patience
        self._not_before = 0.0
        self._turn = Lock()  # of a request, and of what follows from its answer

    def ask(self, send: Callable[[], R], broken: tuple[type[Exception], ...]) -> R:
        """The first answer of `send` that is not "busy".

        `broken`: what `send` raises when a connection fails or is cut, or an answer is late.

        Raises:
            UnreachableError: all attempts failed, or it wants to be left alone for long.
        """
        return waited(self.asking(send, broken))

    def asking(
        self, send: Callable[[], R], broken: tuple[type[Exception], ...]
    ) -> Generator[float, None, R]:
        """The same in steps: yields how many seconds to wait before it goes on."""
        trouble, attempt = "", 0
        while attempt < self._patience.attempts:
            if not self._turn.acquire(blocking=False):
                yield _SOON
                continue
            try:
                pause = self._pause()
                if pause <= 0:
                    attempt += 1
                    found = self._attempt(send, broken, attempt)
                    if not isinstance(found, str):
                        return found
                    trouble = found
            finally:
                self._turn.release()
            if pause > 0:
                yield pause
        raise UnreachableError(f"{self.service} {trouble}, at {attempt} attempts: try again later")

    def _attempt(
        self, send: Callable[[], R], broken: tuple[type[Exception], ...], attempt: int
    ) -> R | str:
        """The answer, or what the trouble is; and how long the service is then left alone."""
        last = attempt == self._patience.attempts
        pause = 0.0 if last else self._patience.first * 2 ** (attempt - 1)
        try:
            reply = send()
        except broken as error:
            trouble = f"did not answer, or not to the end ({type(error).__name__})"
        else:
            wanted = wanted_pause(reply.headers, time.time())
            if not _is_busy(reply):
                # Told beforehand that the next request will be refused: it waits.
                self._not_before = time.time() + (wanted or 0) if _used_up(reply) else 0.0
                return reply
            trouble = f"has too much to do (HTTP {reply.status_code})"
            pause = pause if wanted is None else wanted
        self._not_before = time.time() + pause
        return trouble

    def _pause(self) -> float:
        """Seconds until it may be asked; 0 or less: now. Raises UnreachableError if it is long."""
        seconds = min(self._not_before - time.time(), _FARTHEST)
        if seconds > self._patience.longest:
            until = datetime.fromtimestamp(time.time() + seconds, UTC)
            raise UnreachableError(
                f"{self.service} wants no request for {seconds:.0f} s: "
                f"try again after {until:%Y-%m-%d %H:%M} UTC"
            )
        return seconds


def waited(steps: Generator[float, None, T]) -> T:
    """What comes of steps, with all the pauses between them."""
    while True:
        try:
            pause = next(steps)
        except StopIteration as end:
            result: T = end.value
            return result
        time.sleep(pause)


def wanted_pause(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds that a service wants to be left alone, by its headers; None if they do not say.

    Retry-After is seconds or a date (RFC 9110, 10.2.3). X-RateLimit-Reset is no standard: Reddit
    gives seconds, X the time of the reset in seconds since 1970.
    """
    after = headers.get("retry-after")
    if after is not None:
        seconds = _number(after)
        if seconds is not None:
            return max(seconds, 0.0)
        try:
            return max(email.utils.parsedate_to_datetime(after).timestamp() - now, 0.0)
        except (ValueError, OverflowError):
            pass  # neither form: as if it were not there
    if not _used_up_by(headers):
        return None
    reset = _number(headers.get("x-ratelimit-reset") or headers.get("x-rate-limit-reset"))
    if reset is None:
        return None
    # One second more: the time is cut to whole seconds.
    return reset if reset < _RELATIVE_RESET_BELOW else max(reset - now + 1, 0.0)


def user_agent() -> str:
    """Who asks, as the services' terms require, with UNSKEW_CONTACT where it is set."""
    contact = os.environ.get("UNSKEW_CONTACT", "").strip()
    return f"unskew/{__version__} (image collection for bias research; {contact or '-'})"


def _is_busy(reply: Reply) -> bool:
    # Unsplash says 403 where others say 429.
    return reply.status_code in BUSY or (reply.status_code == 403 and _used_up(reply))


def _used_up(reply: Reply) -> bool:
    return _used_up_by(reply.headers)


def _used_up_by(headers: Mapping[str, str]) -> bool:
    left = _number(headers.get("x-ratelimit-remaining") or headers.get("x-rate-limit-remaining"))
    return left is not None and left < 1


def _number(text: str | None) -> float | None:
    """A finite number; None for anything else."""
    try:
        number = math.nan if text is None else float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
