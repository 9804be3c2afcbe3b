"""When what is kept of a visitor goes: with the page, or some minutes after its last use.

For each page that is open gradio keeps its states and whatever each part of it showed last. It
would keep the states for an hour after the page is closed, and the rest until many others came.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import gradio as gr

from unskew.demo.limits import Limits
from unskew.demo.memory import give_back


class Visits:
    """The visits of one page. All of it runs in the server's event loop, as gradio's part does."""

    def __init__(self, page: gr.Blocks, limits: Limits) -> None:
        self._page = page
        self._limits = limits
        self._gone = False

    async def leave(self, request: gr.Request) -> None:
        """The page was closed, or loaded anew."""
        self.forget(request)

    def forget(self, request: gr.Request) -> None:
        """Keep nothing of the page that asks: what it asks next is its first question."""
        self._forget(str(request.session_hash))

    def sweep(self) -> None:
        """Forget the visitors who have asked for nothing for so long."""
        oldest = datetime.now() - timedelta(seconds=self._limits.keep)
        used = self._page.app.state_holder.time_last_used
        for session in [session for session, at in used.items() if at < oldest]:
            self._forget(session)

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

    def _forget(self, session: str) -> None:
        holder = self._page.app.state_holder
        holder.delete_state(session)  # which removes what the states say is to be removed
        with holder.lock:
            holder.session_data.pop(session, None)
            holder.time_last_used.pop(session, None)
        self._gone = True


def folder_state() -> gr.State:
    """A state with a folder that goes when the state does."""
    return gr.State(None, delete_callback=remove)


def remove(folder: str | None) -> None:
    """Remove a visitor's folder, if there is one."""
    if folder is not None and Path(folder).exists():
        shutil.rmtree(folder)
