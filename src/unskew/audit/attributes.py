"""What each subgroup's images are close to: mean association, and the nearest attributes."""

from __future__ import annotations

import numpy as np
from scipy import stats

from unskew.audit.embedded import EmbeddedSet
from unskew.audit.rows import Settings, SubgroupRow, TopAttributeRow
from unskew.audit.texts import Texts, filled
from unskew.stimuli import AttributePair, Stimuli


def describe_subgroups(
    images: EmbeddedSet, s: Stimuli, texts: Texts, settings: Settings
) -> tuple[list[SubgroupRow], list[TopAttributeRow]]:
    """Rows for every subgroup of every category, from the cosines of images and attributes."""
    if s.attributes is None:
        return [], []
    pair = s.attributes
    words = (*pair.a.words, *pair.b.words)
    cosines = _cosines(images.embeddings, texts(filled(pair.template, words)))
    split = len(pair.a.words)
    scores = cosines[:, :split].mean(axis=1) - cosines[:, split:].mean(axis=1)
    associations: list[SubgroupRow] = []
    nearest: list[TopAttributeRow] = []
    for category, subgroups in images.groups.items():
        where = (images.info.name, category, s.name)
        for name, rows in subgroups.items():
            associations.append(_association(where, pair, name, scores[rows], settings))
        means = {name: cosines[rows].mean(axis=0) for name, rows in subgroups.items()}
        for name, rows in subgroups.items():
            others = [m for other, m in means.items() if other != name]
            lift = means[name] - np.mean(others, axis=0) if others else np.full(len(words), np.nan)
            nearest += _nearest(where, words, name, cosines[rows], lift, settings)
    return associations, nearest


def _cosines(images: np.ndarray, texts: np.ndarray) -> np.ndarray:
    """(n, m) float64 cosines."""
    unit = [
        v / np.linalg.norm(v, axis=1, keepdims=True)
        for v in (np.asarray(images, np.float64), np.asarray(texts, np.float64))
    ]
    return unit[0] @ unit[1].T


def _association(
    where: tuple[str, str, str],
    pair: AttributePair,
    subgroup: str,
    scores: np.ndarray,
    settings: Settings,
) -> SubgroupRow:
    half = _half_width(scores[:, None], settings.confidence)[0]
    mean = float(scores.mean())
    return SubgroupRow(
        *where,
        attribute_a=pair.a.name,
        attribute_b=pair.b.name,
        subgroup=subgroup,
        n=len(scores),
        mean_association=mean,
        ci_low=mean - half,
        ci_high=mean + half,
        share_nearer_a=float((scores > 0).mean()),
    )


def _nearest(
    where: tuple[str, str, str],
    words: tuple[str, ...],
    subgroup: str,
    cosines: np.ndarray,
    lift: np.ndarray,
    settings: Settings,
) -> list[TopAttributeRow]:
    mean = cosines.mean(axis=0)
    half = _half_width(cosines, settings.confidence)
    rankings = {"similarity": mean} | ({} if np.isnan(lift).any() else {"lift": lift})
    return [
        TopAttributeRow(
            *where,
            subgroup=subgroup,
            by=by,
            rank=rank,
            attribute=words[j],
            similarity=float(mean[j]),
            ci_low=float(mean[j] - half[j]),
            ci_high=float(mean[j] + half[j]),
            lift=float(lift[j]),
        )
        for by, values in rankings.items()
        for rank, j in enumerate(np.argsort(-values, kind="stable")[: settings.top], start=1)
    ]


def _half_width(values: np.ndarray, confidence: float) -> np.ndarray:
    """Half the width of the t interval of each column's mean."""
    n = len(values)
    return stats.t.ppf((1 + confidence) / 2, n - 1) * values.std(axis=0, ddof=1) / np.sqrt(n)
