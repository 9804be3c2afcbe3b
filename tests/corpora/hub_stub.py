"""As much of the Hub, on the loopback, as loading one public data set asks for."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

COMMIT = "a" * 40


@contextmanager
def serve(repo: str, files: dict[str, Path]) -> Iterator[str]:
    """The address of a Hub whose only data set is `repo`, with those files in its root."""
    listing = [
        {"type": "file", "path": name, "size": path.stat().st_size, "oid": COMMIT}
        for name, path in files.items()
    ]
    info = {"_id": "1", "id": repo, "sha": COMMIT, "private": False, "gated": False, "tags": []}
    info["siblings"] = [{"rfilename": name} for name in files]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.split("?")[0]
            api, resolve = f"/api/datasets/{repo}", f"/datasets/{repo}/resolve/"
            if path in (api, f"{api}/revision/{COMMIT}"):
                self.answer(200, json.dumps(info).encode())
            elif path == f"{api}/tree/{COMMIT}":
                self.answer(200, json.dumps(listing).encode())
            elif path.startswith(resolve) and path.split("/")[-1] in files:
                self.answer(200, files[path.split("/")[-1]].read_bytes())
            elif path.startswith((resolve, api)):
                self.answer(404, b"", error="EntryNotFound")
            else:
                self.answer(401, b"", error="RepoNotFound")

        do_HEAD = do_GET

        def answer(self, status: int, body: bytes, error: str | None = None) -> None:
            self.send_response(status)
            headers = {"Content-Length": str(len(body)), "X-Repo-Commit": COMMIT}
            headers |= {"X-Error-Code": error} if error else {"ETag": f'"{len(body)}"'}
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
