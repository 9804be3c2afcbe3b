"""Many addresses at once, but never two of one host.

Slow hosts do not hold up the others, unless there are as many of them at once as workers.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable
from queue import Empty, Full, Queue
from threading import Event, Lock, Thread

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
    for number in range(min(workers, len(run.hosts))):
        # Daemons: whoever stops the program does not wait for hosts that want a pause.
        Thread(target=run.work, name=f"unskew-fetch-{number}", daemon=True).start()
    try:
        for _ in range(run.count):
            yield run.next()
    finally:
        run.stopped.set()


class _Run:
    """The addresses that are left, by host, and what was fetched."""

    def __init__(self, urls: Iterable[str], downloader: Downloader) -> None:
        queues: dict[str, deque[str]] = {}
        self.count = 0
        for url in urls:
            queues.setdefault(_queue_of(url, self.count), deque()).append(url)
            self.count += 1
        self.hosts = deque(queues.values())
        self.stopped = Event()
        self._downloader = downloader
        self._lock = Lock()
        self._done: Queue[tuple[str, bytes | Exception]] = Queue(_WAITING)

    def work(self) -> None:
        """In a thread: one address of the host that has waited longest, until none is left.

        It ends where every host that has more is asked by another thread already.
        """
        while not self.stopped.is_set():
            with self._lock:
                if not self.hosts:
                    return
                queue = self.hosts.popleft()
            url = queue.popleft()
            answer: bytes | Exception
            try:
                answer = self._downloader.fetch(url)
            except Exception as error:  # raised, or told, where the caller is
                answer = error
            self._put(url, answer)
            if queue:
                with self._lock:
                    self.hosts.append(queue)

    def next(self) -> tuple[str, bytes | Exception]:
        """Wait for one; in short turns, so that Ctrl-C is heard."""
        while True:
            try:
                return self._done.get(timeout=_TICK)
            except Empty:
                continue

    def _put(self, url: str, answer: bytes | Exception) -> None:
        while not self.stopped.is_set():
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
