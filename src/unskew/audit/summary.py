"""A report in few lines: one row per data set and category, and the Hub's metadata of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from unskew.audit.rows import MODALITY, PairRow

if TYPE_CHECKING:
    from unskew.audit.report import AuditReport


@dataclass(frozen=True)
class Summary:
    """All pairs of one data set, category and stimuli. ``mean_abs`` averages |d| over pairs."""

    dataset: str
    category: str
    stimuli: str
    section: str
    pairs: int
    clear: int
    mean_abs: float
    largest: PairRow


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
                    largest=max(known, key=lambda r: abs(r.effect_size)),
                )
            )
    return out


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
