"""How good a candidate is on held-out images: for early stopping and for choosing.

Bias on the validation part of the labelled images, utility on the general images to preserve;
never on test images, which `protocol` judges on. Of each photo the first caption is asked: texts
are embedded anew by every validator, and five take five times as long.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from unskew.corpora import CaptionedSet, ImageSet
from unskew.debias.fitting import FittingData
from unskew.debias.utility import (
    RECALL_AT,
    Classified,
    Photos,
    classified,
    headed,
    mean_utility,
    photos,
)
from unskew.encoders.heads import Heads
from unskew.errors import InputError
from unskew.measures import able, max_skew, representation_skew
from unskew.stimuli import load_stimuli

RANKING = "ranking_benchmark"
POOL_SHARE = 4
"""One in so many images is ranked first: k is a quarter of the pool."""


@dataclass(frozen=True)
class ValidationScores:
    """``max_skew``: MaxSkew@k of the validation images, mean over the ranking prompts.

    ``chance_max_skew``: that of random rankings. ``recall``: mean of R@5 both ways, ``accuracy``:
    zero-shot; NaN where no set to preserve has captions, or classes. ``utility``: mean of R@5 both
    ways and accuracy. ``able``: of accuracy, or of recall where there are no classes.
    """

    max_skew: float
    chance_max_skew: float
    recall: float
    accuracy: float
    utility: float
    able: float


class Validator:
    """Scores candidates, each in a fraction of a second where only heads differ."""

    def __init__(self, encoder: Any, data: FittingData, batch_size: int = 32) -> None:
        """Embed what is to be scored; from the cache, where `data` was made with this encoder.

        Raises:
            InputError: no set to preserve has captions, or one category of classes.
        """
        self._data = data
        self._batch_size = batch_size
        self._sets = [s for s in data.preserve_images if has_answers(s)]
        if not self._sets:
            raise InputError(
                "candidates are chosen by bias and utility, and no image set to preserve has "
                "captions or one category of classes: add one"
            )
        self.k = max(1, round(len(data.validation) / POOL_SHARE))
        self._groups = [data.subgroups[label] for label in data.validation.labels]
        self._seen = self._see(encoder, data.validation.embeddings, self._sets)
        self._chance = chance_max_skew(self._groups, self.k)

    def able(self, heads: Heads) -> float:
        """ABLE of the encoder with these heads: higher is better."""
        return self.scores(heads).able

    def scores(self, heads: Heads) -> ValidationScores:
        """All figures of the encoder with these heads."""
        return self._seen.through(heads).scores(self._groups, self.k, self._chance)

    def scores_of(self, encoder: Any, limit: int | None = None, seed: int = 0) -> ValidationScores:
        """All figures of an encoder whose towers differ: the images are embedded anew.

        `limit`: at most so many images of each set, the same ones for every encoder.
        """
        faces = self._data.validation
        rng = np.random.default_rng(seed)
        chosen = _some(len(faces), limit, rng)
        sets = [_part(s, _some(len(s), limit, rng)) for s in self._sets]
        pictures = faces.images.data.select(faces.rows[chosen])[faces.images.image_column]
        embeddings = encoder.embed_images(pictures, self._batch_size)
        groups = [self._groups[i] for i in chosen]
        k = max(1, round(len(groups) / POOL_SHARE))
        seen = self._see(encoder, embeddings, sets)
        return seen.scores(groups, k, chance_max_skew(groups, k))

    def _see(
        self, encoder: Any, faces: np.ndarray, sets: Sequence[ImageSet | CaptionedSet]
    ) -> _Seen:
        ranking = load_stimuli(RANKING).ranking
        assert ranking is not None
        size = self._batch_size
        return _Seen(
            faces=faces,
            prompts=encoder.embed_texts(ranking.prompts),
            photos=tuple(
                photos(encoder, s, size, most=1) for s in sets if isinstance(s, CaptionedSet)
            ),
            classified=tuple(classified(encoder, s, size) for s in sets if isinstance(s, ImageSet)),
        )


@dataclass(frozen=True)
class _Seen:
    """What is scored, as one encoder sees it."""

    faces: np.ndarray
    prompts: np.ndarray
    photos: tuple[Photos, ...]
    classified: tuple[Classified, ...]

    def through(self, heads: Heads) -> _Seen:
        return _Seen(
            headed(heads.image, self.faces),
            headed(heads.text, self.prompts),
            tuple(p.through(heads) for p in self.photos),
            tuple(c.through(heads) for c in self.classified),
        )

    def scores(self, groups: Sequence[str], k: int, chance: float) -> ValidationScores:
        skew = float(np.mean(max_skew(self.prompts @ self.faces.T, groups, k, "pool")))
        ranked = [p.ranked() for p in self.photos]
        recalls = [r.image_recall(RECALL_AT) for r in ranked]
        recalls += [r.caption_recall(RECALL_AT) for r in ranked]
        accuracies = [float(np.mean(c.hits())) for c in self.classified]
        recall, accuracy = _mean(recalls), _mean(accuracies)
        return ValidationScores(
            max_skew=skew,
            chance_max_skew=chance,
            recall=recall,
            accuracy=accuracy,
            utility=mean_utility(recalls, accuracies),
            able=able(accuracy if accuracies else recall, skew),
        )


def has_answers(source: ImageSet | CaptionedSet) -> bool:
    """Whether utility can be measured on a set: it has captions, or one category of classes."""
    return isinstance(source, CaptionedSet) or len(source.categories) == 1


def chance_max_skew(groups: Sequence[str], k: int, target: Any = "pool", seed: int = 0) -> float:
    """MaxSkew@k of random rankings, which depends on the sizes of the groups alone."""
    sizes = Counter(groups)
    return _chance_of(tuple(sorted(sizes.items())), k, target, seed)


@cache
def _chance_of(sizes: tuple[tuple[str, int], ...], k: int, target: str, seed: int) -> float:
    groups = [name for name, count in sizes for _ in range(count)]
    any_ranking = np.arange(len(groups), dtype=np.float64)[None]
    return representation_skew(
        any_ranking, groups, k, target, permutations=1, seed=seed
    ).chance_max_skew


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else float("nan")


def _some(n: int, limit: int | None, rng: np.random.Generator) -> np.ndarray:
    return np.arange(n) if limit is None or limit >= n else np.sort(rng.permutation(n)[:limit])


def _part(source: Any, rows: np.ndarray) -> Any:
    return replace(source, data=source.data.select(rows))
