"""Corrupted CIFAR-10: objects whose corruption gives them away, but for a few.

Nam et al. 2020, "Learning from Failure" (arXiv 2007.02561), and Lee et al. 2021 (arXiv
2107.01372), who use it with 0.5, 1, 2 and 5 % of conflicting images.
"""

import numpy as np
from datasets import DatasetDict

from unskew.corpora.biased.assignment import assign, check_conflicts, check_ratio, uniform
from unskew.corpora.biased.classes import CLASSES, as_files, ten_classes
from unskew.corpora.biased.corruptions import CORRUPTIONS, SIZE, corrupted
from unskew.corpora.biased.layout import Labels, biased_set, biased_split
from unskew.corpora.load import Source
from unskew.errors import InputError

NAME = "Corrupted CIFAR-10"
HELD_OUT = 4_800 / 50_000
KINDS = (tuple(CORRUPTIONS)[:CLASSES], tuple(CORRUPTIONS)[CLASSES:])
SEVERITIES = range(1, 6)


def corrupted_cifar10(
    source: Source, conflict_ratio: float = 0.05, kind: int = 0, severity: int = 5, seed: int = 0
) -> DatasetDict:
    """CIFAR-10 with a corruption for every class. Target: the class; attribute: the corruption.

    The splits of the whole of CIFAR-10 have 45,200, 4,800 and 10,000 images; the validation split
    is drawn from the train split, class by class. In training, a share `conflict_ratio` of each
    class has the corruptions of the other nine; in validation and test every corruption is as
    frequent.

    Args:
        source: CIFAR-10, on the Hub ("uoft-cs/cifar10") or in a local folder: splits train and
            test, images of 32 x 32 pixels, a column "label" of ten classes.
        conflict_ratio: at least 0 and below 1.
        kind: 0 for snow to saturate, 1 for noises and blurs; `KINDS` lists both in the order of
            the classes.
        severity: 1 to 5, of `corruptions`.
        seed: of the split, the corruptions and their randomness.

    Raises:
        NotFoundError: there is no such source.
        InputError: the source is not as above, or an option is outside its range.
    """
    check_ratio(NAME, conflict_ratio)
    if kind not in (0, 1):
        raise InputError(f"{NAME}: kind is 0 or 1, got {kind!r}")
    if severity not in SEVERITIES:
        raise InputError(f"{NAME}: severity is 1 to {SEVERITIES[-1]}, got {severity!r}")
    rng = np.random.default_rng(seed)
    parts, names = ten_classes(NAME, source, "RGB", SIZE, HELD_OUT, rng)
    splits = {}
    for split, part in parts.items():
        ratio = conflict_ratio if split == "train" else uniform(CLASSES)
        chosen = assign(part.targets, CLASSES, ratio, rng)
        check_conflicts(NAME, ratio, int((chosen != part.targets).sum()), len(chosen))
        images = (
            corrupted(image, KINDS[kind][number], severity, rng)
            for image, number in zip(part.images, chosen, strict=True)
        )
        labels = Labels(part.targets, chosen, names, KINDS[kind])
        splits[split] = biased_split(as_files(images), labels, ~np.eye(CLASSES, dtype=bool))
    return biased_set(NAME, splits)
