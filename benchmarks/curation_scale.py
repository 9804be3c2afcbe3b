"""Speed and memory of `unskew curate` on thousands of images, and of cleanvision on the same.

    python benchmarks/curation_scale.py --data ../shared/data --speed 2000
    python benchmarks/curation_scale.py --data ../shared/data --memory 1000 10000

Images are made of photographs and faces: a window of each, perhaps mirrored, lighter or darker,
200 pixels wide. `--speed` lets both judge the same images in turns of 250, on one thread:
cleanvision with its checks, unskew with all of its own, and unskew without the network that looks
for writing, which cleanvision has no like of. `--memory` runs the whole command on piles of growing
size, each in a process of its own.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq
from PIL import Image, ImageEnhance

from unskew.curate.checks import check_images
from unskew.curate.flags import load_rules
from unskew.curate.measure import WRITING

SIDE, TURN = 200, 250
TABLES = ("flickr8k_subset/train", "flickr8k_subset/test", "utkface/train", "fairface540/test")


def derived(data: Path, n: int) -> Iterator[bytes]:
    """JPEG files, no two of one window."""
    tables = [data / f"{table}-00000-of-00001.parquet" for table in TABLES]

    contents = [r["bytes"] for t in tables for r in pq.read_table(t)["image"].to_pylist()]
    rng = np.random.default_rng(11)
    for i in range(n):
        image = Image.open(BytesIO(contents[i % len(contents)])).convert("RGB")
        width, height = image.size
        share = rng.uniform(0.5, 1.0)
        left, top = (rng.uniform(0, 1 - share) * side for side in (width, height))
        box = (left, top, left + share * width, top + share * height)
        image = image.resize((SIDE, round(SIDE * height / width)), Image.Resampling.BILINEAR, box)
        if rng.random() < 0.5:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        image = ImageEnhance.Brightness(image).enhance(rng.uniform(0.8, 1.2))
        buffer = BytesIO()
        image.save(buffer, "JPEG", quality=int(rng.integers(75, 95)))
        yield buffer.getvalue()


def written(folder: Path, contents: Iterator[bytes]) -> list[Path]:
    folder.mkdir(parents=True)
    paths = []
    for i, content in enumerate(contents):
        paths.append(folder / f"{i:06d}.jpg")
        paths[-1].write_bytes(content)
    return paths


def ours(paths: list[Path], log: Path) -> None:
    for _ in check_images(paths, log):
        pass


def without_writing(paths: list[Path], log: Path) -> None:
    rules = {check: rule for check, rule in load_rules().items() if check not in WRITING}
    for _ in check_images(paths, log, rules=rules):
        pass


def theirs(paths: list[Path]) -> None:
    from cleanvision import Imagelab

    Imagelab(filepaths=[str(path) for path in paths]).find_issues(n_jobs=1, verbose=False)


def speed(data: Path, n: int) -> None:
    cv2.setNumThreads(1)
    names = ("unskew", "unskew without its network", "cleanvision")
    spent = {name: [0.0, 0.0] for name in names}
    with tempfile.TemporaryDirectory() as folder:
        paths = written(Path(folder) / "pile", derived(data, n))
        for turn in range(0, n, TURN):
            part = paths[turn : turn + TURN]
            logs = [Path(folder) / f"{turn}-{kind}.jsonl" for kind in ("all", "without")]
            runs = (
                lambda p=part, g=logs[0]: ours(p, g),
                lambda p=part, g=logs[1]: without_writing(p, g),
                lambda p=part: theirs(p),
            )
            for name, run in zip(names, runs, strict=True):
                cpu, wall = time.process_time(), time.perf_counter()
                run()
                spent[name][0] += time.process_time() - cpu
                spent[name][1] += time.perf_counter() - wall
    print("| | images per CPU second | per second |\n|---|---|---|")
    for name, (cpu, wall) in spent.items():
        print(f"| {name} | {n / cpu:.0f} | {n / wall:.0f} |")


def memory(data: Path, sizes: list[int], options: list[str]) -> None:
    """Peak of resident memory and processor time of the command, as the system counts them."""
    print("| images | peak MiB | CPU seconds | seconds | bytes on disk per image |")
    print("|---|---|---|---|---|", flush=True)
    command = [sys.executable, "-c", "from unskew.cli import main; main()", "curate"]
    for n in sizes:
        with tempfile.TemporaryDirectory() as folder:
            raw, out = Path(folder) / "pile", Path(folder) / "out"
            written(raw, derived(data, n))
            start = time.perf_counter()
            quiet = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_WRONLY, 0) for fd in (1, 2)]
            arguments = [*command, str(raw), "--out", str(out), *options]
            child = os.posix_spawn(sys.executable, arguments, os.environ, file_actions=quiet)
            _, status, used = os.wait4(child, 0)
            if status:
                sys.exit(f"unskew curate failed on {n} images")
            seconds, cpu = time.perf_counter() - start, used.ru_utime + used.ru_stime
            kept = sum(path.stat().st_size for path in out.glob("*.jsonl"))
            peak = used.ru_maxrss / 1024
            print(f"| {n} | {peak:.0f} | {cpu:.1f} | {seconds:.1f} | {kept / n:.0f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--speed", type=int, default=0, help="images that both judge")
    parser.add_argument("--memory", type=int, nargs="+", default=[], help="sizes of piles")
    parser.add_argument("--thresholds", type=Path, help="of the command whose memory is read")
    chosen = parser.parse_args()
    if chosen.speed:
        speed(chosen.data, chosen.speed)
    if chosen.memory:
        path = chosen.thresholds
        memory(chosen.data, chosen.memory, ["--thresholds", str(path)] if path else [])


if __name__ == "__main__":
    main()
