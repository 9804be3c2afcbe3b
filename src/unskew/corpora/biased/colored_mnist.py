"""Colored MNIST: digits whose colour gives them away, but for a few.

Nam et al. 2020, "Learning from Failure" (arXiv 2007.02561), and Lee et al. 2021 (arXiv
2107.01372), who use it with 0.5, 1, 2 and 5 % of conflicting images.
"""

import numpy as np
from datasets import DatasetDict

from unskew.corpora.biased.assignment import assign, check_conflicts, check_ratio, uniform
from unskew.corpora.biased.classes import CLASSES, Part, as_files, ten_classes
from unskew.corpora.biased.layout import Ints, Labels, biased_set, biased_split
from unskew.corpora.load import Source
from unskew.errors import InputError

NAME = "Colored MNIST"
SIZE = 28
HELD_OUT = 5_000 / 60_000

COLOURS: dict[str, tuple[float, float, float]] = {
    "vermilion": (0.9837, 0.3125, 0.1686),
    "yellow": (0.9905, 0.9156, 0.3515),
    "mauve": (0.6730, 0.4611, 0.5798),
    "sage": (0.7833, 0.8316, 0.6013),
    "sky blue": (0.0880, 0.7780, 0.9818),
    "green": (0.3214, 0.9611, 0.4464),
    "blue": (0.0246, 0.2357, 0.7587),
    "violet": (0.5552, 0.1016, 0.7618),
    "dark green": (0.2077, 0.3929, 0.0187),
    "crimson": (0.8337, 0.2024, 0.2669),
}
"""The mean colours of the digits 0 to 9 in red, green and blue; the names are ours."""

COLOUR_NOISE = (0.05, 0.02, 0.01, 0.005, 0.002)
"""Standard deviation of the colour within an attribute: severity 1 has the most."""


def colored_mnist(
    source: Source, conflict_ratio: float = 0.05, severity: int = 1, seed: int = 0
) -> DatasetDict:
    """MNIST with a colour for every digit. Target: the digit; attribute: the colour.

    The splits of the whole of MNIST have 55,000, 5,000 and 10,000 images; the validation split is
    drawn from the train split, class by class. In training, a share `conflict_ratio` of each digit
    has the colours of the other nine digits; in validation and test every colour is as frequent.
    An image is the grey digit times clip(mean colour + noise, 0, 1), with one Gaussian draw per
    image and channel.

    Args:
        source: MNIST, on the Hub ("ylecun/mnist") or in a local folder: splits train and test,
            grey images of 28 x 28 pixels, a column "label" of ten classes.
        conflict_ratio: at least 0 and below 1.
        severity: 1 to 5; colours vary the most at 1.
        seed: of the split, the colours and their noise.

    Raises:
        NotFoundError: there is no such source.
        InputError: the source is not as above, or an option is outside its range.
    """
    check_ratio(NAME, conflict_ratio)
    if severity not in range(1, len(COLOUR_NOISE) + 1):
        raise InputError(f"{NAME}: severity is 1 to {len(COLOUR_NOISE)}, got {severity!r}")
    rng = np.random.default_rng(seed)
    parts, names = ten_classes(NAME, source, "L", SIZE, HELD_OUT, rng)
    splits = {}
    for split, part in parts.items():
        ratio = conflict_ratio if split == "train" else uniform(CLASSES)
        colours = assign(part.targets, CLASSES, ratio, rng)
        check_conflicts(NAME, ratio, int((colours != part.targets).sum()), len(colours))
        images = as_files(_coloured(part, colours, COLOUR_NOISE[severity - 1], rng))
        labels = Labels(part.targets, colours, names, tuple(COLOURS))
        splits[split] = biased_split(images, labels, ~np.eye(CLASSES, dtype=bool))
    return biased_set(NAME, splits)


def _coloured(part: Part, colours: Ints, noise: float, rng: np.random.Generator) -> np.ndarray:
    """(n, 28, 28, 3) uint8."""
    means = np.array(list(COLOURS.values()))[colours]
    drawn = np.clip(means + rng.normal(0, noise, means.shape), 0, 1).astype(np.float32)
    images = np.empty((*part.images.shape, 3), dtype=np.uint8)
    for channel in range(3):  # one at a time: a quarter of the memory
        tinted = part.images * drawn[:, channel, None, None]
        images[..., channel] = np.rint(tinted, out=tinted)
    return images
