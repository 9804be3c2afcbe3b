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
        p_value = f"{found.p_value:.2g}" if found.p_value else "< 1e-300"
        print(
            f"| {name} | {' / '.join(f'{len(part):,}' for part in made.values())} "
            f"| {seconds:.1f} s | {found.correlation:.3f} "
            f"[{found.correlation_ci_low:.3f}, {found.correlation_ci_high:.3f}] "
            f"| {p_value} | {found.representation_std:.3f} "
            f"[{found.representation_std_ci_low:.3f}, {found.representation_std_ci_high:.3f}] "
            f"| {100 * found.conflicting_share:.2f} % |",
            flush=True,
        )


def print_table_1(data: Path) -> None:
    """Table 1 of VLM-debias: each attribute against the other two, with race as five classes."""
    parts = partition(data / "utkface", categories=["gender", "age", "race"])
    gender, age, race = (
        np.concatenate([images.labels(name) for images in parts])
        for name in ("gender", "age", "race")
    )
    for title, old in (("over 35", age.astype(int) > 35), ("35 or older", age.astype(int) >= 35)):
        print(f"\n| UTKFace, old is {title} | correlation | std |\n|---|---|---|")
        traits = {"age": old, "gender": gender == "female", "race": race}
        for name in traits:
            others = [column for key in traits if key != name for column in indicators(traits[key])]
            pairs = [np.corrcoef(x, y)[0, 1] for x in indicators(traits[name]) for y in others]
            _, counts = np.unique(traits[name], return_counts=True)
            std = np.std(counts / counts.sum())
            print(f"| {name} | {np.abs(pairs).mean():.3f} | {std:.3f} |")


def indicators(labels: np.ndarray) -> list[np.ndarray]:
    """One column for two classes, one for every class of more."""
    names = np.unique(labels)
    return [labels == name for name in (names[1:] if len(names) == 2 else names)]


if __name__ == "__main__":
    disable_progress_bars()
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data")
    print_table_1(folder)
    print()
    print_statistics(folder)
