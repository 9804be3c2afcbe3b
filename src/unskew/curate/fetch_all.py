"""Many addresses at once, but never two of one host.

A host that wants a pause holds up nobody but itself, however many hosts do: whoever asks it turns
to another meanwhile. Hosts that are slow to answer hold up the others only while there are as many
of them at once as workers.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count
from queue import Empty, Full, Queue
from threading import Condition, Event, Thread

from unskew.curate.download import Downloader, host_of
from unskew.curate.images import NoImageError
from unskew.curate.sources import flickr

WORKERS = 8
# Files that were fetched and wait to be stored: each may have 20 MB.
_WAITING = 4
_TICK = 0.2


def fetch_all(
    urls: Iterable[str], downloader: Downloader, workers: int = WORKERS
) -> Generator[tuple[str, bytes | Exception]]:
    """Every address with its content, or with what `Downloader.fetch` raises, as they come.

    Hosts take turns, so that each is asked evenly over the whole time. When the caller stops, no
    new request is made; those under way are left to themselves.
    """
    run = _Run(urls, downloader)
    for number in range(min(workers, run.hosts)):
        # Daemons: whoever stops the program does not wait for requests that are under way.
        Thread(target=run.work, name=f"unskew-fetch-{number}", daemon=True).start()
    try:
        for _ in range(run.addresses):
            yield run.next()
    finally:
        run.stop()


@dataclass
class _Host:
    """`urls`: what is left to be asked of it. `steps`: of the first, once it was begun."""

    urls: deque[str]
    steps: Generator[float, None, bytes] | None = None


class _Run:
    """The addresses that are left, by host, and what was fetched."""

    def __init__(self, urls: Iterable[str], downloader: Downloader) -> None:
        found: dict[str, _Host] = {}
        self.addresses = 0
        for url in urls:
            host = found.setdefault(_queue_of(url, self.addresses), _Host(deque()))
            host.urls.append(url)
            self.addresses += 1
        self.hosts = len(found)
        self._downloader = downloader
        self._done: Queue[tuple[str, bytes | Exception]] = Queue(_WAITING)
        self._stopped = Event()
        # A heap of the hosts that nobody asks now: when each may be asked, which of those that may
        # was put there first, and the host.
        self._changed = Condition()
        self._turns = count()
        self._due: list[tuple[float, int, _Host]] = []
        for host in found.values():
            self._put_back(host, 0.0)

    def work(self) -> None:
        """In a thread: a step of the host that has waited longest, until none is left.

        It ends where every host that has more is asked by another thread already.
        """
        while (host := self._next_host()) is not None:
            answer: bytes | Exception
            try:
                if host.steps is None:
                    host.steps = self._downloader.fetching(host.urls[0])
                pause = next(host.steps)
            except StopIteration as end:
                answer = end.value
            except Exception as error:  # raised, or told, where the caller is
                answer = error
            else:
                self._put_back(host, pause)
                continue
            host.steps = None
            self._tell(host.urls.popleft(), answer)
            if host.urls:
                self._put_back(host, 0.0)

    def next(self) -> tuple[str, bytes | Exception]:
        """Wait for one; in short turns, so that Ctrl-C is heard."""
        while True:
            try:
                return self._done.get(timeout=_TICK)
            except Empty:
                continue

    def stop(self) -> None:
        with self._changed:
            self._stopped.set()
            self._changed.notify_all()

    def _next_host(self) -> _Host | None:
        """Wait until a host may be asked; None if there is none to wait for."""
        with self._changed:
            while self._due and not self._stopped.is_set():
                pause = self._due[0][0] - time.monotonic()
                if pause <= 0:
                    return heappop(self._due)[-1]
                self._changed.wait(pause)
        return None

    def _put_back(self, host: _Host, pause: float) -> None:
        with self._changed:
            heappush(self._due, (time.monotonic() + pause, next(self._turns), host))
            self._changed.notify()

    def _tell(self, url: str, answer: bytes | Exception) -> None:
        while not self._stopped.is_set():
            try:
                self._done.put((url, answer), timeout=_TICK)
                return
            except Full:
                continue


def _queue_of(url: str, number: int) -> str:
    """What is asked in turn: a host. A page of Flickr is two requests, to two hosts: while the
    file of one is on its way, another page can be asked for."""
    try:
        host = host_of(url)
    except NoImageError:
        return ""
    return f"{host} {number % 2}" if flickr.is_page(url) else host
