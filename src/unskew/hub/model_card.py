"""The card of a debiased model: every number in it stands in `results.json` beside it.

`results` takes them from the report that was measured, or computes them from its rows; the card
only rounds what is there. What only people can say comes from `card.yaml`, else it is a blank.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from unskew.audit import AuditReport
from unskew.audit.rows import MODALITY, RankingRow
from unskew.audit.summary import Summary, families, summaries
from unskew.debias.methods import METHODS
from unskew.encoders import Debiaser
from unskew.encoders.fetching import BUILT_IN
from unskew.encoders.publishable import base_on_hub
from unskew.errors import InputError
from unskew.hub.cards import blank, filled_in
from unskew.markdown import code, escaped

PEOPLE = "card.yaml"
RESULTS = "results.json"
MOST_PAIRS = 12
"""Pairs in the card's table, the largest differences before; the report has them all."""

ASKED = {
    "license": "the licence, which the base model's and the data's must allow",
    "authors": "who made this model, and how to reach them",
    "intended_use": "what this model is meant for, by whom, and for whom",
    "out_of_scope": "uses that its makers advise against, beside those named here",
    "limitations": "limits known to its makers, beside those measured here",
    "affected_people": "whether people of the subgroups were asked, and what they said",
    "energy": "energy or carbon of the training, if it was measured, and how",
    "citation": "how to cite it",
}
"""Fields of `card.yaml`, and what a person is asked for."""


def results(
    debiaser: Debiaser, report: AuditReport, utility: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Everything the card says in numbers, as JSON holds it; NaN is None."""
    before = report.before
    if before is None:
        raise InputError("the report has no audit of the model from before to be held against")
    settings = debiaser.settings
    return _plain(
        {
            "base": debiaser.base,
            "method": debiaser.method,
            "attributes": list(debiaser.attributes),
            "demonstration": debiaser.demonstration or report.demonstration,
            "fitting": {k: v for k, v in settings.items() if k != "cost"},
            "cost": settings.get("cost"),
            "measured": {
                "unskew_version": report.unskew_version,
                "created": report.created,
                "settings": dataclasses.asdict(report.settings),
                "stimuli": [{"name": s.name, "source": s.source} for s in report.stimuli],
                "datasets": [
                    {k: getattr(d, k) for k in ("name", "n_images", "counts", "licence", "credit")}
                    for d in report.datasets
                ],
                "notes": list(report.notes),
            },
            "effects": _effects(before, report),
            "pairs": _pairs(report)[:MOST_PAIRS],
            "pairs_moved": len(_pairs(report)),
            "pairs_in_all": sum(c.section != "contrasts" for c in report.changes()),
            "rankings": _rankings(before, report),
            "utility": [dict(u) for u in utility],
        }
    )


def _effects(before: AuditReport, after: AuditReport) -> list[dict[str, Any]]:
    """One row per data set, category and modality: how many pairs differ, and by how much."""
    old, new = _by_family(before), _by_family(after)
    rows = []
    for family, members in families(r for r in after.pairs if r.section != "contrasts"):
        b, a = old.get(family), new.get(family)
        known = a or b
        if known is None:
            continue
        dataset, category, stimuli, section = family
        rows.append(
            {
                "dataset": dataset,
                "category": category,
                "asked": f"{MODALITY[section]} ({stimuli})",
                "pairs": len(members),
                "clear_before": b.clear if b else 0,
                "clear_after": a.clear if a else 0,
                "mean_abs_before": b.mean_abs if b else math.nan,
                "mean_abs_after": a.mean_abs if a else math.nan,
                "chance_abs": known.chance_abs,
                "max_abs_before": b.max_abs if b else math.nan,
                "max_abs_after": a.max_abs if a else math.nan,
            }
        )
    return rows


def _by_family(report: AuditReport) -> dict[tuple[str, str, str, str], Summary]:
    rows = (r for r in report.pairs if r.section != "contrasts")
    return {(s.dataset, s.category, s.stimuli, s.section): s for s in summaries(rows)}


def _pairs(report: AuditReport) -> list[dict[str, Any]]:
    """The pairs that moved, largest difference before first."""
    moved = [c for c in report.changes() if c.section != "contrasts" and not math.isnan(c.change)]
    moved = sorted((c for c in moved if c.moved), key=lambda c: -abs(c.before))
    return [dataclasses.asdict(c) for c in moved]


def _rankings(before: AuditReport, after: AuditReport) -> list[dict[str, Any]]:
    def key(r: RankingRow) -> tuple[str, str, str]:
        return r.dataset, r.category, r.stimuli

    old = {key(r): r for r in before.rankings}
    shown = ("max_skew", "max_skew_ci_low", "max_skew_ci_high", "p_value", "ndkl")
    return [
        {
            **{k: getattr(r, k) for k in ("dataset", "category", "stimuli", "k", "n")},
            "chance_max_skew": r.chance_max_skew,
            "chance_ndkl": r.chance_ndkl,
            "before": {k: getattr(old[key(r)], k) for k in shown},
            "after": {k: getattr(r, k) for k in shown},
        }
        for r in after.rankings
        if key(r) in old
    ]


def people_say(folder: Path) -> dict[str, str]:
    """`card.yaml` of a folder: what people say; empty without one.

    Raises:
        InputError: it is not YAML, or has a field that no card has.
    """
    import yaml

    path = folder / PEOPLE
    if not path.is_file():
        return {}
    try:
        said = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not YAML: {error}") from error
    if not isinstance(said, dict):
        raise InputError(f"{path} is no list of fields such as `authors: ...`")
    unknown = sorted(str(k) for k in set(said) - set(ASKED))
    if unknown:
        raise InputError(f"{path} has {unknown[0]}; a card asks for {', '.join(ASKED)}")
    return {k: str(v).strip() for k, v in said.items() if v is not None}


def model_card(
    debiaser: Debiaser,
    numbers: Mapping[str, Any],
    index: Sequence[Mapping[str, Any]],
    said: Mapping[str, str],
    repo_id: str,
    pictures: Sequence[tuple[str, str]],
    local: bool,
    towers: str | None = None,
) -> str:
    """README.md of a debiased model.

    Args:
        debiaser: what is published, without paths.
        numbers: see `results`.
        index: `AuditReport.to_model_index()`.
        said: see `people_say`.
        repo_id: "you/name".
        pictures: file and what it shows, of the figures with intervals.
        local: whether the base model is a folder that is not published.
        towers: class of the whole weights, where the adapter is published merged into them.
    """
    import yaml
    from huggingface_hub import ModelCardData

    data = ModelCardData(
        library_name="unskew",
        license=said.get("license"),
        base_model=base_on_hub(debiaser.base, local),
        pipeline_tag="zero-shot-image-classification",
        tags=["unskew", "fairness", "debiasing", debiaser.method],
    )
    metadata = data.to_dict() | {"model-index": [_plain(index[0]) | {"name": _name(repo_id)}]}
    values = {
        **numbers,
        "metadata": yaml.safe_dump(metadata, sort_keys=False, allow_unicode=True).strip(),
        "name": _name(repo_id),
        "repo_id": repo_id,
        "local": local,
        "about": METHODS.get(debiaser.method),
        "towers": towers,
        "known_to_transformers": debiaser.adapter is not None and debiaser.base != BUILT_IN,
        "has_heads": bool(debiaser.heads.present()),
        "said": {k: said.get(k) or blank(what) for k, what in ASKED.items()},
        "pictures": pictures,
    }
    filters = {"d": _signed, "x": _plainly, "cell": escaped, "code": code, "json": _json}
    return filled_in("model.md.jinja", values, filters)


def _name(repo_id: str) -> str:
    return repo_id.split("/")[-1]


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False)


def _signed(value: float | None, digits: int = 2) -> str:
    return "undefined" if value is None else f"{value:+.{digits}f}"


def _plainly(value: float | None, digits: int = 2) -> str:
    return "undefined" if value is None else f"{value:.{digits}f}"


def _plain(value: Any) -> Any:
    """NaN as None, tuples as lists, numbers of numpy as Python's."""
    if isinstance(value, float):
        return None if math.isnan(value) else float(value)
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return value
