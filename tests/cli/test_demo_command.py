"""`unskew demo` as a process: it serves, offers what was asked for, stops, and leaves nothing."""

import os
import re
import signal
import socket
import subprocess
import sys

import httpx
import pytest

pytest.importorskip("gradio")


def start(tmp_path, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", "from unskew.cli import main; main()", "demo", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )


@pytest.fixture
def port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return str(free.getsockname()[1])


def test_serves_what_is_offered_and_stops_cleanly(tmp_path, port):
    process = start(tmp_path, "--port", port, "--model", "some/model")
    address = re.search(r"http://\S+", process.stdout.readline())[0]
    assert f":{port}" in address
    config = httpx.get(f"{address}config").json()
    offered = [
        [name for name, _ in c["props"]["choices"]]
        for c in config["components"]
        if c["props"].get("label") == "Model"
    ]
    assert offered
    assert all(names == ["unskew/mini", "unskew/mini, debiased", "some/model"] for names in offered)
    process.send_signal(signal.SIGTERM)
    _, error = process.communicate(timeout=120)
    assert process.returncode == 0, error
    assert "Traceback" not in error
    assert not [p for p in tmp_path.rglob("*") if p.is_file()]


def test_a_port_that_is_taken_is_one_line(tmp_path, unskew):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, _, error = unskew("demo", "--port", taken.getsockname()[1])
    assert code == 2
    assert len(error.strip().splitlines()) == 1
    assert "cannot be started" in error
