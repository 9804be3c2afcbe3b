"""When what is kept of a visitor goes: soon after the page, or some minutes after its last use.

For each page that is open gradio keeps its states and whatever each part of it showed last. It
would keep the states for an hour after the page is closed, and the rest until many others came.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any

import gradio as gr
from starlette.types import ASGIApp, Receive, Scope, Send

from unskew.demo.limits import Limits
from unskew.demo.memory import give_back

_HEARTBEAT = "/heartbeat/"
_log = logging.getLogger(__name__)


class Visits:
    """The visits of one page. All of it runs in the server's event loop, as gradio's part does."""

    def __init__(self, page: gr.Blocks, limits: Limits) -> None:
        self._page = page
        self._limits = limits
        self._open: Counter[str] = Counter()
        self._left: dict[str, datetime] = {}
        self._gone = False

    @contextmanager
    def open(self, session: str) -> Iterator[None]:
        """A connection that a page holds as long as it is open; it may hold more than one.

        When the last ends, the page was closed or the network broke: only time tells which.
        """
        self._open[session] += 1
        self._left.pop(session, None)
        try:
            yield
        finally:
            self._open[session] -= 1
            if not self._open[session]:
                del self._open[session]
                if session in self._page.app.state_holder:
                    self._left[session] = datetime.now()

    def kept(self, request: gr.Request) -> object | None:
        """What is now kept of the page that asks: another object after it was forgotten."""
        return self._page.app.state_holder.session_data.get(str(request.session_hash))

    def forget(self, request: gr.Request) -> None:
        """Keep nothing of the page that asks: what it asks next is its first question."""
        self._forget(str(request.session_hash))

    def sweep(self) -> None:
        """Forget the visitors who have left, or have asked for nothing for so long."""
        for session in self._due():
            try:
                self._forget(session)
            except Exception:  # one visitor's trouble is not to keep what others left
                _log.exception("not all that was kept of a visitor could be removed")

    @asynccontextmanager
    async def lifespan(self, _: Any) -> AsyncIterator[None]:
        """Sweep as long as the server runs, and give back the memory of those who have gone."""
        sweeping = asyncio.create_task(self._sweeping())
        try:
            yield
        finally:
            sweeping.cancel()
            with suppress(asyncio.CancelledError):
                await sweeping

    async def _sweeping(self) -> None:
        while True:
            await asyncio.sleep(self._limits.sweep)
            self.sweep()
            if self._gone:
                self._gone = False
                await asyncio.to_thread(give_back)

    def _due(self) -> set[str]:
        now = datetime.now()
        oldest = now - timedelta(seconds=self._limits.keep)
        away = now - timedelta(seconds=self._limits.away)
        used = dict(self._page.app.state_holder.time_last_used)
        # Who asked for something after the connection had ended has not left.
        left = {s for s, at in self._left.items() if at < away and used.get(s, at) <= at}
        # Who waits for an answer is not idle, however long the queue is.
        asking = {event.session_hash for event in self._page._queue.event_ids_to_events.values()}
        return (left | {s for s, at in used.items() if at < oldest}) - asking

    def _forget(self, session: str) -> None:
        holder = self._page.app.state_holder
        try:
            holder.delete_state(session)  # which removes what the states say is to be removed
        finally:
            with holder.lock:
                holder.session_data.pop(session, None)
                holder.time_last_used.pop(session, None)
            self._left.pop(session, None)
            self._gone = True


class Heartbeats:
    """ASGI middleware that tells the visits which pages are open, by the connections they hold."""

    def __init__(self, app: ASGIApp, visits: Visits) -> None:
        self._app = app
        self._visits = visits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        _, heartbeat, session = scope.get("path", "").partition(_HEARTBEAT)
        if not heartbeat:
            return await self._app(scope, receive, send)
        with self._visits.open(session):
            return await self._app(scope, receive, send)


def folder_state() -> gr.State:
    """A state with a folder that goes when the state does."""
    return gr.State(None, delete_callback=remove)


def remove(folder: str | None) -> None:
    """Remove a visitor's folder, if there is one."""
    if folder is not None:
        # gradio's own sweep may delete the same files in another thread at the same time.
        shutil.rmtree(folder, ignore_errors=True)
