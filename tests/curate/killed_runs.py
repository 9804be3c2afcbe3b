"""Curate a pile again and again, killed at a random moment each time, then to the end.

    python killed_runs.py RAW OUT TIMES SEED [CLASSIFIER]

Prints one line per run: how many files the kill left behind. A kill that comes too late does not
count, and the next one comes sooner: how fast a run is depends on what else is run. Ends with an
error if a resumed run does not leave the same bytes as the first, which nothing stopped. The
processes are forked, since loading the libraries takes longer than the work. TIMES runs begin with
an empty folder each. OUT/asked has a byte for every text that all of them have asked CLASSIFIER.
"""

import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from unskew.curate.abuse import AbuseClassifier, open_classifier
from unskew.curate.pipeline import curate


def started(raw: str, out: Path, classifier: AbuseClassifier | None) -> int:
    """The id of a process that curates."""
    child = os.fork()
    if child == 0:
        try:
            curate(raw, out, classifier=classifier)
        except BaseException as error:
            print(f"curate failed: {error!r}", file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    return child


def counted(name: str, log: Path) -> AbuseClassifier:
    """The classifier, which appends to `log` a byte for each text that it is asked."""
    opened = open_classifier(name)

    def classify(texts: Sequence[str]) -> Sequence[float]:
        with log.open("ab", buffering=0) as file:
            file.write(b"." * len(texts))
        return opened.classify(texts)

    return replace(opened, classify=classify)


def finished(raw: str, out: Path, classifier: AbuseClassifier | None) -> float:
    """Curate to the end; the seconds it took."""
    start = time.perf_counter()
    _, status = os.waitpid(started(raw, out, classifier), 0)
    if status:
        sys.exit(f"{out} was not curated")
    return time.perf_counter() - start


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def main(raw: str, out: Path, times: int, seed: int, name: str | None = None) -> None:
    rng = random.Random(seed)
    out.mkdir(exist_ok=True)
    classifier = None if name is None else counted(name, out / "asked")
    seconds = finished(raw, out / "whole", classifier)
    whole = contents(out / "whole")
    turn = 0
    while turn < times:
        folder = out / f"killed{turn}"
        child = started(raw, folder, classifier)
        # One in every part of a run: most of its time goes into measuring.
        time.sleep(rng.uniform(turn, turn + 1) / times * seconds)
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            left = sum(1 for path in folder.rglob("*") if path.is_file())
            finished(raw, folder, classifier)
            if contents(folder) != whole:
                sys.exit(f"{folder} does not have the bytes of {out / 'whole'}")
            print(left, flush=True)
            turn += 1
        else:
            seconds *= 0.8
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), *sys.argv[5:])
