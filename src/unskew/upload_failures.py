"""What may go wrong while talking to the Hub: what passes, and how long to wait for that."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")

WAITS = (1.0, 2.0, 4.0)
"""Seconds before each further try."""
LONGEST_WAIT = 301.0
"""Seconds, even where the Hub asks for more patience: it counts requests by five minutes."""

SILENT = 5.0
"""Seconds that may pass without a word."""


def patiently(call: Callable[[], T]) -> T:
    """Call, and again a few times if it fails in a way that passes."""
    for wait in WAITS:
        try:
            return call()
        except failures() as error:
            if not passing(error):
                raise
            rest(error, wait)
    return call()


def failures() -> tuple[type[Exception], ...]:
    """What the Hub's client raises: RuntimeError comes from its Xet transfers, and KeyError from
    an answer that lacks what it should say."""
    from huggingface_hub.errors import HTTPError

    return (HTTPError, OSError, ValueError, RuntimeError, KeyError)


def status_of(error: Exception) -> int | None:
    return getattr(getattr(error, "response", None), "status_code", None)


def passing(error: Exception) -> bool:
    """Whether it may go better in a while: connection, time-out, 408, 429, 5xx, garbled answer."""
    from json import JSONDecodeError

    from huggingface_hub.errors import HTTPError

    status = status_of(error)
    if status is not None:
        return status in (408, 429) or status >= 500
    return isinstance(error, HTTPError | ConnectionError | TimeoutError | JSONDecodeError)


def may_have_reached(error: Exception) -> bool:
    """Whether it was the commit itself, and not what goes before it, whose outcome is unknown."""
    holder: Any = getattr(error, "response", None) or error
    try:
        return "/commit/" in str(holder.request.url)
    except (AttributeError, RuntimeError):  # it belongs to no request, or is not known which
        return True


def rest(error: Exception, wait: float) -> None:
    """Sleep for `pause`, and say so first on standard error if it is long."""
    seconds = pause(error, wait)
    if seconds > SILENT:
        print(f"Note: waiting {seconds:.0f} s, as the Hub asks.", file=sys.stderr, flush=True)
    time.sleep(seconds)


def pause(error: Exception, wait: float) -> float:
    """Seconds, more if the Hub asks for it: Retry-After, or when its window of requests ends."""
    from huggingface_hub.utils import parse_ratelimit_headers

    headers = getattr(getattr(error, "response", None), "headers", {})
    after = headers.get("Retry-After", "")
    asked = float(after) if after.isdecimal() else 0.0
    limit = parse_ratelimit_headers(headers)
    if limit is not None and limit.remaining == 0:
        asked = max(asked, limit.reset_in_seconds + 1.0)  # it rounds down
    return min(max(wait, asked), LONGEST_WAIT)
