"""Who is shown first: the ranking measures of every category, beside what chance gives."""

from __future__ import annotations

import numpy as np

from unskew.audit.embedded import EmbeddedSet
from unskew.audit.rows import RankingRow, Settings
from unskew.audit.texts import Texts
from unskew.measures import representation_skew
from unskew.stimuli import Stimuli

SMALLEST_K, LARGEST_K = 10, 1000


def default_k(n: int) -> int:
    """A tenth of the images, as 1,000 of FairFace's 10,954, and never fewer than 10."""
    return min(n, LARGEST_K, max(SMALLEST_K, round(n / 10)))


def ranking_rows(
    images: EmbeddedSet, s: Stimuli, texts: Texts, settings: Settings, k: int | None
) -> list[RankingRow]:
    """One row per category with two subgroups or more; the pool is the images it labels."""
    if s.ranking is None:
        return []
    prompts = texts(s.ranking.prompts).astype(np.float64)
    return [
        _row(images, s.name, category, subgroups, prompts, settings, k)
        for category, subgroups in images.groups.items()
        if len(subgroups) > 1
    ]


def _row(
    images: EmbeddedSet,
    stimuli: str,
    category: str,
    subgroups: dict[str, np.ndarray],
    prompts: np.ndarray,
    settings: Settings,
    k: int | None,
) -> RankingRow:
    pool = np.concatenate(list(subgroups.values()))
    labels = np.repeat(list(subgroups), [len(i) for i in subgroups.values()])
    order = np.argsort(pool, kind="stable")
    scores = prompts @ images.embeddings[pool[order]].astype(np.float64).T
    r = representation_skew(
        scores,
        labels[order],
        k=min(k, len(pool)) if k else default_k(len(pool)),
        target=settings.ranking_target,
        confidence=settings.confidence,
        seed=settings.seed,
    )
    by_skew = sorted(r.skew, key=r.skew.__getitem__)
    return RankingRow(
        dataset=images.info.name,
        category=category,
        stimuli=stimuli,
        n_prompts=r.n_prompts,
        n=len(pool),
        k=r.k,
        target=settings.ranking_target,
        max_skew=r.max_skew,
        max_skew_ci_low=r.max_skew_ci_low,
        max_skew_ci_high=r.max_skew_ci_high,
        chance_max_skew=r.chance_max_skew,
        p_value=r.p_value,
        min_skew=r.min_skew,
        chance_min_skew=r.chance_min_skew,
        ndkl=r.ndkl,
        ndkl_ci_low=r.ndkl_ci_low,
        ndkl_ci_high=r.ndkl_ci_high,
        chance_ndkl=r.chance_ndkl,
        most_shown=by_skew[-1],
        least_shown=by_skew[0],
    )
