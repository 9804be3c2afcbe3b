"""The lines of a comparison: means and spread over seeds, and changes with their uncertainty.

Intervals of changes are paired and of the mean over seeds. That of the utility is a bootstrap over
photos with their captions and over classified images. That of the cut adds two variances, of a
bootstrap over concepts and of a jackknife over faces (delete-a-group: resampled faces would rank
beside their own copies). They say how far the change would move with other prompts or other test
images, the spread over seeds how far with other fitting images.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from unskew.debias.protocol import BiasScores, Scores
from unskew.measures import percentile_interval, resampled_sums

ORIGINAL, CHANCE = "original", "chance"
Z_95 = 1.959964


@dataclass(frozen=True)
class Interval:
    """A value with the limits of its 95 % interval, NaN where they are undefined."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Row:
    """One line.

    ``mean`` and ``sd``: figure -> mean and standard deviation over seeds, which NaN is for one.
    ``cut_in``, ``cut_out``: the share of the original's MaxSkew above chance that is gone.
    ``utility_change``: after minus before. ``failure``: why seeds are missing, "" if none is.
    """

    name: str
    title: str
    paper: str
    seeds: tuple[int, ...]
    mean: Mapping[str, float]
    sd: Mapping[str, float]
    fit_seconds: float | None = None
    cut_in: Interval | None = None
    cut_out: Interval | None = None
    utility_change: Interval | None = None
    failure: str = ""


@dataclass(frozen=True)
class ComparisonTable:
    """``sets``: role -> name and number of images. ``settings``: what else decides the figures.

    ``notes``: what a reader must know of the image sets.
    """

    model: str
    demonstration: bool
    attributes: tuple[str, ...]
    subgroups: tuple[str, ...]
    sets: Mapping[str, tuple[str, int]]
    settings: Mapping[str, Any]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]

    def row(self, name: str) -> Row:
        """The line of this name. Raises KeyError."""
        return {row.name: row for row in self.rows}[name]


def original_row(scores: Scores) -> Row:
    """The model as it is."""
    return Row(ORIGINAL, "the model as it is", "", (), scores.figures(), {})


def chance_row(scores: Scores) -> Row:
    """Random rankings and guesses on the same image sets."""
    return Row(CHANCE, "random rankings and guesses", "", (), scores.chance(), {})


def judged_row(
    name: str,
    title: str,
    paper: str,
    by_seed: Mapping[int, Scores],
    original: Scores,
    fit_seconds: float | None = None,
    failure: str = "",
) -> Row:
    """A method's scores, by seed, beside the original's; by_seed may be empty after failures."""
    scores = list(by_seed.values())
    found = [s.figures() for s in scores]
    names = list(found[0]) if found else []
    changes: dict[str, Interval | None] = {}
    if scores:
        outside = [s.out_of_domain for s in scores if s.out_of_domain is not None]
        changes = {
            "cut_in": cut(original.in_domain, [s.in_domain for s in scores]),
            "cut_out": cut(original.out_of_domain, outside) if original.out_of_domain else None,
            "utility_change": utility_change(original, scores),
        }
    return Row(
        name,
        title,
        paper,
        tuple(by_seed),
        {n: float(np.mean([f[n] for f in found])) for n in names},
        {n: _sd([f[n] for f in found]) for n in names},
        fit_seconds=fit_seconds,
        failure=failure,
        **changes,
    )


def cut(before: BiasScores, after: Sequence[BiasScores]) -> Interval:
    """The share of MaxSkew above chance that is gone: 1 - (after - chance) / (before - chance).

    NaN where the original is not above chance; limits NaN where it is not in every resample.
    """
    concepts = len(before.by_concept)
    pairs = np.stack([before.by_concept, np.mean([a.by_concept for a in after], axis=0)], axis=1)
    pairs -= before.chance_max_skew
    value = float(_gone(pairs.mean(axis=0)[None])[0])
    over_concepts = np.var(_gone(resampled_sums(pairs) / concepts))
    faces = np.stack([before.by_faces, np.mean([a.by_faces for a in after], axis=0)], axis=1)
    over_faces = (len(faces) - 1) * np.var(_gone(faces))
    half = Z_95 * math.sqrt(over_concepts + over_faces)
    return Interval(value, value - half, value + half)


def _gone(above: np.ndarray) -> np.ndarray:
    """(m,): the share that is gone, from MaxSkew above chance before and after (m, 2)."""
    before = above[:, 0]
    return np.where(before > 0, 1 - above[:, 1] / np.maximum(before, 1e-12), np.nan)


def utility_change(before: Scores, after: Sequence[Scores]) -> Interval | None:
    """After minus before, of what `Scores.figures` calls utility."""
    parts: list[np.ndarray] = []
    draws: list[np.ndarray] = []
    if before.retrieval is not None:
        hits = [s.retrieval.hits for s in after if s.retrieval is not None]
        old, new = np.array(before.retrieval.hits), np.mean(hits, axis=0)
        table = np.column_stack([new[:, :2] - old[:, :2], old[:, 2], np.ones(len(old))])
        parts.append(_recall_change(table.sum(axis=0)[None]))
        draws.append(_recall_change(resampled_sums(table, seed=1)))
    if before.zero_shot is not None:
        right = [s.zero_shot.hits for s in after if s.zero_shot is not None]
        change = (np.mean(right, axis=0) - before.zero_shot.hits)[:, None]
        parts.append(change.mean(axis=0)[None])
        draws.append(resampled_sums(change, seed=2) / len(change))
    if not parts:
        return None
    value = np.concatenate(parts, axis=1).mean()
    drawn = np.concatenate(draws, axis=1).mean(axis=1)
    return Interval(float(value), *percentile_interval(drawn))


def _recall_change(sums: np.ndarray) -> np.ndarray:
    """(m, 2): change of recall both ways, from sums over photos."""
    return np.stack([sums[:, 0] / sums[:, 3], sums[:, 1] / sums[:, 2]], axis=1)


def _sd(values: Sequence[float]) -> float:
    return float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")
