"""A service on the loopback: answers as scripted, and remembers what it was asked."""

import json
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Reply:
    """One answer. `cut`: the connection breaks in its middle. `late`: seconds until it comes."""

    body: object = b""
    status: int = 200
    headers: dict = field(default_factory=dict)
    cut: bool = False
    late: float = 0.0

    @property
    def content(self):
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


class Loopback:
    """`on(path, *replies)`: given one after the other, the last for ever. `asked`: requests."""

    def __init__(self, url):
        self.url = url
        self.asked = []
        self._replies = {}

    def on(self, path, *replies):
        self._replies[path] = list(replies)

    def reply(self, path):
        replies = self._replies.get(path, [Reply(status=404)])
        return replies.pop(0) if len(replies) > 1 else replies[0]

    def times(self, path):
        return sum(request["path"] == path for request in self.asked)


@contextmanager
def loopback(host="127.0.0.1"):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            parts = urlsplit(self.path)
            length = int(self.headers.get("content-length") or 0)
            service.asked.append(
                {
                    "path": parts.path,
                    "query": {k: v[-1] for k, v in parse_qs(parts.query).items()},
                    "headers": {k.lower(): v for k, v in self.headers.items()},
                    "body": self.rfile.read(length),
                    "time": time.monotonic(),
                }
            )
            reply = service.reply(parts.path)
            time.sleep(reply.late)
            try:
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(reply.content)))
                self.end_headers()
                end = len(reply.content) // 2 if reply.cut else None
                self.wfile.write(reply.content[:end])
            except (BrokenPipeError, ConnectionResetError):
                pass  # the client has hung up: that is what some tests are about
            self.close_connection = True

        do_POST = do_GET

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer((host, 0), Handler)
    service = Loopback(f"http://{host}:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
