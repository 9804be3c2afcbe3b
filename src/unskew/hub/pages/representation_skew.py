"""The page of `RepresentationSkew`: rankings, and who is among the first k."""

from __future__ import annotations

from typing import Any

import gradio as gr

from unskew.errors import InputError
from unskew.hub.pages.given import Lines, expect, numbers
from unskew.hub.pages.page import Page, Told, shown
from unskew.hub.representation_skew import RepresentationSkew

INTRODUCTION = """# Representation skew

Who is among the first k that a prompt retrieves? Give the group of each item, and its score for
each prompt, as

* **CSV**: one item a line, its group first, then its score for each prompt: `woman,0.31,0.27`
* **JSON**: `{"groups": ["woman", ...], "scores": [[...], ...]}`, one row of scores for each prompt
* **.npz**: arrays `groups` (n) and `scores` (prompts, n).
"""

EXAMPLE = """woman,0.31,0.22,0.18
woman,0.12,0.41,0.20
woman,0.25,0.15,0.33
woman,0.08,0.28,0.11
man,0.44,0.39,0.36
man,0.38,0.19,0.40
man,0.29,0.35,0.27
man,0.33,0.24,0.13
"""

_MEASURES = {
    "max_skew": "MaxSkew",
    "min_skew": "MinSkew",
    "ndkl": "NDKL",
    "bias_at_k": "Bias",
}


def _from_csv(lines: Lines) -> dict[str, Any]:
    groups: list[str] = []
    columns: list[list[float]] = []
    for line, row in lines:
        groups.append(row[0].strip())
        columns.append(numbers(line, row[1:], "a group"))
        if len(columns[-1]) != len(columns[0]):
            raise InputError(
                f"line {line} has {len(columns[-1])} scores but line 1 has {len(columns[0])}: "
                "give one for each prompt"
            )
    return {"groups": groups, "scores": [list(scores) for scores in zip(*columns, strict=True)]}


def _answer(ranking: dict[str, Any], k: int, target: str) -> Told:
    expect(ranking, ("scores", "groups"))
    result = RepresentationSkew().compute(**ranking, k=k, target=target)
    rows = [_row(f"{label}@{result['k']}", name, result) for name, label in _MEASURES.items()]
    for group, skew in result["skew"].items():
        chance = result["chance_skew"][group]
        rows.append([f"Skew@{result['k']} of {group}", shown(skew), "", "", shown(chance)])
    return rows, result


def _row(label: str, name: str, result: dict[str, Any]) -> list[str]:
    values = (result[key] for key in (name, f"{name}_ci_low", f"{name}_ci_high", f"chance_{name}"))
    return [label, *map(shown, values)]


def _options() -> list[Any]:
    return [
        gr.Number(4, label="k", precision=0, minimum=1),
        gr.Radio(["uniform", "pool"], value="uniform", label="target distribution"),
    ]


PAGE = Page(
    title="Representation skew",
    introduction=INTRODUCTION,
    example=EXAMPLE,
    label="Scores and groups (CSV or JSON)",
    columns=("measure", "value", "low", "high", "under a random ranking"),
    caption="Averaged over the prompts",
    from_csv=_from_csv,
    answer=_answer,
    options=_options,
)
