"""Where a set is written: whole or not at all, and by one run at a time."""

import json
import multiprocessing
import os
import signal
import time

import pytest

from unskew.curate.sets.place import file_digests, written_whole
from unskew.errors import InputError

FORK = multiprocessing.get_context("fork")


def write(out, text, wait=None):
    with written_whole(out) as staging:
        (staging / "text").write_text(text)
        (staging / "build.json").write_text(json.dumps({"files": file_digests(staging)}))
        if wait is not None:
            wait.send("ready")
            wait.recv()


@pytest.fixture
def busy(tmp_path):
    """Another process, which writes `out` and waits in the middle; what is sent lets it go on."""
    ours, its = FORK.Pipe()
    run = FORK.Process(target=write, args=(tmp_path / "out", "first", its))
    run.start()
    assert ours.poll(20)
    yield run, ours
    run.kill()
    run.join()


def test_a_second_run_is_refused_and_the_first_goes_on(busy, tmp_path):
    run, go = busy
    for _ in range(3):
        with pytest.raises(InputError, match=r"another run is writing .*out: wait until it has"):
            write(tmp_path / "out", "second")
    go.send("go on")
    run.join()
    assert (run.exitcode, (tmp_path / "out" / "text").read_text()) == (0, "first")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_of_a_run_that_was_killed_nothing_is_in_the_way(busy, tmp_path):
    run, _ = busy
    os.kill(run.pid, signal.SIGKILL)
    run.join()
    (left,) = tmp_path.iterdir()
    assert (left / "text").read_text() == "first"
    (left / "folder").mkdir()
    (left / "link").symlink_to(tmp_path)
    with written_whole(tmp_path / "out") as staging:
        assert list(staging.iterdir()) == []
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_many_at_once_leave_one_whole_set(tmp_path):
    """Each is refused or is the whole set; nothing of two is mixed, and nothing is left over."""
    out = tmp_path / "out"

    def attempt(number):
        for _ in range(20):
            try:
                with written_whole(out) as staging:
                    for part in range(3):
                        (staging / f"{part}").write_text(str(number))
                        time.sleep(0.001)
                    content = json.dumps({"files": file_digests(staging)})
                    (staging / "build.json").write_text(content)
            except InputError as error:
                if "another run is writing" not in str(error):
                    raise

    runs = [FORK.Process(target=attempt, args=(number,)) for number in range(4)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert [run.exitcode for run in runs] == [0, 0, 0, 0]
    assert len({(out / f"{part}").read_text() for part in range(3)}) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
