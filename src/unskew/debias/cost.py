"""What a debiaser costs in utility, on the held-out part of the general images it preserves.

R@5 both ways of photos with captions, accuracy of zero-shot classes, and their mean, before and
after. Intervals are a paired bootstrap over photos with their captions and classified images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from unskew.corpora import CaptionedSet, ImageSet
from unskew.debias.utility import RECALL_AT, Classified, Photos, classified, photos
from unskew.errors import InputError
from unskew.measures import percentile_interval, resampled_sums

NOT_MEASURED = (
    "What this cost in utility was not measured: no set to preserve has captions or classes on a "
    "held-out part; `unskew compare` measures it on sets of its own."
)


@dataclass(frozen=True)
class UtilityChange:
    """One measure before and after, shares of 1, of ``n`` images.

    ``low``, ``high``: 95 % limits of after minus before.
    """

    dataset: str
    measure: str
    n: int
    before: float
    after: float
    low: float
    high: float

    @property
    def sentence(self) -> str:
        """The change in one line."""
        return (
            f"Utility, {self.measure} ({self.dataset}, {self.n} images): {self.before:.3f} → "
            f"{self.after:.3f}, change {self.after - self.before:+.3f} "
            f"[{self.low:+.3f}, {self.high:+.3f}]"
        )


@dataclass(frozen=True)
class Answers:
    """What one encoder got right on a set of n images, by m measures.

    ``right``, ``asked``: (n, m), right answers and questions of every image.
    """

    dataset: str
    measures: tuple[str, ...]
    right: np.ndarray
    asked: np.ndarray


def answers(encoder: Any, source: CaptionedSet | ImageSet, batch_size: int = 32) -> Answers:
    """Ask an encoder for the captions of photos, or for the class of images.

    Raises:
        InputError: there is nothing to ask, or fewer than two images can be read.
    """
    found: Photos | Classified
    measures: tuple[str, ...]
    if isinstance(source, CaptionedSet):
        found = photos(encoder, source, batch_size)
        measures = (f"R@{RECALL_AT} image to text", f"R@{RECALL_AT} text to image")
        right, asked = _of_photos(found)
    else:
        found = classified(encoder, source, batch_size)
        measures = ("zero-shot accuracy",)
        right = found.hits().astype(float)[:, None]
        asked = np.ones_like(right)
    if len(right) < 2:
        raise InputError(f"{source.name}: utility needs at least two images that can be read")
    return Answers(source.name, measures, right, asked)


def utility_changes(before: Sequence[Answers], after: Sequence[Answers]) -> list[UtilityChange]:
    """Every measure of every set, and their mean where there are several."""
    changes: list[UtilityChange] = []
    draws: list[np.ndarray] = []
    for number, (old, new) in enumerate(zip(before, after, strict=True)):
        table = np.hstack([old.right, new.right, old.asked])
        drawn = _change(resampled_sums(table, seed=number))
        total = old.asked.sum(axis=0)
        shares = zip(old.right.sum(axis=0) / total, new.right.sum(axis=0) / total, strict=True)
        for column, (measure, (b, a)) in enumerate(zip(old.measures, shares, strict=True)):
            limits = percentile_interval(drawn[:, column])
            changes.append(
                UtilityChange(old.dataset, measure, len(table), float(b), float(a), *limits)
            )
        draws.append(drawn)
    if len(changes) < 2:
        return changes
    mean = UtilityChange(
        dataset=", ".join(dict.fromkeys(c.dataset for c in changes)),
        measure="mean",
        n=sum(len(a.right) for a in before),
        before=float(np.mean([c.before for c in changes])),
        after=float(np.mean([c.after for c in changes])),
        **dict(
            zip(("low", "high"), percentile_interval(np.hstack(draws).mean(axis=1)), strict=True)
        ),
    )
    return [*changes, mean]


def _of_photos(found: Photos) -> tuple[np.ndarray, np.ndarray]:
    """(n, 2) each: whether a caption was found and how many found the photo; what was asked."""
    ranked = found.ranked()
    n = len(ranked.image_ranks)
    own = np.bincount(ranked.owner, minlength=n)
    by_text = np.bincount(ranked.owner, weights=ranked.caption_ranks < RECALL_AT, minlength=n)
    right = np.stack([ranked.image_ranks < RECALL_AT, by_text], axis=1).astype(float)
    return right, np.stack([np.ones(n), own], axis=1)


def _change(sums: np.ndarray) -> np.ndarray:
    """(r, m): after minus before, from sums (r, 3 m) of right before, right after and asked."""
    before, after, asked = np.split(sums, 3, axis=1)
    return (after - before) / asked
