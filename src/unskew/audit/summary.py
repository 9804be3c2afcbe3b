"""A report in few lines: one row per data set and category, and the Hub's metadata of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from unskew.audit.rows import MODALITY, PairRow
from unskew.measures import chance_effect

if TYPE_CHECKING:
    from unskew.audit.report import AuditReport


@dataclass(frozen=True)
class Summary:
    """All pairs of one data set, category and stimuli.

    ``mean_abs`` averages |d| over the pairs, and ``chance_abs`` what it would average to if no
    pair differed: with few images it is far from 0. ``largest`` is the largest clear difference
    where there is one, ``max_abs`` the largest |d| of all pairs, clear or not.
    """

    dataset: str
    category: str
    stimuli: str
    section: str
    pairs: int
    clear: int
    mean_abs: float
    chance_abs: float
    largest: PairRow
    max_abs: float


def summaries(rows: Iterable[PairRow]) -> list[Summary]:
    """One per family of rows that has a defined effect size, in the rows' order."""
    out = []
    for (dataset, category, stimuli, section), family in families(rows):
        known = [r for r in family if not math.isnan(r.effect_size)]
        if known:
            out.append(
                Summary(
                    dataset,
                    category,
                    stimuli,
                    section,
                    pairs=len(family),
                    clear=sum(r.clear for r in family),
                    mean_abs=sum(abs(r.effect_size) for r in known) / len(known),
                    chance_abs=sum(chance_effect(r.n_a, r.n_b) for r in known) / len(known),
                    largest=max(known, key=size),
                    max_abs=max(abs(r.effect_size) for r in known),
                )
            )
    return out


def size(row: PairRow) -> tuple[bool, float]:
    """Sort key: clear differences before others, then by |d|."""
    return row.clear, abs(row.effect_size)


def families(
    rows: Iterable[PairRow],
) -> list[tuple[tuple[str, str, str, str], Sequence[PairRow]]]:
    """Rows that are corrected together, in order of first appearance."""
    found: dict[tuple[str, str, str, str], list[PairRow]] = {}
    for key, group in groupby(rows, key=lambda r: r.family):
        found.setdefault(key, []).extend(group)
    return list(found.items())


def model_index(report: AuditReport) -> list[dict[str, Any]]:
    """``model-index`` of a model card: task, data set and metrics of every summary row."""
    results = []
    for s in summaries(report.pairs):
        if s.section == "contrasts":
            continue
        metrics = [
            {"type": "weat_mean_abs_d", "value": round(s.mean_abs, 4), "name": "mean |d|"},
            {
                "type": "weat_max_abs_d",
                "value": round(abs(s.largest.effect_size), 4),
                "name": f"max |d| ({s.largest.subgroup_a} / {s.largest.subgroup_b})",
            },
            {
                "type": "weat_chance_abs_d",
                "value": round(s.chance_abs, 4),
                "name": "mean |d| if no pair differed",
            },
            {
                "type": "weat_clear_pairs",
                "value": s.clear,
                "name": f"pairs of {s.pairs} that are clear after Holm",
            },
        ]
        metrics += [
            {"type": "max_skew", "value": round(r.max_skew, 4), "name": f"MaxSkew@{r.k}"}
            for r in report.rankings
            if (r.dataset, r.category) == (s.dataset, s.category) and s.section == "attributes"
        ]
        results.append(
            {
                "task": {"type": "zero-shot-image-classification", "name": MODALITY[s.section]},
                "dataset": {
                    "type": s.dataset,
                    "name": f"{s.dataset}, {s.category}",
                    "args": {"stimuli": s.stimuli},
                },
                "metrics": metrics,
            }
        )
    return [{"name": report.model.name, "results": results}]
