"""What `evaluate.load("weat_bias").compute` costs over calling the measure: 10,000 x 512 targets.

    python benchmarks/evaluate_overhead.py

Each call is timed from outside, and the measure from inside it; the difference is what loading it
as a metric costs, and a busy machine cannot hide it. For scale, the same arrays go through the
Arrow table that evaluate fills for a metric that declares rows of floats. Prints medians, and exits
with 1 where the overhead is over 20 ms.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable
from types import ModuleType

os.environ["HF_EVALUATE_OFFLINE"] = "1"

import datasets
import evaluate
import numpy as np

import unskew.hub.representation_skew
import unskew.hub.weat_bias

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


def compare(name: str, module: ModuleType, measure: str, compute: Callable[[], object]) -> float:
    """Print the medians of the measure and of what ``compute`` adds, and return the latter."""
    direct, inside, outside = getattr(module, measure), [], []

    def timed(*arrays: object, **options: object) -> object:
        start = time.perf_counter()
        result = direct(*arrays, **options)
        inside.append(1000 * (time.perf_counter() - start))
        return result

    setattr(module, measure, timed)
    for _ in range(TURNS):
        outside.append(milliseconds(compute))
    setattr(module, measure, direct)
    extra = statistics.median(o - i for o, i in zip(outside, inside, strict=True))
    print(f"{name}: measure {statistics.median(inside):.1f} ms, metric adds {extra:.3f} ms")
    return extra


def main() -> int:
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(2, 10_000, 512)).astype(np.float32)
    A, B = rng.normal(size=(2, 60, 512)).astype(np.float32)
    weat = evaluate.load("weat_bias")
    weat_extra = compare(
        "weat_bias, 2 x 10,000 x 512",
        unskew.hub.weat_bias,
        "weat",
        lambda: weat.compute(X=X, Y=Y, A=A, B=B, permutations=1, confidence=None),
    )
    scores = rng.random((319, 10_000), dtype=np.float32)
    groups = rng.integers(0, 2, 10_000)
    skew = evaluate.load("representation_skew")
    skew_extra = compare(
        "representation_skew, 319 x 10,000, k = 1,000",
        unskew.hub.representation_skew,
        "representation_skew",
        lambda: skew.compute(scores=scores, groups=groups, k=1_000),
    )
    arrow = ThroughArrow(keep_in_memory=True)
    print(f"the same X and Y through Arrow: {milliseconds(lambda: arrow.compute(X=X, Y=Y)):.0f} ms")
    return int(max(weat_extra, skew_extra) > LIMIT_MS)


if __name__ == "__main__":
    sys.exit(main())
