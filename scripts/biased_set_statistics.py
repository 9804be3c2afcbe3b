"""Print the tables of docs/biased_sets.md from the real data of ../shared/data.

python scripts/biased_set_statistics.py [FOLDER]
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from datasets import DatasetDict, disable_progress_bars

from unskew.corpora import (
    bias_statistics,
    biased_faces,
    colored_mnist,
    corrupted_cifar10,
    fairface,
    partition,
    utkface,
)
from unskew.corpora.biased.statistics import indicator_correlations

YOUNG = 35


def rows(data: Path) -> dict[str, Callable[[], DatasetDict]]:
    """What is measured, by its name in the table."""
    mnist, cifar, utk = (data / name for name in ("mnist", "cifar10_subset", "utkface"))
    return {
        "Colored MNIST, 0.5 %": lambda: colored_mnist(mnist, 0.005),
        "Colored MNIST, 5 %": lambda: colored_mnist(mnist, 0.05),
        "Corrupted CIFAR-10, kind 0, 5 %": lambda: corrupted_cifar10(cifar, 0.05, kind=0),
        "Corrupted CIFAR-10, kind 1, 5 %": lambda: corrupted_cifar10(cifar, 0.05, kind=1),
        "biased faces of UTKFace, 0.5 %": lambda: biased_faces(utk, 0.005),
        "biased faces of UTKFace, 5 %": lambda: biased_faces(utk, 0.05),
        "UTKFace, gender / age": lambda: utkface(utk, "gender", "age"),
        "UTKFace, race / gender": lambda: utkface(utk, "race", "gender"),
        "UTKFace, age / race": lambda: utkface(utk, "age", "race"),
        "FairFace (540), gender / age": lambda: fairface(data / "fairface540"),
    }


def print_statistics(data: Path) -> None:
    """Sizes, seconds to build, and the statistics of the training split."""
    print("| set | train / validation / test | built in | correlation | p | std | conflicting |")
    print("|---|---|---|---|---|---|---|")
    for name, build in rows(data).items():
        start = time.perf_counter()
        made = build()
        seconds = time.perf_counter() - start
        found = bias_statistics(made["train"])
        print(
            f"| {name} | {' / '.join(f'{len(part):,}' for part in made.values())} "
            f"| {seconds:.1f} s | {found.correlation:.3f} "
            f"[{found.correlation_ci_low:.3f}, {found.correlation_ci_high:.3f}] "
            f"| {found.p_value:.2g} | {found.representation_std:.3f} "
            f"[{found.representation_std_ci_low:.3f}, {found.representation_std_ci_high:.3f}] "
            f"| {100 * found.conflicting_share:.2f} % |",
            flush=True,
        )


def print_table_1(data: Path) -> None:
    """Every attribute against both others, with race as White or not and as five races."""
    parts = partition(data / "utkface", categories=["gender", "age", "race"])
    gender, age, race = (
        np.concatenate([images.labels(name) for images in parts])
        for name in ("gender", "age", "race")
    )
    columns = {"age": age.astype(int) > YOUNG, "gender": gender == "female"}
    for title, races in (("White or not", race == "White"), ("five races", race)):
        print(f"\n| {title} | correlation | std |\n|---|---|---|")
        traits = {**columns, "race": races}
        for name, values in traits.items():
            others = [other for key, other in traits.items() if key != name]
            tables = [_table(other, values) for other in others]
            found = [np.abs(indicator_correlations(table)).mean() for table in tables]
            shares = tables[0].sum(axis=0) / tables[0].sum()
            print(f"| {name} | {np.mean(found):.3f} | {np.std(shares):.3f} |")


def _table(targets: np.ndarray, attributes: np.ndarray) -> np.ndarray:
    """(targets, attributes): how often each pair of values occurs."""
    (_, rows), (_, columns) = (np.unique(v, return_inverse=True) for v in (targets, attributes))
    counts = np.zeros((rows.max() + 1, columns.max() + 1), dtype=np.int64)
    np.add.at(counts, (rows, columns), 1)
    return counts


if __name__ == "__main__":
    disable_progress_bars()
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data")
    print_table_1(folder)
    print()
    print_statistics(folder)
