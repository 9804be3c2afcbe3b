"""Effect sizes between subgroups: image-text, text only, image only, and single contrasts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from math import comb
from typing import Any

import numpy as np

from unskew.audit.embedded import MIN_ITEMS, EmbeddedSet
from unskew.audit.rows import PairRow, Settings
from unskew.audit.texts import Texts, filled
from unskew.measures import (
    PairResult,
    association,
    pairwise_family,
    pairwise_from_associations,
)
from unskew.measures.embeddings import unit_rows
from unskew.stimuli import Stimuli, canonical_category

TEXT_ONLY = "(phrases)"
"""Stands where a data set's name would, for rows that no image takes part in."""


def image_text_pairs(
    images: EmbeddedSet, s: Stimuli, texts: Texts, settings: Settings
) -> list[PairRow]:
    """Subgroups of images against attribute sets of words."""
    if s.attributes is None:
        return []
    pair = s.attributes
    scores = association(
        images.embeddings,
        texts(filled(pair.template, pair.a.words)),
        texts(filled(pair.template, pair.b.words)),
    )
    rows: list[PairRow] = []
    for category, subgroups in images.groups.items():
        rows += _rows(
            {name: scores[i] for name, i in subgroups.items()},
            _Place(
                images.info.name,
                category,
                s.name,
                "attributes",
                (pair.a.name, pair.b.name),
                pair.pleasant,
            ),
            settings,
        )
    return rows


def contrast_pairs(
    images: EmbeddedSet, s: Stimuli, texts: Texts, settings: Settings
) -> list[PairRow]:
    """Subgroups of images against two single prompts; all pairs of prompts are one family."""
    if s.contrasts is None:
        return []
    template, prompts = s.contrasts.template, s.contrasts.pairs
    # With single prompts an association is the difference of two cosines: linear in the prompts'
    # unit vectors, so all come from one product with the images.
    asked = (unit_rows(texts(filled(template, words)), s.name) for words in prompts)
    axes = np.stack([a - b for a, b in asked], axis=1)
    scores = (unit_rows(images.embeddings, images.info.name) @ axes).T
    rows: list[PairRow] = []
    for category, subgroups in images.groups.items():
        found = pairwise_family(
            [{name: values[i] for name, i in subgroups.items()} for values in scores],
            **_options(settings, len(prompts) * comb(len(subgroups), 2)),
        )
        for words, results in zip(prompts, found, strict=True):
            place = _Place(images.info.name, category, s.name, "contrasts", words, "a")
            rows += [_row(r, place, settings) for r in results]
    return rows


def text_only_pairs(s: Stimuli, texts: Texts, settings: Settings) -> list[PairRow]:
    """Subgroups of phrases against attribute sets of words: the text tower alone."""
    if s.targets is None or s.attributes is None:
        return []
    pair = s.attributes
    a, b = (texts(filled(pair.template, side.words)) for side in (pair.a, pair.b))
    rows: list[PairRow] = []
    for category, subgroups in s.targets.categories.items():
        rows += _rows(
            {
                name: association(texts(filled(s.targets.template, words)), a, b)
                for name, words in subgroups.items()
            },
            _Place(
                TEXT_ONLY, category, s.name, "targets", (pair.a.name, pair.b.name), pair.pleasant
            ),
            settings,
        )
    return rows


def image_only_pairs(
    images: EmbeddedSet, s: Stimuli, settings: Settings
) -> tuple[list[PairRow], list[str]]:
    """Subgroups of images against attribute sets of images: the image tower alone.

    An image that serves as an attribute is no target of the same test. Returns rows, and a note
    for what could not be asked of this image set.
    """
    if s.image_attributes is None:
        return [], []
    pair = s.image_attributes
    asked = canonical_category(pair.category)
    have = images.groups.get(asked, {})
    lacking = [x for x in (*pair.a.subgroups, *pair.b.subgroups) if x not in have]
    if lacking:
        return [], [
            f"{s.name} was not asked of {images.info.name}: "
            f"it has no {pair.category!r} labelled {lacking[0]!r}."
        ]
    a, b = (np.concatenate([have[x] for x in side.subgroups]) for side in (pair.a, pair.b))
    used = np.concatenate([a, b])
    scores = association(images.embeddings, images.embeddings[a], images.embeddings[b])
    rows: list[PairRow] = []
    notes: list[str] = []
    for category, subgroups in images.groups.items():
        if category == asked:
            continue
        targets = {n: i[~np.isin(i, used)] for n, i in subgroups.items()}
        left = {n: i for n, i in targets.items() if len(i) >= MIN_ITEMS}
        notes += [
            f"{s.name} was not asked of {images.info.name}, {category}, {n}: fewer than "
            f"{MIN_ITEMS} of its images are not attributes themselves."
            for n in targets
            if n not in left
        ]
        if len(left) > 1:
            rows += _rows(
                {name: scores[i] for name, i in left.items()},
                _Place(
                    images.info.name,
                    category,
                    s.name,
                    "image_attributes",
                    (pair.a.name, pair.b.name),
                    pair.pleasant,
                ),
                settings,
            )
    return rows, notes


def sentence(d: float, x: str, y: str, attributes: tuple[str, str], pleasant: str | None) -> str:
    """What an effect size says, in words; said about the pleasant set where there is one."""
    if math.isnan(d):
        return "undefined"
    if d == 0:
        return f"{x} and {y} are equally close to {attributes[0]}"
    near, far = (x, y) if d > 0 else (y, x)
    if pleasant == "b":
        return f"{far} is closer to {attributes[1]} than {near}"
    return f"{near} is closer to {attributes[0]} than {far}"


@dataclass(frozen=True)
class _Place:
    """What a family of rows has in common."""

    dataset: str
    category: str
    stimuli: str
    section: str
    attributes: tuple[str, str]
    pleasant: str | None


def _options(settings: Settings, rows: int) -> dict[str, Any]:
    """The measures' options for a family of so many rows, p-values corrected together.

    A sampled p is at least 1 / (draws + 1), and Holm's correction multiplies it by up to `rows`:
    a large family needs more draws, or nothing in it could ever be clear. Subgroups differ in
    size and spread, hence the studentised statistic.
    """
    enough = math.ceil(2 * rows / (1 - settings.confidence))
    return {
        "ddof": settings.ddof,
        "permutations": max(settings.permutations, enough),
        "alternative": settings.alternative,
        "confidence": settings.confidence,
        "seed": settings.seed,
        "statistic": "studentised",
    }


def _rows(
    associations: Mapping[str, np.ndarray], place: _Place, settings: Settings
) -> list[PairRow]:
    options = _options(settings, comb(len(associations), 2))
    results = pairwise_from_associations(associations, **options)
    return [_row(r, place, settings) for r in results]


def _row(r: PairResult, place: _Place, settings: Settings) -> PairRow:
    names, pleasant = place.attributes, place.pleasant
    return PairRow(
        dataset=place.dataset,
        category=place.category,
        stimuli=place.stimuli,
        section=place.section,
        attribute_a=names[0],
        attribute_b=names[1],
        subgroup_a=r.subgroup_a,
        subgroup_b=r.subgroup_b,
        n_a=r.n_x,
        n_b=r.n_y,
        effect_size=r.effect_size,
        ci_low=r.ci_low,
        ci_high=r.ci_high,
        p_value=r.p_value,
        p_holm=r.p_holm,
        p_bh=r.p_bh,
        exact=r.exact,
        n_permutations=r.n_permutations,
        favoured=_favoured(r, pleasant),
        clear=r.p_holm < 1 - settings.confidence,
        sentence=sentence(r.effect_size, r.subgroup_a, r.subgroup_b, names, pleasant),
        reason=r.reason,
    )


def _favoured(r: PairResult, pleasant: str | None) -> str | None:
    """The subgroup on the pleasant side."""
    if pleasant is None or math.isnan(r.effect_size) or r.effect_size == 0:
        return None
    return r.subgroup_a if (r.effect_size > 0) == (pleasant == "a") else r.subgroup_b
