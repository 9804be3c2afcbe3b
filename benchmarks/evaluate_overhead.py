"""What `evaluate.load("weat_bias").compute` costs over calling the measure: 10,000 x 512 targets.

    python benchmarks/evaluate_overhead.py

Both are timed in turn in one run, and the difference of each turn is taken, so that a busy
machine disturbs both alike. For scale, the same arrays go through the Arrow table that evaluate
fills for a metric that declares rows of floats. Prints the medians; exits with 1 where the
overhead is over 20 ms.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable

os.environ["HF_EVALUATE_OFFLINE"] = "1"

import datasets
import evaluate
import numpy as np

import unskew  # importing it registers the metrics

LIMIT_MS = 20
TURNS = 15


class ThroughArrow(evaluate.Metric):
    """The usual way: rows are written to an Arrow table and read back."""

    def _info(self) -> evaluate.MetricInfo:
        rows = datasets.List(datasets.Value("float32"))
        return evaluate.MetricInfo(
            description="", citation="", features=datasets.Features({"X": rows, "Y": rows})
        )

    def _compute(self, X: list, Y: list) -> dict[str, int]:
        return {"rows": len(X) + len(Y)}


def milliseconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - start)


def compare(name: str, direct: Callable[[], object], loaded: Callable[[], object]) -> float:
    """Print the medians of both and of the difference, and return the last."""
    direct(), loaded()
    turns = [(milliseconds(direct), milliseconds(loaded)) for _ in range(TURNS)]
    alone = statistics.median(a for a, _ in turns)
    through = statistics.median(b for _, b in turns)
    extra = statistics.median(b - a for a, b in turns)
    print(f"{name}: measure {alone:.1f} ms, metric {through:.1f} ms, overhead {extra:.2f} ms")
    return extra


def main() -> int:
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(2, 10_000, 512)).astype(np.float32)
    A, B = rng.normal(size=(2, 60, 512)).astype(np.float32)
    options = {"permutations": 1, "confidence": None}
    weat = evaluate.load("weat_bias")
    weat_extra = compare(
        "weat_bias, 2 x 10,000 x 512",
        lambda: unskew.weat(X, Y, A, B, **options),
        lambda: weat.compute(X=X, Y=Y, A=A, B=B, **options),
    )

    from unskew.measures.skew import representation_skew

    scores = rng.random((319, 10_000), dtype=np.float32)
    groups = rng.integers(0, 2, 10_000)
    skew = evaluate.load("representation_skew")
    skew_extra = compare(
        "representation_skew, 319 x 10,000, k = 1,000, 1 permutation",
        lambda: representation_skew(scores, groups, 1_000, permutations=1),
        lambda: skew.compute(scores=scores, groups=groups, k=1_000, permutations=1),
    )
    arrow = ThroughArrow(keep_in_memory=True)
    print(f"the same X and Y through Arrow: {milliseconds(lambda: arrow.compute(X=X, Y=Y)):.0f} ms")
    return int(max(weat_extra, skew_extra) > LIMIT_MS)


if __name__ == "__main__":
    sys.exit(main())
