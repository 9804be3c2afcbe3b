"""Twenty visitors of the demonstration app at once, for a minute, on two cores.

    python benchmarks/demo_load.py [--visitors 20] [--seconds 60] [--cores 2]

Starts `unskew demo`, held to so many cores, and visitors that speak to it as browsers do: each
hands in pictures of its own, audits them, audits the built-in faces, holds pictures against texts,
and starts over, with no pause. Prints how many answers came and how long they took, how much memory
the server held before, during and after, and what is left in its folder for temporary files.
"Before" is after one short round of the same visitors, so that models, libraries and threads are
loaded. Exits with 1 if a request failed, if a file is left, or if the server holds a tenth more
memory after than before.
"""

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

MODEL = "unskew/mini"
NAMES = ("first", "second", "", "")
ALLOWED_GROWTH = 1.1
SETTLING = 20
"""Seconds after the load before memory is read again."""


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
        with httpx.Client(base_url=self.address, timeout=600) as client:
            visitor, round_ = Visitor(client), 0
            while time.monotonic() < until:
                round_ += 1
                for what, ask in self._requests(visitor, 1000 * number + round_):
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


def run(address: str, visitors: int, seconds: float) -> Load:
    load = Load(address)
    until = time.monotonic() + seconds
    threads = [threading.Thread(target=load.visit, args=(n, until)) for n in range(visitors)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return load


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--visitors", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--cores", type=int, default=2)
    options = parser.parse_args()
    with server(options.cores) as (process, address, folder):
        run(address, options.visitors, options.seconds / 6)
        time.sleep(SETTLING)
        before = process.memory_info().rss
        peak, over = [before], threading.Event()

        def watch() -> None:
            while not over.wait(0.2):
                peak.append(process.memory_info().rss)

        threading.Thread(target=watch).start()
        start = time.monotonic()
        load = run(address, options.visitors, options.seconds)
        taken = time.monotonic() - start
        over.set()
        time.sleep(SETTLING)
        after = process.memory_info().rss
        left = [p for p in folder.rglob("*") if p.is_file()]
    print(
        f"{options.visitors} visitors, {taken:.0f} s until the last answer, {options.cores} cores"
    )
    print(f"{'request':24}{'answers':>8}{'median s':>10}{'slowest s':>10}")
    for what, times in load.seconds.items():
        print(f"{what:24}{len(times):8}{statistics.median(times):10.2f}{max(times):10.2f}")
    print(f"failures: {len(load.failures)}", *load.failures[:5], sep="\n  ")
    mega = [f"{size / 2**20:.0f}" for size in (before, max(peak), after)]
    print(f"memory of the server in MB: before {mega[0]}, highest {mega[1]}, after {mega[2]}")
    print(f"files left in its folder for temporary files: {len(left)}")
    return 1 if load.failures or left or after > ALLOWED_GROWTH * before else 0


if __name__ == "__main__":
    sys.exit(main())
