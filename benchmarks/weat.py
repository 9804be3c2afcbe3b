"""Pairwise WEAT at the size of a real audit: how fast, against what?

    python benchmarks/weat.py            # unskew, a plain loop, and the matrix product
    python benchmarks/weat.py --wefe     # wefe as well, in a virtual environment made for it

20 subgroups of 125 images, 190 pairs, d = 512, 60 + 60 attributes, 10,000 permutations per pair.
Timed side by side in one process, each the best of `--rounds` interleaved rounds:

* unskew: `weat_pairwise` from the float32 embeddings to the list of results, with corrected
  p-values, without and with the default interval of d.
* product: the associations, and one float64 product of a ready (10,000 x 250) matrix of masks
  with a ready (250 x 190) matrix that has a column per pair. What an implementation that treats
  the pairs one by one has to do at least, even if its random numbers cost nothing; unskew may
  come out below it, because it multiplies a column per subgroup and adds up pairs afterwards.
* loop: the same mathematics in plain NumPy, associations computed once, then a Python loop over
  pairs and permutations. Run on few draws of few pairs and extrapolated to all.
* wefe 1.0.1: its WEAT with p-value, likewise extrapolated from few draws. It computes the
  associations anew for every draw (and draws with replacement, so its p is not the same thing).
  Pinned by itself to numpy <= 1.26.4 and scipy < 1.13, hence the environment of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
import venv
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SUBGROUPS, ITEMS, DIMENSION, ATTRIBUTES, DRAWS = 20, 125, 512, 60, 10_000
PAIRS = list(combinations(range(SUBGROUPS), 2))
WEFE_PINS = ["wefe==1.0.1", "numpy<=1.26.4", "scipy<1.13"]
WEFE_VENV = Path(__file__).resolve().parents[1] / "build" / "wefe-venv"
LOOP_PAIRS, LOOP_DRAWS, WEFE_DRAWS = 4, 500, 10

Array = NDArray[Any]


def data() -> tuple[Array, Array, Array]:
    """Subgroups (20, 125, 512), A and B (60, 512), float32 as encoders give them."""
    rng = np.random.default_rng(0)
    images = rng.standard_normal((SUBGROUPS, ITEMS, DIMENSION), dtype=np.float32)
    A, B = rng.standard_normal((2, ATTRIBUTES, DIMENSION), dtype=np.float32)
    return images, A, B


def plain_associations(images: Array, A: Array, B: Array) -> Array:
    """(20, 125) float64, by cosine matrices."""

    def unit(rows: Array) -> Array:
        rows = rows.astype(np.float64)
        return rows / np.linalg.norm(rows, axis=-1, keepdims=True)

    flat = unit(images.reshape(-1, DIMENSION))
    s = (flat @ unit(A).T).mean(axis=1) - (flat @ unit(B).T).mean(axis=1)
    return s.reshape(SUBGROUPS, ITEMS)


def plain_loop(s: Array, pairs: list[tuple[int, int]], draws: int) -> list[float]:
    """One-sided p-values, a draw at a time."""
    rng = np.random.default_rng(0)
    found = []
    for i, j in pairs:
        both = np.concatenate([s[i], s[j]])
        observed = both[:ITEMS].sum()
        hits = sum(rng.permutation(both)[:ITEMS].sum() >= observed for _ in range(draws))
        found.append((1 + hits) / (1 + draws))
    return found


def seconds(job: Callable[[], object]) -> float:
    start = time.perf_counter()
    job()
    return time.perf_counter() - start


def measure(rounds: int) -> dict[str, float]:
    """Best times in seconds; the loop's is scaled to all pairs and draws."""
    from unskew.measures import weat_pairwise

    images, A, B = data()
    subgroups = {f"subgroup {k}": images[k] for k in range(SUBGROUPS)}
    s = plain_associations(images, A, B)
    columns = np.stack([np.concatenate([s[i], s[j]]) for i, j in PAIRS], axis=1)
    masks = np.zeros((DRAWS, 2 * ITEMS))
    masks[:, :ITEMS] = 1.0
    np.random.default_rng(0).permuted(masks, axis=1, out=masks)

    def product() -> Array:
        plain_associations(images, A, B)
        return masks @ columns

    jobs: dict[str, Callable[[], object]] = {
        "product": product,
        "unskew": lambda: weat_pairwise(subgroups, A, B, permutations=DRAWS, confidence=None),
        "unskew, one-sided": lambda: weat_pairwise(
            subgroups, A, B, permutations=DRAWS, confidence=None, alternative="greater"
        ),
        "unskew with intervals": lambda: weat_pairwise(subgroups, A, B, permutations=DRAWS),
        "loop": lambda: plain_loop(s, PAIRS[:LOOP_PAIRS], LOOP_DRAWS),
    }
    times: dict[str, float] = dict.fromkeys(jobs, np.inf)
    for _ in range(rounds):
        for name, job in jobs.items():
            times[name] = min(times[name], seconds(job))
    times["loop"] *= len(PAIRS) * DRAWS / (LOOP_PAIRS * LOOP_DRAWS)
    return times


def agreement() -> float:
    """Largest |z| between our sampled p and the loop's on the pairs the loop runs."""
    from unskew.measures import weat_pairwise

    images, A, B = data()
    subgroups = {str(k): images[k] for k in range(SUBGROUPS)}
    ours = weat_pairwise(subgroups, A, B, alternative="greater", confidence=None)
    loop = plain_loop(plain_associations(images, A, B), PAIRS[:LOOP_PAIRS], LOOP_DRAWS)
    z = [
        (one.p_value - p) / np.sqrt(one.p_value * (1 - one.p_value) / LOOP_DRAWS)
        for one, p in zip(ours, loop, strict=False)
    ]
    return float(np.abs(z).max())


def wefe_seconds(folder: Path) -> float:
    """wefe's time for all pairs and draws, measured in `folder`, which is made if missing."""
    python = folder / "bin" / "python"
    if not python.exists():
        print(f"making {folder} with {', '.join(WEFE_PINS)} ...", flush=True)
        venv.create(folder, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *WEFE_PINS], check=True)
    done = subprocess.run(
        [python, __file__, "--wefe-worker"], check=True, capture_output=True, text=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def wefe_worker() -> float:
    """Runs inside wefe's environment: seconds per draw of one pair, times all draws and pairs."""
    from gensim.models import KeyedVectors
    from wefe.metrics import WEAT
    from wefe.query import Query
    from wefe.word_embedding_model import WordEmbeddingModel

    images, A, B = data()
    sets = {"x": images[0], "y": images[1], "a": A, "b": B}
    names = {key: [f"{key}{row}" for row in range(len(rows))] for key, rows in sets.items()}
    vectors = KeyedVectors(DIMENSION)
    for key, rows in sets.items():
        vectors.add_vectors(names[key], rows)
    query = Query([names["x"], names["y"]], [names["a"], names["b"]])
    model = WordEmbeddingModel(vectors, "random")

    def run(draws: int) -> None:
        WEAT().run_query(
            query, model, calculate_p_value=True, p_value_iterations=draws, p_value_verbose=False
        )

    run(1)
    once = min(seconds(lambda: run(1)) for _ in range(3))
    more = min(seconds(lambda: run(1 + WEFE_DRAWS)) for _ in range(3))
    return (more - once) / WEFE_DRAWS * DRAWS * len(PAIRS)


def report(times: dict[str, float]) -> None:
    ours, product = times["unskew"], times["product"]
    print(f"{'':24s}{'seconds':>14s}{'/ unskew':>16s}{'/ product':>16s}")
    for name, value in times.items():
        print(f"{name:24s}{value:14,.4f}{value / ours:16,.2f}{value / product:16,.2f}")
    print(
        "loop and wefe are extrapolated: "
        f"{LOOP_DRAWS} draws of {LOOP_PAIRS} pairs, {WEFE_DRAWS} draws of one pair"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--wefe", action="store_true", help="time wefe too")
    parser.add_argument("--wefe-venv", type=Path, default=WEFE_VENV, metavar="FOLDER")
    parser.add_argument("--wefe-worker", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.wefe_worker:
        print(json.dumps(wefe_worker()))
        return
    threads = os.environ.get("OMP_NUM_THREADS", "unset")
    print(
        f"python {platform.python_version()}, numpy {np.__version__}, {os.cpu_count()} cores, "
        f"OMP_NUM_THREADS {threads}, load {os.getloadavg()[0]:.1f}"
    )
    print(f"{len(PAIRS)} pairs of {ITEMS} + {ITEMS}, d = {DIMENSION}, {DRAWS} permutations each")
    times = measure(args.rounds)
    if args.wefe:
        times["wefe"] = wefe_seconds(args.wefe_venv)
    report(times)
    print(f"p-values of unskew and of the loop agree: largest |z| {agreement():.2f}")


if __name__ == "__main__":
    sys.exit(main())
