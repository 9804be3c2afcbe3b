"""Twenty visitors of the demonstration app at once, for a minute, on two cores.

    python benchmarks/demo_load.py [--visitors 20] [--seconds 60] [--cores 2]

Starts `unskew demo`, held to so many cores, and visitors that speak to it as browsers do: each
opens the page, hands in pictures of its own, audits them, audits the built-in faces, holds pictures
against texts, prepares the report for download, and starts over, with no pause; when the time is
over it closes the page. Three such loads come one after the other. Prints how many answers came
and how long they took, how much memory the server held at the most and after each load, and what
is left in its folder for temporary files.

Memory is held against what the server held when one visitor had done all of this once and had gone:
by then models, libraries and figures are loaded, which stay. Exits with 1 if a request failed, if a
file is left, or if after any of the loads the server holds a twentieth more memory than that.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import psutil
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "demo"))
from http_visitor import Visitor

from unskew.demo.limits import LIMITS

MODEL = "unskew/mini"
NAMES = ("first", "second", "", "")
LOADS = 3
ALLOWED_GROWTH = 1.05
SETTLING = LIMITS.away + 20
"""Seconds from when the last visitor has gone until memory is read: for so long the server waits
whether they come back, and then for what was freed to go back to the system."""


def pictures(seed: int) -> list[tuple[str, bytes]]:
    """Four pictures that no other visitor has."""
    rng = np.random.default_rng(seed)
    files = []
    for i in range(4):
        out = io.BytesIO()
        Image.fromarray(rng.integers(0, 256, (300, 400, 3), np.uint8)).save(out, "JPEG")
        files.append((f"{i}.jpg", out.getvalue()))
    return files


class Load:
    """What all visitors together saw."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.seconds: dict[str, list[float]] = defaultdict(list)
        self.failures: list[str] = []

    def visit(self, number: int, until: float) -> None:
        """One visitor, until the time is over; every request is brought to its end."""
        with page(self.address) as visitor:
            round_ = 0
            while time.monotonic() < until:
                round_ += 1
                self.round(visitor, 1000 * number + round_, until)

    def round(self, visitor: Visitor, seed: int, until: float) -> None:
        """All that a visitor may ask for, each once, as far as the time allows."""
        for what, ask in self._requests(visitor, seed):
            start = time.monotonic()
            try:
                problem = ask()
            except (httpx.HTTPError, AssertionError) as error:
                problem = f"{type(error).__name__}: {error}"
            self.seconds[what].append(time.monotonic() - start)
            if problem:
                self.failures.append(f"{what}: {problem}"[:300])
            if time.monotonic() > until:
                break

    def _requests(self, visitor: Visitor, seed: int) -> Iterator[tuple[str, object]]:
        def page() -> str:
            status = visitor.http.get("/").status_code
            return "" if status == 200 else f"status {status}"

        def hand_in(group: int) -> str:
            said = visitor.hand_in(*pictures(seed * 10 + group), group=group)
            return "" if "kept in memory alone" in said else said

        def asked(name: str, *data: object) -> str:
            state, output = visitor.call(name, *data)
            wrong = state != "done" or 'role="alert"' in str(output[0])
            return str(output)[:300] if wrong else ""

        yield "page", page
        yield "hand in", lambda: hand_in(1) or hand_in(2)
        yield (
            "audit of own pictures",
            lambda: asked("audit", "own", MODEL, ["mmbias"], None, *NAMES),
        )
        yield "report", lambda: asked("download", None, None)
        yield "audit of faces", lambda: asked("audit", "faces", MODEL, ["mmbias"], None, *NAMES)
        yield (
            "similarities",
            lambda: asked("similarities", "own", MODEL, "a photo\na drawing", None, *NAMES),
        )
        yield "forget", lambda: asked("forget")


@contextlib.contextmanager
def server(cores: int) -> Iterator[tuple[psutil.Process, str, Path]]:
    """`unskew demo` as a process of its own: it, its address, its folder for temporary files."""
    with tempfile.TemporaryDirectory(prefix="unskew-load-") as folder:
        process = subprocess.Popen(
            [sys.executable, "-c", "from unskew.cli import main; main()", "demo"],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "TMPDIR": folder, "OMP_NUM_THREADS": str(cores)},
        )
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            found = re.search(r"http://\S+", line)
            if found is None:
                raise RuntimeError(f"the app did not start: {line}")
            known = psutil.Process(process.pid)
            known.cpu_affinity(sorted(os.sched_getaffinity(0))[:cores])
            yield known, found[0].rstrip("/"), Path(folder)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)


@contextlib.contextmanager
def page(address: str) -> Iterator[Visitor]:
    """A visitor who has opened the page, and closes it in the end."""
    with httpx.Client(base_url=address, timeout=600) as client:
        visitor = Visitor(client)
        with visitor.at_the_page():
            yield visitor


def run(address: str, visitors: int, seconds: float) -> Load:
    """All visitors at once."""
    load = Load(address)
    until = time.monotonic() + seconds
    threads = [threading.Thread(target=load.visit, args=(n, until)) for n in range(visitors)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return load


class Memory:
    """Of a process, in MB: ``highest`` while the context is open, and ``settled`` afterwards."""

    def __init__(self, process: psutil.Process) -> None:
        self._process = process
        self._over = threading.Event()
        self.highest = self.settled = 0.0

    def __enter__(self) -> Memory:
        self._watch = threading.Thread(target=self._look)
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._watch.join()
        time.sleep(SETTLING)
        self.settled = self._now()

    def _look(self) -> None:
        while not self._over.wait(0.2):
            self.highest = max(self.highest, self._now())

    def _now(self) -> float:
        return self._process.memory_info().rss / 2**20


def told(load: Load, taken: float) -> None:
    """Answers, and how long they took."""
    print(f"{taken:.0f} s until the last answer")
    print(f"{'request':24}{'answers':>8}{'median s':>10}{'slowest s':>10}")
    for what, times in load.seconds.items():
        print(f"{what:24}{len(times):8}{statistics.median(times):10.2f}{max(times):10.2f}")
    print(f"failures: {len(load.failures)}", *load.failures[:5], sep="\n  ", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--visitors", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--cores", type=int, default=2)
    options = parser.parse_args()
    print(f"{options.visitors} visitors for {options.seconds:.0f} s, {options.cores} cores")
    with server(options.cores) as (process, address, folder):
        loads = [Load(address)]
        with Memory(process) as before, page(address) as visitor:
            loads[0].round(visitor, 0, time.monotonic() + 600)
        print(f"memory after one visitor: {before.settled:.0f} MB", flush=True)
        after = []
        for _ in range(LOADS):
            start = time.monotonic()
            with Memory(process) as memory:
                loads.append(run(address, options.visitors, options.seconds))
                told(loads[-1], time.monotonic() - start)
            after.append(memory.settled)
            print(f"memory: highest {memory.highest:.0f} MB, afterwards {memory.settled:.0f} MB")
        left = [p for p in folder.rglob("*") if p.is_file()]
    print(f"files left in its folder for temporary files: {len(left)}", *left, sep="\n  ")
    grown = max(after) > ALLOWED_GROWTH * before.settled
    return 1 if any(load.failures for load in loads) or left or grown else 0


if __name__ == "__main__":
    sys.exit(main())
