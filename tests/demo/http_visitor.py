"""A client of the app that speaks plain HTTP to it."""

import json
import secrets
import time
from contextlib import contextmanager


class Visitor:
    """What a browser sends, without the browser: nothing checks what goes out."""

    def __init__(self, client):
        self.http = client
        self.session = secrets.token_hex(8)
        config = client.get("/config").json()
        self._events = {d["api_name"]: d["id"] for d in config["dependencies"]}

    @contextmanager
    def at_the_page(self):
        """The connection that a browser holds as long as the page is open."""
        with self.http.stream("GET", f"/gradio_api/heartbeat/{self.session}") as stream:
            beats = stream.iter_raw()  # held: the connection ends where nobody reads from it
            next(beats)
            yield

    def upload(self, *files):
        """POST (name, content) pairs; the response."""
        return self.http.post("/gradio_api/upload", files=[("files", file) for file in files])

    def join(self, name, *data):
        """Queue an event, and do not wait for it."""
        event = {"data": list(data), "fn_index": self._events[name], "session_hash": self.session}
        return self.http.post(
            "/gradio_api/queue/join",
            content=json.dumps(event),  # halves of characters go out as escapes
            headers={"content-type": "application/json"},
        )

    def call(self, name, *data):
        """Queue an event and wait for it: ("process_completed", its output) or the message."""
        joined = self.join(name, *data)
        if joined.status_code != 200:
            return "refused", joined.text
        address = f"/gradio_api/queue/data?session_hash={self.session}"
        with self.http.stream("GET", address) as stream:
            for line in stream.iter_lines():
                message = json.loads(line.removeprefix("data: ")) if line else {}
                if message.get("msg") == "process_completed":
                    output = message["output"]
                    return ("done", output["data"]) if message["success"] else ("error", output)
        raise AssertionError(f"the stream of {name} ended without an answer")

    def hand_in(self, *files, group=1):
        """Upload files and have them looked at; what the page then says."""
        answer = self.upload(*files)
        if answer.status_code != 200:
            return answer.text
        state, output = self.call(f"hand_in_{group}", [file_data(p) for p in answer.json()], None)
        return output[0] if state == "done" else json.dumps(output)


def wait_until(holds, seconds=120):
    """Look again and again until something holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it does not come to hold"
        time.sleep(0.05)


def file_data(path, **more):
    return {"path": path, "meta": {"_type": "gradio.FileData"}, **more}
