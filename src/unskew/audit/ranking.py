"""Who is shown first: the ranking measures of every category, beside what chance gives."""

from __future__ import annotations

import numpy as np

from unskew.audit.embedded import EmbeddedSet
from unskew.audit.rows import RankingRow, Settings
from unskew.audit.texts import Texts
from unskew.errors import InputError
from unskew.measures import RankingResult, representation_skew
from unskew.stimuli import Stimuli

SMALLEST_K, LARGEST_K = 10, 1000


def default_k(n: int, groups: int) -> int:
    """A tenth of the images, as 1,000 of FairFace's 10,954; at least 10, and one per subgroup."""
    return min(n, max(groups, min(LARGEST_K, max(SMALLEST_K, round(n / 10)))))


def ranking_rows(
    images: EmbeddedSet, s: Stimuli, texts: Texts, settings: Settings, k: int | None
) -> tuple[list[RankingRow], list[str]]:
    """One row per category, whose pool is the images it labels; and what to know of the rows.

    Raises:
        InputError: ``k`` is more than the images of a category.
    """
    if s.ranking is None:
        return [], []
    prompts = texts(s.ranking.prompts).astype(np.float64)
    concepts = list(s.ranking.concepts) * len(s.ranking.templates)  # the order of the prompts
    rows: list[RankingRow] = []
    notes: list[str] = []
    for category, subgroups in images.groups.items():
        pool = np.sort(np.concatenate(list(subgroups.values())))
        place = f"{images.info.name}, {category}"
        if k is not None and k > len(pool):
            raise InputError(f"k is {k}, but {place} has only {len(pool)} images to rank")
        labels = np.empty(len(images.embeddings), dtype=object)
        for name, members in subgroups.items():
            labels[members] = name
        r = representation_skew(
            prompts @ images.embeddings[pool].astype(np.float64).T,
            labels[pool].tolist(),
            k=k or default_k(len(pool), len(subgroups)),
            target=settings.ranking_target,
            confidence=settings.confidence,
            seed=settings.seed,
            clusters=concepts,
        )
        rows.append(_row(r, images.info.name, category, s.name, settings))
        notes += [f"{place}: {n}." for n in r.notes if not n.startswith("Bias@K")]
    return rows, notes


def _row(
    r: RankingResult, dataset: str, category: str, stimuli: str, settings: Settings
) -> RankingRow:
    beyond_chance = {name: r.skew[name] - r.chance_skew[name] for name in r.skew}
    order = sorted(beyond_chance, key=beyond_chance.__getitem__)
    return RankingRow(
        dataset=dataset,
        category=category,
        stimuli=stimuli,
        n_prompts=r.n_prompts,
        n=r.n,
        k=r.k,
        target=settings.ranking_target,
        max_skew=r.max_skew,
        max_skew_ci_low=r.max_skew_ci_low,
        max_skew_ci_high=r.max_skew_ci_high,
        chance_max_skew=r.chance_max_skew,
        p_value=r.p_value,
        clear=r.p_value < 1 - settings.confidence,
        min_skew=r.min_skew,
        chance_min_skew=r.chance_min_skew,
        ndkl=r.ndkl,
        ndkl_ci_low=r.ndkl_ci_low,
        ndkl_ci_high=r.ndkl_ci_high,
        chance_ndkl=r.chance_ndkl,
        most_shown=order[-1],
        least_shown=order[0],
    )
