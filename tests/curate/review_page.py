"""A real `unskew review` in another process, and a real browser that reviews by keyboard."""

import json
import re
import signal
import subprocess
import sys

from unskew.curate.decisions import read_decisions, standing

# Ends the server at once, with a word, where it asks for anybody outside of this machine.
_WATCHED = """
import os, sys

def watch(event, args):
    if event == "socket.getaddrinfo" and args[0] not in (None, "127.0.0.1", "localhost", b""):
        asked = args[0]
    elif event == "socket.connect" and isinstance(args[1], tuple) and args[1][0] != "127.0.0.1":
        asked = args[1][0]
    else:
        return
    print("outside:", asked, flush=True)
    os._exit(99)

sys.addaudithook(watch)
from unskew.cli import main
main()
"""
# Until the picture is there, no key decides.
_SEEN = """number => {
  const picture = document.querySelector("#picture img");
  return document.querySelector("#picture .missing") ||
    (picture && picture.complete && picture.alt.startsWith(`Picture ${number} `));
}"""
# Seconds that anything may take on a machine that is busy with other tests.
PATIENCE = 240


class Server:
    """`unskew review FOLDER`, ready to be asked; a context manager."""

    def __init__(self, folder, *options, port=0):
        self.folder = folder
        command = [sys.executable, "-c", _WATCHED, "review", folder, "--port", port, *options]
        self.process = subprocess.Popen(
            [str(part) for part in command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        first = self.process.stdout.readline()
        found = re.match(r"Review at (http://127\.0\.0\.1:(\d+)) ", first)
        assert found, first + self.process.communicate()[0]
        self.address, self.port = found[1], int(found[2])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def kill(self):
        """SIGKILL: the process has no chance to say anything, let alone to write."""
        if self.process.poll() is None:
            self.process.kill()
            self.said = self.process.communicate()[0]

    def interrupt(self):
        """Ctrl-C; the exit status."""
        self.process.send_signal(signal.SIGINT)
        self.said = self.process.communicate(timeout=PATIENCE)[0]
        return self.process.returncode

    def decisions(self):
        return read_decisions(self.folder / "decisions.jsonl")

    def standing(self, reviewer):
        """record -> (action, subgroup) of one reviewer, from the file."""
        stand = standing(self.decisions())
        mine = {record: of[reviewer] for record, of in stand.items() if reviewer in of}
        return {record: (d.action, d.subgroup) for record, d in mine.items()}


class Tab:
    """One page in one browser, with all that went wrong in it."""

    def __init__(self, browser, address):
        self.page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
        self.page.set_default_timeout(PATIENCE * 1000)
        self.address = address
        self.wrong, self.asked = [], set()
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.wrong.append("dialog"), dialog.dismiss()))
        self.page.on("request", lambda request: self.asked.add(request.url.split("/")[2]))
        self.open()

    def open(self):
        self.page.goto(self.address)

    def enter(self, name):
        self.page.fill("#name textarea, #name input", name)
        self.page.keyboard.press("Enter")

    def at(self, number):
        """Wait until the page shows the record of this number, from 1, and its picture."""
        self.page.wait_for_selector(f"#record-{number}")
        self.page.wait_for_function(_SEEN, arg=number)

    def press(self, key, then):
        """Press a key and wait for the record that the page then shows."""
        self.page.keyboard.press(key)
        self.at(then)

    def relabel(self, letters, then):
        self.page.keyboard.press("r")
        self.page.wait_for_function("document.activeElement.matches('#label input')")
        self.page.keyboard.type(letters)
        self.page.wait_for_selector("#label [role=option]")
        self.press("Enter", then)
        self.page.wait_for_function("!document.activeElement.matches('#label input')")

    def text(self, selector):
        return self.page.inner_text(selector)

    def _console(self, message):
        if message.type in ("error", "warning"):
            self.wrong.append(f"{message.type}: {message.text} {json.dumps(message.location)}")
