"""As much of the Hub, on the loopback, as publishing a model and fetching it back asks for."""

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


class Hub:
    """Repositories by id, each a list of (commit, files); a commit changes one branch, "main"."""

    def __init__(self) -> None:
        self.endpoint = ""
        self.repositories: dict[str, list[tuple[str, dict[str, bytes]]]] = {}
        self.private: dict[str, bool] = {}
        self.branches: list[str] = []
        self.tokens: set[str | None] = set()

    def files(self, repo: str) -> dict[str, bytes]:
        return self.repositories[repo][-1][1]

    def create(self, repo: str, private: bool) -> bool:
        if repo in self.repositories:
            return False
        self.repositories[repo] = [(hashlib.sha1(b"").hexdigest(), {})]
        self.private[repo] = private
        return True

    def commit(self, repo: str, lines: list[dict[str, Any]]) -> str:
        files = dict(self.files(repo))
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "deletedFile":
                del files[value["path"]]
        name = hashlib.sha1(repr(sorted(files.items())).encode()).hexdigest()
        self.repositories[repo].append((name, files))
        return name


@contextmanager
def serve() -> Iterator[Hub]:
    """A running Hub, where "forbidden/..." may not be created."""
    hub = Hub()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            hub.tokens.add(self.headers.get("Authorization"))
            parts = self.path.strip("/").split("/")
            asked = json.loads(body) if parts[1] == "repos" else {}
            if asked.get("organization") == "forbidden":
                self.answer(403, {"error": "no rights"})
            elif asked:
                repo = "/".join(filter(None, [asked.get("organization"), asked["name"]]))
                # huggingface_hub 1 says `private`, 2 says `visibility`.
                private = bool(asked.get("private")) or asked.get("visibility") == "private"
                made = hub.create(repo, private)
                self.answer(200 if made else 409, {"url": f"{hub.endpoint}/{repo}"})
            elif parts == ["api", "validate-yaml"]:
                self.answer(200, {"errors": [], "warnings": []})
            elif parts[4] == "preupload":
                paths = [file["path"] for file in json.loads(body)["files"]]
                regular = {"uploadMode": "regular", "shouldIgnore": False}
                self.answer(200, {"files": [{"path": path} | regular for path in paths]})
            elif parts[4] == "branch":
                hub.branches.append(parts[5])
                self.answer(200, {})
            elif parts[4] == "commit":
                repo = "/".join(parts[2:4])
                name = hub.commit(repo, [json.loads(line) for line in body.splitlines()])
                url = f"{hub.endpoint}/{repo}/commit/{name}"
                self.answer(200, {"commitUrl": url, "commitOid": name, "hookOutput": ""})

        def do_GET(self) -> None:
            parts = self.path.split("?")[0].strip("/").split("/")
            repo = "/".join(parts[2:4] if parts[0] == "api" else parts[:2])
            if repo not in hub.repositories:
                self.answer(401, {}, {"X-Error-Code": "RepoNotFound"})
                return
            commit, files = hub.repositories[repo][-1]
            if parts[0] != "api":
                self.send_file(files.get("/".join(parts[4:])), commit)
            elif "tree" in parts:
                tree = [
                    {"type": "file", "path": p, "size": len(c), "oid": commit}
                    for p, c in files.items()
                ]
                self.answer(200, tree)
            else:
                siblings = [{"rfilename": name} for name in files]
                about = {"_id": "1", "private": False, "tags": [], "siblings": siblings}
                self.answer(200, about | {"id": repo, "sha": commit})

        do_HEAD = do_GET

        def send_file(self, content: bytes | None, commit: str) -> None:
            headers = {"X-Repo-Commit": commit}
            if content is None:
                self.answer(404, {}, headers | {"X-Error-Code": "EntryNotFound"})
            else:
                tag = hashlib.sha1(content).hexdigest()
                self.answer(200, content, headers | {"ETag": f'"{tag}"'})

        def answer(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        def log_message(self, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.endpoint = f"http://127.0.0.1:{server.server_port}"
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield hub
    finally:
        server.shutdown()
