"""What must survive debiasing: retrieval between images and captions, and zero-shot accuracy.

Everything is first computed per item (the rank of the right answer, whether a class is right), so
that means, and bootstrap intervals of differences between two models on the same items, cost no
second look at the embeddings.

    image to text, R@k: share of images of whose captions at least one is among the first k
    text to image, R@k: share of captions whose image is among the first k
    ABLE = 2 / (1 / accuracy + 1 / exp(-MaxSkew))

ABLE, the harmonic mean of what a model can do and how even its rankings are: Zhang, Guo,
Kankanhalli, "Joint Vision-Language Social Bias Removal for CLIP" (arXiv 2411.12785).
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unskew.errors import InputError
from unskew.measures.embeddings import Floats, as_embeddings, same_dimension, unit_rows

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

RESAMPLES = 4_999
_BLOCK = 512  # resamples drawn at a time


@dataclass(frozen=True)
class Retrieval:
    """For every item the number of candidates ranked before its first right answer, 0 at best.

    Of candidates with the same score, the one that comes first in the input ranks first.
    ``image_ranks``: (n,) among the captions. ``caption_ranks``: (c,) among the images.
    ``owner``: (c,) the image of each caption.
    """

    image_ranks: Ints
    caption_ranks: Ints
    owner: Ints

    def image_recall(self, k: int) -> float:
        """Image to text, R@k."""
        return float(np.mean(self.image_ranks < k))

    def caption_recall(self, k: int) -> float:
        """Text to image, R@k."""
        return float(np.mean(self.caption_ranks < k))

    def chance(self, k: int) -> tuple[float, float]:
        """R@k of a random ranking, image to text and text to image."""
        n, c = len(self.image_ranks), len(self.owner)
        own = np.bincount(self.owner, minlength=n)
        missed = [math.comb(c - int(o), min(k, c)) / math.comb(c, min(k, c)) for o in own]
        return 1 - float(np.mean(missed)), min(k, n) / n


def retrieval(images: Any, captions: Any, owner: Any) -> Retrieval:
    """Rank all captions for every image, and all images for every caption, by cosine.

    Args:
        images: (n, d); rows need not be normalised.
        captions: (c, d), several for one image.
        owner: (c,) the row of the image that each caption describes.

    Raises:
        InputError: empty or unusable embeddings, dimensions that differ, an owner that is no row
            of ``images``, or an image without a caption.
    """
    left, right = as_embeddings(images, "images"), as_embeddings(captions, "captions")
    same_dimension({"images": left, "captions": right})
    of = np.asarray(owner, dtype=np.int64)
    _check_owner(of, len(left), len(right))
    scores = unit_rows(left, "images") @ unit_rows(right, "captions").T
    own = np.where(of == np.arange(len(left))[:, None], scores, -np.inf)
    return Retrieval(_ranks(scores, own.argmax(axis=1)), _ranks(scores.T, of), of)


def zero_shot_hits(images: Any, classes: Any, labels: Any) -> Bools:
    """Whether the nearest of the class texts is the right one, for every image: (n,).

    Args:
        images: (n, d); rows need not be normalised.
        classes: (m, d), one text per class, m >= 2.
        labels: (n,) the row of the right class.

    Raises:
        InputError: unusable embeddings, dimensions that differ, or a label that is no class.
    """
    left, right = as_embeddings(images, "images"), as_embeddings(classes, "classes")
    same_dimension({"images": left, "classes": right})
    truth = np.asarray(labels, dtype=np.int64)
    if len(right) < 2:
        raise InputError("zero-shot classification needs at least two classes")
    if truth.shape != (len(left),):
        raise InputError(f"there are {len(left)} images but labels of shape {truth.shape}")
    if truth.min() < 0 or truth.max() >= len(right):
        raise InputError(
            f"labels run from {truth.min()} to {truth.max()}; classes are {len(right)}"
        )
    scores = unit_rows(left, "images") @ unit_rows(right, "classes").T
    return scores.argmax(axis=1) == truth


def able(accuracy: float, max_skew: float) -> float:
    """Harmonic mean of an accuracy (0 to 1) and exp(-MaxSkew@k); see the module's docstring.

    Raises:
        InputError: an accuracy outside 0 to 1, or a negative MaxSkew.
    """
    if not 0 <= accuracy <= 1:
        raise InputError(f"ABLE takes an accuracy between 0 and 1, got {accuracy}")
    if not max_skew >= 0:
        raise InputError(f"ABLE takes a MaxSkew of at least 0, got {max_skew}")
    return 0.0 if accuracy == 0 else 2 / (1 / accuracy + math.exp(max_skew))


def resampled_sums(values: Any, resamples: int = RESAMPLES, seed: int = 0) -> Floats:
    """Sums over items drawn with replacement: (resamples, m) for values (n, m).

    The same seed draws the same items, so two models that were asked the same items are compared
    pairwise, and a ratio of two columns keeps numerator and denominator together.

    Raises:
        InputError: fewer than two items.
    """
    table = np.asarray(values, dtype=np.float64)
    n = len(table)
    if n < 2:
        raise InputError(f"{n} items cannot be resampled; give at least two")
    rng = np.random.default_rng(seed)
    parts = []
    for start in range(0, resamples, _BLOCK):
        size = min(_BLOCK, resamples - start)
        times = rng.multinomial(n, np.full(n, 1 / n), size=size)
        parts.append(times.astype(np.float64) @ table)
    return np.concatenate(parts)


def percentile_interval(draws: Floats, confidence: float = 0.95) -> tuple[float, float]:
    """Limits that cut off the same share of bootstrap draws (m,) at both ends."""
    tail = (1 - confidence) / 2
    low, high = np.quantile(draws, [tail, 1 - tail])
    return float(low), float(high)


def _ranks(scores: Floats, target: Ints) -> Ints:
    """How many candidates come before the target in each row of scores (n, m): (n,)."""
    right = np.take_along_axis(scores, target[:, None], axis=1)
    earlier = np.arange(scores.shape[1]) < target[:, None]
    return ((scores > right) | ((scores == right) & earlier)).sum(axis=1)


def _check_owner(owner: Ints, images: int, captions: int) -> None:
    if owner.shape != (captions,):
        raise InputError(f"there are {captions} captions but owners of shape {owner.shape}")
    if owner.min() < 0 or owner.max() >= images:
        raise InputError(f"owners run from {owner.min()} to {owner.max()}; images are {images}")
    without = np.setdiff1d(np.arange(images), owner)
    if len(without):
        raise InputError(f"image {without[0]} has no caption")
