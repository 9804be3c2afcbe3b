"""The page of a curation on this machine, and for it alone."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from unskew.curate.curation import DECISIONS, open_curation
from unskew.curate.decisions import DecisionLog, reviewer_name
from unskew.curate.review.desk import Desk
from unskew.errors import InputError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

HOST = "127.0.0.1"
PORT = 7860
_HERE = Path(__file__).parent
# A browser that holds to it asks nobody else for anything, whatever a page holds.
_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; font-src 'self' data:; "
    "style-src 'self' 'unsafe-inline'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = (
    (b"content-security-policy", _POLICY.encode()),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)


@dataclass(frozen=True)
class ReviewServer:
    """A page that is ready: `address` is where a browser of this machine finds it."""

    address: str
    _app: ASGIApp
    _socket: socket.socket

    def run(self) -> None:
        """Answer until interrupted or terminated."""
        import uvicorn

        config = uvicorn.Config(self._app, log_level="warning")
        config.timeout_graceful_shutdown = 1  # an open page keeps a connection for ever
        # After it has ended in good order, uvicorn hands on the Ctrl-C that it was given.
        with suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[self._socket])


@contextmanager
def review_server(
    folder: str | Path,
    reviewer: str | None = None,
    port: int = PORT,
    *,
    flagged_first: bool = False,
) -> Iterator[ReviewServer]:
    """Hold the log of a curation and a port, for as long as the context lasts.

    Args:
        folder: a curation; see `unskew.curate.curation`.
        reviewer: whose decisions these are; None asks everybody who opens the page.
        port: of 127.0.0.1; 0 takes any.
        flagged_first: records with flags come before those without.

    Raises:
        InputError: it is no curation, is being reviewed by another server, or cannot be written;
            the port is taken.
    """
    reviewer = None if reviewer is None else reviewer_name(reviewer)
    curation = open_curation(folder)
    with closing(_bound(port)) as bound, DecisionLog(curation.folder / DECISIONS) as log:
        desk = Desk(curation, log, flagged_first=flagged_first)
        address = f"http://{HOST}:{bound.getsockname()[1]}"
        yield ReviewServer(address, _app(desk, reviewer), bound)


def _bound(port: int) -> socket.socket:
    taken = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    # A server that was killed a moment ago does not keep its port.
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind((HOST, port))
        taken.listen()
    except (OSError, OverflowError) as error:
        taken.close()
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"cannot listen on {HOST}:{port} ({reason}): give another with --port"
        ) from error
    return taken


class _Headers:
    """ASGI middleware: every answer has _HEADERS."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_more(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *_HEADERS]}
            await send(message)

        await self._app(scope, receive, send_more)


def _app(desk: Desk, reviewer: str | None) -> ASGIApp:
    """The page as an ASGI application; Gradio is told to report nothing to anybody."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_OFFLINE"] = "1"
    import gradio as gr
    from fastapi import FastAPI
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    from unskew.curate.review.page import Page

    app = FastAPI(openapi_url=None)
    # A page of another site that has a name of its own point here is not answered.
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"])
    app.add_middleware(_Headers)
    script = f"<script>{(_HERE / 'keys.js').read_text(encoding='utf-8')}</script>"
    return gr.mount_gradio_app(
        app,
        Page(desk, reviewer).blocks,
        path="/",
        server_name=HOST,
        footer_links=[],
        run_history=False,
        head=script,
        css_paths=_HERE / "page.css",
        theme=gr.themes.Default(font=["system-ui", "sans-serif"], font_mono=["monospace"]),
    )
