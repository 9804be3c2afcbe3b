"""The wire: HTTP in front of `store`, with faults where they are planned."""

import json
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from loopback_hub.faults import Fault
from loopback_hub.routes import Answer, answer
from loopback_hub.store import Hub, Refused


class _Broken(Exception):
    """The connection was broken on purpose."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *args: object) -> None:
        """Clients that give up are no news here."""


@contextmanager
def serve() -> Iterator[Hub]:
    """A running Hub at `hub.endpoint`."""
    hub, lock = Hub(), Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # or an answer's body waits for its headers' acknowledgement

        def handle_request(self) -> None:
            fault = hub.faults.next(f"{self.command} {urlsplit(self.path).path}")
            try:
                body = self.read_body(fault)
                self.send(self.decide(body, fault))
            except _Broken:
                self.close_connection = True

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = handle_request

        def read_body(self, fault: Fault | None) -> bytes:
            if fault is not None and fault.kind == "reset":
                self.break_off()
            body = b""
            for size in self.parts():
                if fault is not None and fault.kind == "reset halfway":
                    self.rfile.read(size // 2)
                    self.break_off()
                body += self.rfile.read(size)
            return body

        def parts(self) -> Iterator[int]:
            """Sizes of what to read: all at once, or chunk by chunk where the client streams."""
            if "chunked" not in self.headers.get("Transfer-Encoding", ""):
                yield int(self.headers.get("Content-Length", 0))
                return
            while size := int(self.rfile.readline(), 16):
                yield size
                self.rfile.readline()
            self.rfile.readline()

        def decide(self, body: bytes, fault: Fault | None) -> Answer:
            if fault is not None and fault.kind in ("status", "slow"):
                Event().wait(fault.seconds)  # not time.sleep, which tests shorten
                status = fault.status if fault.kind == "status" else 503
                said = {"X-Error-Code": fault.error_code, "Retry-After": fault.retry_after}
                return Answer({"error": "injected"}, status, said | {"RateLimit": fault.ratelimit})
            parts = urlsplit(self.path)
            path = [unquote(part) for part in parts.path.strip("/").split("/")]
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            try:
                with lock:
                    given = answer(hub, self.command, path, query, self.headers, body)
            except Refused as refused:
                headers = {"X-Error-Code": refused.code, "X-Error-Message": str(refused)}
                given = Answer({"error": str(refused)}, refused.status, headers)
            if fault is not None and fault.kind == "answer lost":
                self.break_off()
            if fault is not None and fault.kind == "slow answer":
                Event().wait(fault.seconds)  # not time.sleep, which tests shorten
            return given

        def break_off(self) -> None:
            """Close at once with a reset, as a lost connection shows itself."""
            now = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, now)
            self.connection.close()
            raise _Broken

        def send(self, given: Answer) -> None:
            content, status = _bytes(given.body), given.status
            headers: dict[str, Any] = {"Accept-Ranges": "bytes", **given.headers}
            asked = self.headers.get("Range")
            if asked and status == 200:
                start, _, stop = asked.removeprefix("bytes=").partition("-")
                total = len(content)
                content = content[int(start) : int(stop) + 1 if stop else None]
                status = 206
                last = int(start) + len(content) - 1
                headers["Content-Range"] = f"bytes {start}-{last}/{total}"
            self.send_response(status)
            headers["Content-Length"] = len(content)
            for name, value in headers.items():
                if value is not None:
                    self.send_header(name, str(value))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        def log_message(self, *args: object) -> None:
            """Quiet."""

    server = _Server(("127.0.0.1", 0), Handler)
    hub.endpoint = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()


def _bytes(body: Any) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()
